"""Probabilities, from the ten numbers that a model gives for a picture: these, logits, or ten sigmoids."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
ToProbabilities = Callable[[Scores], Scores]

SUM_TOLERANCE = 1e-3
"""How far the sum of ten float16 that were rounded each by itself is from 1 at most: half of this."""


def unchanged(scores: Scores) -> Scores:
    """Return probabilities, float32 [n, 10], as they are."""
    return scores


def shares(scores: Scores) -> Scores:
    """Return what each of ten sigmoids, float32 [n, 10] in 0..1, has of their sum."""
    scores = scores + np.finfo(np.float32).tiny  # where all are 0, each has a tenth
    return np.asarray(scores / scores.sum(axis=1, keepdims=True), np.float32)


def softmax(scores: Scores) -> Scores:
    """Return the softmax of logits, float32 [n, 10]; of logarithms of probabilities it is these."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def choose(scores: Scores) -> ToProbabilities:
    """Return what makes probabilities of a model's scores, told by those that it gives for a picture with ink, [1, 10].

    Ink, because a linear model's logits for an empty picture are its biases, which training can leave with a sum of 1.
    """
    if scores.min() < 0 or scores.max() > 1 + SUM_TOLERANCE:
        return softmax
    return unchanged if abs(scores.sum() - 1) < SUM_TOLERANCE else shares
