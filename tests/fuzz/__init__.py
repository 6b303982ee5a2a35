"""Coverage-guided fuzzing of what strangers send: `python -m tests.fuzz images --minutes 30`."""
