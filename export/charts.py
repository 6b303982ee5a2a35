"""Draw the pictures of the model's card, from its figures."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")  # a file, and no window

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from export.figures import BINS
from export.files import load_log
from export.foreign import FOREIGN, foreign_pictures
from export.hands import draw_samples as draw_hands
from export.mnist import Digits
from export.reader import Reader
from export.suite import KINDS, Picture, make_picture
from mnist_infer.decode import decode
from mnist_infer.errors import MnistInferError
from mnist_infer.normalise import to_model_input

Figures = Mapping[str, Any]

# Told apart by those who do not see red and green, too.
OURS, ARTICLE, WRONG, QUIET = "#0072B2", "#E69F00", "#CC3311", "#777777"
SAMPLES = 6
"""Pictures of each kind on the sheet of samples."""

_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.edgecolor": "#444444",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "legend.frameon": False,
}


def write_charts(folder: Path, figures: Figures, digits: Digits, reader: Reader, log: Path) -> None:
    """Write the pictures that the card shows.

    Args:
        folder: for the PNG files.
        figures: see `export.evaluate`.
        digits: that the suite was made from; a few of its pictures are made anew to be shown.
        reader: reads them.
        log: of the training, a CSV file; there may be none.
    """
    with mpl.rc_context(_STYLE):
        _save(draw_suite(figures["kinds"]), folder / "suite.png")
        _save(draw_confusion(np.array(figures["confusion"])), folder / "confusion.png")
        _save(draw_calibration(figures["calibration"]), folder / "calibration.png")
        _save(draw_samples(digits, reader), folder / "samples.png", dither=Image.Dither.FLOYDSTEINBERG)
        mnist = [make_picture("mnist", digits, row["index"]) for row in figures["worst"]]
        _save(draw_worst(figures["worst"], mnist), folder / "worst.png")
        foreign = figures["foreign"][0]
        pictures = foreign_pictures(FOREIGN[0][1])
        _save(
            draw_worst(foreign["worst"], [pictures[row["index"]] for row in foreign["worst"]]), folder / "foreign.png"
        )
        draw_hands().save(folder / "hands.png", optimize=True)
        if log.exists():
            _save(draw_training(log), folder / "training.png")


def _save(figure: Figure, path: Path, dither: Image.Dither = Image.Dither.NONE) -> None:
    """Save as a PNG of 256 colours: a third of the size, and no difference to be seen; photos need dither for that."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    image = Image.open(file).convert("RGB")
    image.quantize(256, palette=image.quantize(256), dither=dither).save(path, optimize=True)


def draw_suite(kinds: Sequence[Figures]) -> Figure:
    """Draw a bar per kind, ours and the article's, with our interval and the figure wanted."""
    figure, axes = plt.subplots(figsize=(9, 0.44 * len(kinds) + 1), dpi=110, layout="constrained")
    at = np.arange(len(kinds))
    ours, others = ([100 * kind[key] for kind in kinds] for key in ("accuracy", "article"))
    axes.barh(at - 0.19, ours, 0.36, color=OURS, label="this function")
    axes.barh(at + 0.19, others, 0.36, color=ARTICLE, label="the article's normalisation, same network")
    wanted = [100 * kind["wanted"] for kind in kinds]
    axes.vlines(wanted, at - 0.42, at + 0.04, color="black", linewidth=1.6, label="wanted")
    for i, kind in enumerate(kinds):
        missed = kind["accuracy"] < kind["wanted"]
        text = f"{ours[i]:.2f}" + (" missed" if missed else "")
        axes.text(101, i - 0.19, text, va="center", fontsize=9, color=WRONG if missed else OURS)
        axes.text(101, i + 0.19, f"{others[i]:.1f}", va="center", fontsize=9, color="#9A6A00")
    axes.set_yticks(at, [kind["title"] for kind in kinds])
    axes.set_ylim(len(kinds) - 0.45, -0.55)
    axes.set_xlim(0, 100)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("pictures read, %")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    wanted_line, *bars = axes.get_legend_handles_labels()[0]
    figure.legend(handles=[*bars, wanted_line], loc="outside upper left", ncols=3)
    return figure


def draw_confusion(counts: NDArray[np.int64]) -> Figure:
    """Draw the confusion matrix: the mistakes coloured by their number, the right ones only counted."""
    figure, axes = plt.subplots(figsize=(6.4, 6), dpi=110, layout="constrained")
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    most = max(int(mistakes.max()), 1)
    axes.imshow(np.where(mistakes, mistakes, np.nan), cmap="Oranges", vmin=-most / 4, vmax=most * 1.6)
    for label in range(10):
        axes.add_patch(Rectangle((label - 0.5, label - 0.5), 1, 1, color="#E8F1F7"))
        for read in range(10):
            if n := counts[label, read]:
                colour = OURS if label == read else "black"
                axes.text(read, label, str(n), ha="center", va="center", color=colour, fontsize=10)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.tick_params(length=0)
    axes.set_xlabel("read as")
    axes.set_ylabel("label")
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(-0.5, 10), minor=True)
    axes.set_yticks(np.arange(-0.5, 10), minor=True)
    axes.grid(which="minor", color="#DDDDDD", linewidth=0.8)
    axes.tick_params(which="minor", length=0)
    axes.set_title(f"MNIST, {counts.sum()} digits, {mistakes.sum()} misread")
    return figure


