"""What the function costs and how it scales: `python -m bench.cost` computes `docs/cost.md`.

`prices` has the prices, `inputs` what was measured, `week` the traffic, `expected` computes what a week brings,
`events` simulates the same event by event, `money` makes money of either, `comparison` sets the function beside what
one could have instead, and `page` writes.
"""
