"""What a trained network must read of the held-back digits before it becomes a version."""

from collections.abc import Mapping

MIN_ACCURACY = {"held_back_accuracy": 0.995, "held_back_suite_accuracy": 0.97}
"""Least share that is read, by the name of the figure: of MNIST's pictures, and of the user-picture suite."""


class ExportError(Exception):
    """The network is not good enough, or was changed on its way."""


def check_accuracy(figures: Mapping[str, float]) -> None:
    """Compare a model's figures with what is asked of it.

    Raises:
        ExportError: too little is read.
    """
    for name, least in MIN_ACCURACY.items():
        if not figures[name] >= least:
            raise ExportError(f"{name} is {figures[name]:.4f}, and at least {least} is asked for")
