"""The function in Tencent Cloud: `python -m deploy up` and the other commands, never in the zip.

The state is in the cloud alone. A published version's description says which zip and model it has; the
description of the alias `$DEFAULT` says which versions it has pointed at. So every command begins by reading,
does what differs, and after a failure is simply run again.

`cli` parses, `settings` and `credentials` say what is wanted and by whom, `package` is what is to run, `api` and
`storage` are the two official libraries, `function` and `traffic` what the cloud has, `rollout` what `up` does,
`trial` how a version is tried, and `status`, `logs` and `destroy` the rest.
"""
