"""Times the function against two other ways to do the same: `python -m bench`, see `__main__`.

A suite is a module with `section(options)`, which measures and returns its part of RESULTS.md.
"""
