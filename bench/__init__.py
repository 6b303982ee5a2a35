"""Measures the function beside what one could take instead: `python -m bench`, see `__main__`.

`python -m bench.cost` computes what it costs. A suite is a module with `section(options)`, which measures and returns
its part of RESULTS.md.
"""
