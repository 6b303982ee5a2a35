"""Tests of `python -m deploy`, against the stand-in of `tests/cloud`."""
