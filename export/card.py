"""Draw the model's card from its figures: `export/README.md` and the pictures in `export/card/`."""

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

from export.evaluate import BINS, FOREIGN, Reader, foreign_pictures
from export.mnist import Digits
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


def write_card(folder: Path, figures: Figures, digits: Digits, reader: Reader) -> None:
    """Write README.md and the pictures that it shows.

    Args:
        folder: has `card/`, where the pictures go, and the model's folder.
        figures: see `export.evaluate`.
        digits: that the suite was made from; a few of its pictures are made anew to be shown.
        reader: reads them.
    """
    card = folder / "card"
    log = Path(__file__).parent / figures["model"]["version"] / "training.csv"
    with mpl.rc_context(_STYLE):
        _save(draw_suite(figures["kinds"]), card / "suite.png")
        _save(draw_confusion(np.array(figures["confusion"])), card / "confusion.png")
        _save(draw_calibration(figures["calibration"]), card / "calibration.png")
        _save(draw_samples(digits, reader), card / "samples.png", dither=Image.Dither.FLOYDSTEINBERG)
        mnist = [make_picture("mnist", digits, row["index"]) for row in figures["worst"]]
        _save(draw_worst(figures["worst"], mnist), card / "worst.png")
        foreign = figures["foreign"][0]
        pictures = foreign_pictures(FOREIGN[0][1])
        _save(draw_worst(foreign["worst"], [pictures[row["index"]] for row in foreign["worst"]]), card / "foreign.png")
        if log.exists():
            _save(draw_training(log), card / "training.png")
    (folder / "README.md").write_text(card_text(figures, log.exists()), encoding="utf-8")


