"""The prices, each with its source: the one place where they stand."""

from typing import NamedTuple

SOURCE = "Tencent Cloud, price list of SCF, pay as you go, mainland China"
DATE = "read in 2026-11"


class Price(NamedTuple):
    """A price in CNY.

    Attributes:
        what: is paid for.
        cny: of one unit.
        unit: that it is for.
    """

    what: str
    cny: float
    unit: str


RUN = Price("an instance at work", 0.00011108, "GB·s")
CALLS = Price("calls", 0.0133, "10 000 calls")
IDLE = Price("a provisioned instance that is idle", 0.00005471, "GB·s")
ALL = (RUN, CALLS, IDLE)

STEP_MS = 1
"""Time is billed in whole steps of this length."""

FULL_CORE_MB = 1280
"""With this memory an instance has about one core, with less its share; a request uses no more than one."""

MEMORY_MB = tuple(range(128, 3072 + 1, 128))
"""The sizes that there are, but for 64."""

MACHINE_CNY_PER_MONTH = 100.0
"""An EXAMPLE, no offer of anybody: the reader fills in what a machine costs where they rent."""

HOURS_PER_MONTH = 730
