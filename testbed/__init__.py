"""What the tests and the benchmarks both stand on; it imports neither.

Pictures, an image host and the function's own server on loopback, the sandbox that the zip runs in.
"""
