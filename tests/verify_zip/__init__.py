"""`make verify-zip`: the built zip, run in a sandbox like the platform's."""
