"""The pictures beside the tables."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")  # a file, and no window

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

# Told apart by those who do not see red and green, too.
_COLOURS = ("#0072B2", "#E69F00", "#CC3311", "#009E73")


def draw_bars(path: Path, panels: Mapping[str, Mapping[str, float]]) -> None:
    """Write a picture with a panel of bars for each figure, less is better.

    Args:
        path: of the file.
        panels: by what the figure is, its value by title; the axis is logarithmic where they differ much.
    """
    height = 0.5 + 0.38 * max(map(len, panels.values()))
    figure, grid = plt.subplots(
        1, len(panels), figsize=(3.4 * len(panels), height + 0.5), dpi=110, layout="constrained"
    )
    for number, (axes, (what, values)) in enumerate(zip(np.atleast_1d(grid), panels.items(), strict=True)):
        colours = [_COLOURS[0] if not row else "#999999" for row in range(len(values))]
        bars = axes.barh(list(values), list(values.values()), color=colours, height=0.65)
        is_wide = max(values.values()) > 30 * min(values.values())
        axes.set_xscale("log" if is_wide else "linear")
        axes.margins(x=0.25)
        axes.bar_label(bars, labels=[f"{value:.3g}" for value in values.values()], padding=3, fontsize=8)
        axes.invert_yaxis()
        axes.set_title(what, loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, labelleft=number == 0)
    figure.savefig(path)
    plt.close(figure)


def draw_lines(
    path: Path, what: str, steps: Sequence[float], panels: Mapping[str, Mapping[str, Sequence[float]]]
) -> None:
    """Write a picture with a panel of lines for each figure.

    Args:
        path: of the file.
        what: the steps are.
        steps: along the horizontal axis, which is logarithmic, as the vertical one is.
        panels: by what the figure is, its values at each step by title.
    """
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(4.8 * columns, 3.1 * rows), dpi=110, layout="constrained")
    for axes, (title, lines) in zip(np.ravel(grid), panels.items(), strict=False):
        for (name, values), colour in zip(lines.items(), _COLOURS, strict=False):
            axes.plot(steps, values, color=colour, marker="o", markersize=4, linewidth=1.6, label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(list(steps), [f"{step:g}" for step in steps])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel(what, fontsize=9)
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(which="major", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    np.ravel(grid)[0].legend(frameon=False, fontsize=9)
    figure.savefig(path)
    plt.close(figure)


def draw_stages(path: Path, stages: Iterable[Mapping[str, Any]], bars: Mapping[str, str]) -> None:
    """Write a picture with a bar for each figure, of one part per stage.

    Args:
        path: of the file.
        stages: in their order, each with its name as `stage` and with the figures, in milliseconds.
        bars: the titles of the figures by their names.
    """
    figure, axes = plt.subplots(figsize=(9, 2.9), dpi=120, layout="constrained")
    left = np.zeros(len(bars))
    for stage, colour in zip(stages, mpl.color_sequences["tab10"], strict=False):
        widths = np.array([stage[name] for name in bars])
        axes.barh(list(bars.values()), widths, left=left, color=colour, label=stage["stage"], height=0.6)
        left += widths
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds to the first answer")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(ncols=4, frameon=False, loc="outside upper left", fontsize=9)
    figure.savefig(path)
    plt.close(figure)
