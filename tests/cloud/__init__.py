"""A stand-in for Tencent Cloud on 127.0.0.1, which the official libraries talk to unmodified.

It is as strict as the documents allow: it recomputes the signature of every request (`signatures`), checks every
request and every answer against Tencent's own description of the API (`schema`), keeps the states of functions,
versions and aliases (`functions`, `scf`) and of buckets, objects and multipart uploads (`cos`), and runs the uploaded
zip in a process of its own (`containers`). `server` puts them behind one port, and breaks the connection where a test
asks for it. What it cannot prove is in docs/deploy.md.
"""
