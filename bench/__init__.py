"""Measures the function beside what one could take instead: `python -m bench`, see `__main__`.

A suite is a module with `measure(options)`, which returns its figures, `render(figures)`, which returns its part of
RESULTS.md, and where it has a picture `draw(figures)`. `python -m bench.cost` computes what the function costs.
"""