def draw_worst(rows: Sequence[Figures], pictures: Sequence[Picture]) -> Figure:
    """Draw misread digits as the network saw them, with the probabilities of the answer and of the label."""
    columns = 8
    lines = max(-(-len(rows) // columns), 1)
    figure, grid = plt.subplots(lines, columns, figsize=(9, 1.5 * lines), dpi=110, layout="constrained", squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, row, picture in zip(grid.flat, rows, pictures, strict=False):
        axes.imshow(_seen(picture), cmap="gray", vmin=0, vmax=255)
        _frame(axes)
        axes.set_title(
            f"read {row['read']}: {_share(row['probability_read'])}\nlabel {row['label']}: "
            f"{_share(row['probability_label'])}",
            fontsize=8.5,
            loc="center",
        )
    return figure


def _share(probability: float) -> str:
    """Return a probability so that neither certainty nor impossibility is claimed by rounding."""
    if probability < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if probability > 0.999 else f"{probability:.1%}".replace("%", " %")


def draw_calibration(figures: Figures) -> Figure:
    """Draw how often answers of each probability are right, and under it how many there are."""
    figure, (axes, below) = plt.subplots(
        2, 1, figsize=(6.4, 6.6), dpi=110, layout="constrained", sharex=True, height_ratios=(4, 1.2)
    )
    stated, right, n = (np.array([row[key] for row in figures["bins"]]) for key in ("stated", "right", "n"))
    low, high = (np.array([row[key] for row in figures["bins"]]) for key in ("low", "high"))
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label="as it should be")
    spread = np.maximum([right - low, high - right], 0)
    axes.errorbar(stated, right, spread, color=OURS, marker="o", linewidth=1.8, capsize=3, label="measured, 95 %")
    axes.set_ylabel("share that is right")
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, 1.03)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    axes.set_title(f"Expected calibration error {100 * figures['error']:.2f} percentage points")
    below.bar((np.minimum(stated, 0.999) * BINS).astype(int) / BINS + 0.5 / BINS, n, 0.9 / BINS, color=OURS)
    below.set_yscale("log")
    below.set_ylabel("answers")
    below.set_xlabel("probability of the answer")
    below.grid(axis="y", alpha=0.3)
    return figure


def draw_training(log: Path) -> Figure:
    """Draw loss and misread share over the epochs, from a CSV file with a header."""
    table = load_log(log)
    names = table.dtype.names or ()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), dpi=110, layout="constrained")
    epochs = np.arange(1, table.size + 1)
    curves = (("", "training digits, distorted", ARTICLE), ("val_", "held-back digits", OURS))
    for prefix, title, colour in curves:
        if f"{prefix}loss" in names:
            left.plot(epochs, table[f"{prefix}loss"], color=colour, linewidth=1.8, label=title)
        if f"{prefix}accuracy" in names:
            misread = 100 * (1 - table[f"{prefix}accuracy"])
            right.plot(epochs, misread, color=colour, linewidth=1.8, label=title)
    for axes, title in ((left, "loss"), (right, "misread, %")):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    left.legend()
    return figure


def draw_samples(digits: Digits, reader: Reader) -> Figure:
    """Draw pictures of every kind as sent, each beside what the network sees of it."""
    figure = plt.figure(figsize=(10, 0.82 * len(KINDS)), dpi=110)
    top, left, row_height = 0.995, 0.155, 0.99 / len(KINDS)
    width = (1 - left) / SAMPLES
    for row, (name, kind) in enumerate(KINDS.items()):
        bottom = top - (row + 1) * row_height
        figure.text(left - 0.012, bottom + row_height / 2, _wrapped(kind.title), ha="right", va="center", fontsize=9)
        for column in range(SAMPLES):
            picture = make_picture(name, digits, column)
            x = left + column * width
            box = (bottom + row_height * 0.04, width * 0.41, row_height * 0.92)
            sent = figure.add_axes((x, *box))
            seen = figure.add_axes((x + width * 0.425, *box))
            _show_sent(sent, picture)
            answer = reader.read(column, picture)
            try:
                seen.imshow(_seen(picture), cmap="gray", vmin=0, vmax=255)
            except MnistInferError:
                seen.imshow(np.full((28, 28), 200), cmap="gray", vmin=0, vmax=255)
            _frame(seen)
            text = "–" if answer.digit is None else str(answer.digit)
            if not answer.is_right:
                text += f"\n({answer.label})"
            colour, weight = ("#444444", "normal") if answer.is_right else (WRONG, "bold")
            figure.text(x + width * 0.85, bottom + row_height / 2, text, va="center", color=colour, weight=weight)
    return figure


def _wrapped(title: str) -> str:
    return title.replace(", ", ",\n").replace(" of a pixel", "\nof a pixel")


def _show_sent(axes: Axes, picture: Picture) -> None:
    """Show a picture as it was sent, nothingness as a chequered ground."""
    image: Image.Image = Image.open(io.BytesIO(picture.content))
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image, np.int64) // 257).astype(np.uint8))
    if image.has_transparency_data:
        y, x = np.mgrid[: image.height, : image.width] * 12 // max(image.size)
        ground = np.where((x + y) % 2, 150, 185).astype(np.uint8)
        sheet = Image.fromarray(ground).convert("RGBA")
        sheet.alpha_composite(image.convert("RGBA"))
        image = sheet
    image = image.convert("RGB")
    if max(image.size) > 200:
        image.thumbnail((120, 120), Image.Resampling.LANCZOS)
    axes.imshow(np.asarray(image), interpolation="nearest" if max(image.size) < 60 else "antialiased")
    _frame(axes)


def _seen(picture: Picture) -> NDArray[np.float32]:
    """Return what the network sees of a picture, float32 [28, 28], 255 is ink."""
    return to_model_input(decode(picture.content, 10**9)).reshape(28, 28) * 255


def _frame(axes: Axes) -> None:
    axes.axis("on")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("#BBBBBB")
    axes.spines[:].set_linewidth(0.8)