def _save(figure: Figure, path: Path, dither: Image.Dither = Image.Dither.NONE) -> None:
    """Save as a PNG of 256 colours: a third of the size, and no difference to be seen; photos need dither for that."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    image = Image.open(file).convert("RGB")
    image.quantize(256, palette=image.quantize(256), dither=dither).save(path, optimize=True)


# --- The text -------------------------------------------------------------------------------------------------------


def card_text(figures: Figures, has_log: bool) -> str:
    """Return the card's markdown, wholly from the figures.

    Args:
        figures: see `export.evaluate`.
        has_log: whether there is a picture of the training.
    """
    mnist = next(kind for kind in figures["kinds"] if kind["name"] == "mnist")
    source = "the test digits" if figures["digits"]["set"] == "test" else "the held-back training digits"
    sections = [
        f"# The model, version {figures['model']['version']}",
        "`make evaluate` writes this page and its pictures from what it measures; nothing in it is written by hand.",
        f"It reads one handwritten digit per picture: **{_percent(mnist['accuracy'])} of MNIST's "
        f"{mnist['n']:,} {'test' if figures['digits']['set'] == 'test' else 'held-back'} digits** through the whole "
        f"function (95 % interval {_interval(mnist)}).".replace(",", " ", 1),
        _model_section(figures["model"]),
        _suite_section(figures, source),
        _normaliser_section(figures["normaliser_on_mnist"]),
        _mistakes_section(figures),
        _calibration_section(figures["calibration"]),
        _foreign_section(figures["foreign"]),
    ]
    if has_log:
        sections.append("## Training\n![Loss and accuracy over the epochs](card/training.png)")
    sections.append(_limits_section(figures))
    return "\n\n".join(sections) + "\n"


_NAMES = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds per picture",
    "epochs": "epochs",
    "seed": "seed",
    "tensorflow": "trained with TensorFlow",
    "held_back_accuracy": "held-back training digits read, at export",
    "held_back_suite_accuracy": "suite of held-back digits read, at export",
    "largest_difference_to_trained_network": "largest difference of a probability to the trained network",
}


def _model_section(model: Figures) -> str:
    rows = [("file", f"`export/{model['version']}/saved_model.pb`, {model['bytes'] / 1e6:.2f} MB")]
    rows += [(name, _value(model[key], key)) for key, name in _NAMES.items() if key in model]
    return (
        "## What it is\n"
        "A SavedModel of a small convolutional network, its batch normalisation folded into the kernels: `x:0` float32 "
        "`[n, 784]`, 1 is ink; `y:0` float32 `[n, 10]`, probabilities. It was trained on 55 000 of MNIST's training "
        "digits, distorted anew at every epoch. The other 5 000 were held back, and chose what there was to choose; "
        "the test digits had no say.\n\n" + _table(("", ""), rows, "-:")
    )


def _value(value: Any, key: str) -> str:
    if key.endswith("accuracy"):
        return _percent(value)
    if isinstance(value, int):
        return _count(value)
    return f"{value:.1e}" if isinstance(value, float) else str(value)


def _suite_section(figures: Figures, source: str) -> str:
    rows = []
    for kind in figures["kinds"]:
        reached = "reached" if kind["accuracy"] >= kind["wanted"] else "**missed**"
        article = _percent(kind["article"]) + (", **too easy**" if kind["too_easy"] else "")
        figures_of_kind = (_percent(kind["accuracy"]), _interval(kind), str(kind["refused"]), article)
        rows.append((kind["title"], _count(kind["n"]), *figures_of_kind, f"{kind['wanted']:.1%}", reached))
    header = ("kind", "pictures", "read", "95 % interval", "refused", "the article's way", "wanted", "")
    missed = [kind["title"] for kind in figures["kinds"] if kind["accuracy"] < kind["wanted"]]
    easy = [kind["title"] for kind in figures["kinds"] if kind["too_easy"]]
    lines = [
        "## What people send\n"
        f"The suite is made from {source}, reproducibly; the ranges of every kind stand in the table of "
        "[suite.py](suite.py), which shares no code with the training. Each picture goes through the function's own "
        "path, base64 to answer; one that is refused counts as wrong. *The article's way* squeezes the whole picture "
        "to 28×28 and inverts it where it is mostly bright, on the same network.",
        _table(header, rows),
        (f"**Missed: {'; '.join(missed)}.**" if missed else "Every kind reaches its figure.")
        + (f" **Too easy, the article's way reads over 60 %: {'; '.join(easy)}.**" if easy else ""),
        "![Share of the pictures read, per kind, ours and the article's way](card/suite.png)",
        "Pictures as they are sent, each beside the 28×28 that the network sees, with the answer: grey where it "
        "is right, red where it is wrong (with the label behind it).",
        "![Samples of every kind before and after normalisation](card/samples.png)",
    ]
    return "\n\n".join(lines)


def _normaliser_section(figures: Mapping[str, float]) -> str:
    rows = [
        ("mean change of a pixel of 255, light ink on dark", f"{figures['change_light_on_dark']:.2f}"),
        ("mean change of a pixel of 255, dark ink on light", f"{figures['change_dark_on_light']:.2f}"),
        ("digits read with it", _percent(figures["accuracy_with"])),
        ("digits read without", _percent(figures["accuracy_without"])),
    ]
    return "## What the normaliser does to MNIST's own pictures\n" + _table(("", ""), rows)


def _mistakes_section(figures: Figures) -> str:
    counts = np.array(figures["confusion"])
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:4]
    pairs = [(int(i) // 10, int(i) % 10, int(counts.flat[i])) for i in order if counts.flat[i]]
    most = ", ".join(f"{label} as {read} ({n}×)" for label, read, n in pairs)
    return (
        "## What it misreads\n"
        f"Of MNIST {counts.sum()} digits are misread, most often {most}.\n\n"
        "![Confusion matrix](card/confusion.png)\n\n"
        "The misread digits that the network was surest of, as it saw them: what it read and what the label says, "
        "each with its probability.\n\n"
        "![The worst-read digits](card/worst.png)"
    )


def _calibration_section(figures: Figures) -> str:
    top = figures["bins"][-1]
    return (
        "## Is 0.9 right 90 % of the time?\n"
        f"Over all {_count(figures['n'])} answers to the suite, what the network states and what is right differ by "
        f"{100 * figures['error']:.2f} percentage points on average (expected calibration error). "
        f"{top['n'] / figures['n']:.1%} of the answers state {top['stated']:.1%} on average in the highest bin, "
        f"and {top['right']:.1%} of them are right.\n\n"
        "![Reliability diagram](card/calibration.png)"
    )


def _foreign_section(foreign: Sequence[Figures]) -> str:
    rows = []
    for row in foreign:
        read = (_percent(row["accuracy"]), _interval(row), str(row["refused"]), _percent(row["article"]))
        rows.append((row["title"], _count(row["n"]), *read))
    header = ("1 797 digits, dark on white", "pictures", "read", "95 % interval", "refused", "the article's way")
    pairs = ", ".join(
        f"{pair['label']} as {'nothing' if pair['read'] is None else pair['read']} ({pair['n']}×)"
        for pair in foreign[0]["misread"][:6]
    )
    return (
        "## Digits from elsewhere\n"
        "*Optical Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, UCI, 1998; as scikit-learn ships it) "
        "was made by others, from other writers, and is stored as 8×8 pixels of 17 grey levels. Nothing was trained or "
        "chosen on it.\n\n"
        + _table(header, rows)
        + f"\n\nMisread most often, enlarged: {pairs}. At 8×8 a stroke is one or two pixels wide and a loop has a "
        "single pixel inside, so what tells two digits apart is often no longer there; and many "
        "of its writers end a 9 in a foot, begin a 1 with a long upstroke, and set the bar of a 4 low, which MNIST's "
        "hardly do.\n\n"
        "![The worst-read digits of the foreign set](card/foreign.png)"
    )


def _limits_section(figures: Figures) -> str:
    weakest = sorted(figures["kinds"], key=lambda kind: kind["accuracy"])[:3]
    names = "; ".join(f"{kind['title']} ({_percent(kind['accuracy'])})" for kind in weakest)
    return (
        "## Limits\n"
        "- One digit per picture. Of several it reads one, or something between them; letters become digits.\n"
        f"- The kinds that it reads worst: {names}.\n"
        "- The suite is drawn by a program after the pen's path in MNIST's digits: real paper, boards and cameras vary "
        "more. One digit of 25, whose loops the pen has filled, has no such path, and the next is drawn instead.\n"
        "- The hands are those of MNIST, American writers of about 1990. A 1 with a long upstroke, a 7 with a "
        "crossbar and an open 4 are rarer there than elsewhere.\n"
        "- A probability is worth what the diagram above says on pictures like these, and less on any other."
    )


def _percent(share: float) -> str:
    return f"{share:.2%}"


def _interval(shares: Mapping[str, float]) -> str:
    return f"{100 * shares['low']:.2f} to {100 * shares['high']:.2f}"


def _count(n: int) -> str:
    return f"{n:,}".replace(",", " ") if n >= 10_000 else str(n)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], rule: str = "---:") -> str:
    rules = ["---", *[rule] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rules, *rows))


# --- The pictures ---------------------------------------------------------------------------------------------------


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
    axes.imshow(np.ma.masked_equal(mistakes, 0), cmap="Oranges", vmin=-most / 4, vmax=most * 1.6)
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
    table = np.genfromtxt(log, delimiter=",", names=True)
    names = table.dtype.names or ()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), dpi=110, layout="constrained")
    epochs = np.arange(1, table.size + 1)
    curves = (("", "training digits, distorted", ARTICLE), ("val_", "held-back digits", OURS))
    for prefix, title, colour in curves:
        if f"{prefix}loss" in names:
            left.plot(epochs, np.atleast_1d(table[f"{prefix}loss"]), color=colour, linewidth=1.8, label=title)
        if f"{prefix}accuracy" in names:
            misread = 100 * (1 - np.atleast_1d(table[f"{prefix}accuracy"]))
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
