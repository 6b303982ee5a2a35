"""The traffic: busy by day and idle by night, every day of a week alike."""

import math

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400
DAYS = 7
OPENS_S, CLOSES_S = 7 * 3600, 23 * 3600
"""Between these nothing comes at night, and by day it rises to its peak at three in the afternoon and falls again."""


def share_of_peak(second: float) -> float:
    """Return how much of the peak's rate there is at a second of the week, 0 to 1."""
    of_day = second % DAY_S
    if not OPENS_S <= of_day <= CLOSES_S:
        return 0.0
    return math.sin(math.pi * (of_day - OPENS_S) / (CLOSES_S - OPENS_S)) ** 2


def rates(peak: float, step_s: float) -> NDArray[np.float64]:
    """Return the requests per second in the middle of each step of a day."""
    middles = np.arange(0, DAY_S, step_s) + step_s / 2
    return peak * np.array([share_of_peak(second) for second in middles])
