"""The picture of latency over request number."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")  # a file, and no window

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

PLOT = Path(__file__).parent / "latency.png"
WIDTH = 101
"""Requests in the moving median."""

# Told apart by those who do not see red and green, too.
_COLOURS = ("#0072B2", "#E69F00", "#CC3311")


def draw_latency(milliseconds: Mapping[str, Sequence[float]]) -> None:
    """Write latency.png.

    Args:
        milliseconds: of each request in its order, by the title of the way.
    """
    figure, axes = plt.subplots(figsize=(9, 5), dpi=120, layout="constrained")
    for (title, values), colour in zip(milliseconds.items(), _COLOURS, strict=True):
        moving = np.median(np.lib.stride_tricks.sliding_window_view(values, WIDTH), axis=1)
        numbers = np.arange(len(moving)) + WIDTH // 2 + 1
        axes.plot(numbers, moving, color=colour, linewidth=1.8, label=title)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(0, max(map(len, milliseconds.values())))
    axes.set_xlabel("request number, in one warm process")
    axes.set_ylabel("milliseconds per request")
    axes.set_title(f"Latency of whole requests, moving median of {WIDTH}", loc="left")
    axes.legend(frameon=False, loc="center right", fontsize=11)
    axes.grid(which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PLOT)
    plt.close(figure)
