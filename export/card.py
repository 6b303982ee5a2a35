"""The text of the model's card, `export/README.md`, from its figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from export.figures import MAX_ARTICLE_ACCURACY
from export.mnist import HELD_BACK

Figures = Mapping[str, Any]


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
        "`make evaluate` writes this page and its pictures; every figure is measured as it is written.",
        f"It reads one handwritten digit per picture: **{_percent(mnist['accuracy'])} of MNIST's {_count(mnist['n'])} "
        f"{'test' if figures['digits']['set'] == 'test' else 'held-back'} digits** through the whole function "
        f"(95 % interval {_interval(mnist)}).",
        _model_section(figures["model"]),
        _suite_section(figures, source),
        _hands_section(figures["hands"]),
        _not_digits_section(figures),
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
    "start": "trained on from version",
    "trained_share": "share of the trained weights in their mean with that version's",
    "teachers": "teachers, larger networks that it learnt from",
    "teacher_epochs": "epochs of each teacher",
    "taught_share": "share of the teachers' answers in what it learnt; the rest are the labels",
    "epochs": "epochs",
    "distorted": "distorted pictures of MNIST's digits",
    "hands": "digits of other hands",
    "seed": "seed",
    "tensorflow": "trained with TensorFlow",
    "held_back_accuracy": "held-back training digits read, at export",
    "held_back_suite_accuracy": "suite of held-back digits read, at export",
    "largest_difference_to_trained_network": "largest difference of a probability to the trained network",
}


def _model_section(model: Figures) -> str:
    rows = [("file", f"`export/{model['version']}/saved_model.pb`, {model['bytes'] / 1e6:.2f} MB")]
    rows += [(name, _value(model[key], key)) for key, name in _NAMES.items() if key in model]
    return f"## What it is\n{_training(model)}\n\n" + _table(("", ""), rows, "-:")


def _training(model: Figures) -> str:
    if "epochs" not in model:
        return "A SavedModel; how it was trained is not recorded."
    drawn = ", and digits of other hands that a program draws" if model.get("hands") else ""
    looked_at = ", but for the shapes of other hands: see *Digits from elsewhere*" if model.get("hands") else ""
    return (
        "A SavedModel of a small convolutional network: `x:0` float32 `[n, 784]`, 1 is ink; `y:0` float32 `[n, 10]`, "
        f"probabilities. It was trained on MNIST's training digits but for the last {_count(HELD_BACK)}, and distorted "
        f"pictures of them{drawn}. What there was to choose was chosen on those {_count(HELD_BACK)}, which were held "
        f"back, and not on the test digits{looked_at}."
    )


def _value(value: Any, key: str) -> str:
    if key.endswith(("accuracy", "share")):
        return _percent(value)
    if isinstance(value, int):
        return _count(value)
    return f"{value:.1e}" if isinstance(value, float) else str(value)


def _suite_section(figures: Figures, source: str) -> str:
    rows = []
    for kind in figures["kinds"]:
        reached = "reached" if kind["accuracy"] >= kind["wanted"] else "**missed**"
        article = _percent(kind["article"]) + (", **too easy**" if kind["too_easy"] else "")
        error = f"{100 * kind['calibration_error']:.2f}"
        figures_of_kind = (_percent(kind["accuracy"]), _interval(kind), str(kind["refused"]), error, article)
        rows.append((kind["title"], _count(kind["n"]), *figures_of_kind, f"{kind['wanted']:.1%}", reached))
    header = (
        "kind",
        "pictures",
        "read",
        "95 % interval",
        "refused",
        "calibration error",
        "the article's way",
        "wanted",
        "",
    )
    missed = "; ".join(kind["title"] for kind in figures["kinds"] if kind["accuracy"] < kind["wanted"])
    easy = "; ".join(kind["title"] for kind in figures["kinds"] if kind["too_easy"])
    too_easy = f" **Too easy, the article's way reads over {100 * MAX_ARTICLE_ACCURACY:.0f} %: {easy}.**"
    lines = [
        "## What people send\n"
        f"The suite is made from {source}, reproducibly; the ranges of every kind stand in the table of "
        "[suite/kinds.py](suite/kinds.py), which shares no code with the training. Each picture goes through the "
        "function's own path, base64 to answer; one that is refused counts as wrong. *The article's way* squeezes the "
        "whole picture to 28×28 and inverts it where it is mostly bright, on the same network. The calibration error "
        "is in percentage points, see below.",
        _table(header, rows),
        (f"**Missed: {missed}.**" if missed else "Every kind reaches its figure.") + (too_easy if easy else ""),
        "![Share of the pictures read, per kind, ours and the article's way](card/suite.png)",
        "Pictures as they are sent, each beside the 28×28 that the network sees, with the answer: grey where it "
        "is right, red where it is wrong (with the label behind it).",
        "![Samples of every kind before and after normalisation](card/samples.png)",
    ]
    return "\n\n".join(lines)


def _hands_section(hands: Sequence[Figures]) -> str:
    rows = [
        (kind["title"], str(kind["n"]), _percent(kind["accuracy"]), _interval(kind), f"{kind['wanted']:.1%}")
        for kind in hands
    ]
    return (
        "## Other hands\n"
        "Shapes that MNIST's writers hardly knew, drawn with a pen on a canvas from arcs and lines "
        "([suite/hands.py](suite/hands.py)). What the training draws ([hands.py](hands.py)) shares no code with "
        "them.\n\n"
        + _table(("shape", "pictures", "read", "95 % interval", "wanted"), rows)
        + "\n\nSamples of what `make train` draws:\n\n![Shapes that the training draws](card/hands.png)"
    )


def _not_digits_section(figures: Figures) -> str:
    levels = [key for key in figures["digits_as_sure"] if key.startswith("above_")]
    rows = [
        (row["title"], _count(row["n"]), f"{row['refused'] / row['n']:.1%}", *(f"{row[key]:.1%}" for key in levels))
        for row in (*figures["not_digits"], figures["digits_as_sure"])
    ]
    header = ("picture of", "pictures", "refused", *(f"answered with {key[6:]} % or more" for key in levels))
    return (
        "## Is it a digit at all?\n"
        "The function answers with a digit unless nothing stands out from the paper. How sure its answers are where "
        "there is no right one, and for comparison where there is:\n\n" + _table(header, rows)
    )


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
    header = ("dark on white", "pictures", "read", "95 % interval", "refused", "the article's way")
    pairs = ", ".join(
        f"{pair['label']} as {'nothing' if pair['read'] is None else pair['read']} ({pair['n']}×)"
        for pair in foreign[0]["misread"][:6]
    )
    return (
        "## Digits from elsewhere\n"
        "*Optical Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, UCI, 1998; as scikit-learn ships it) "
        "was made by others, from other writers, and is stored as 8×8 pixels of 17 grey levels. Nothing is trained on "
        "it, but what is misread here has shown which hands the training should draw: see "
        "[training](../docs/training.md).\n\n"
        + _table(header, rows)
        + f"\n\nMisread most often, enlarged: {pairs}.\n\n"
        "![The worst-read digits of the foreign set](card/foreign.png)"
    )


def _limits_section(figures: Figures) -> str:
    weakest = sorted(figures["kinds"], key=lambda kind: kind["accuracy"])[:3]
    names = "; ".join(f"{kind['title']} ({_percent(kind['accuracy'])})" for kind in weakest)
    return (
        "## Limits\n"
        "- One digit per picture. What else it answers to is measured above.\n"
        f"- The kinds that it reads worst: {names}.\n"
        "- The suite is drawn by a program after the pen's path in MNIST's digits: real paper, boards and cameras vary "
        "more. A digit whose ink is wider than a third of it, or whose loops the pen has filled, has no such path, "
        "and the next one is drawn instead.\n"
        "- MNIST's writers were staff of the American census bureau and high-school students; other "
        "people's digits were measured on one set, of 8×8 pixels, and their shapes as a program draws them.\n"
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
