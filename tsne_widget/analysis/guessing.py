"""Whether a classifier does worse than always naming the most frequent class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tsne_widget._by_index import in_one_order
from tsne_widget._validation import as_codes

# Fewer samples decide nothing.
MIN_SAMPLES = 100
# Largest probability of so few right predictions, if the classifier were as good as the guess.
# It is small, because each record that is opened is tested.
SIGNIFICANCE = 0.001


class Guess(NamedTuple):
    """Always naming the most frequent class, compared with a classifier that does worse."""

    code: int
    """The most frequent class."""
    share: float
    """Share of samples with that label, 0 … 1: how often the guess is right."""
    right: float
    """Share of right predictions, 0 … 1."""
    samples: int
    """Samples with a known label and prediction."""


@in_one_order("labels", "predictions")
def better_guess(labels: ArrayLike, predictions: ArrayLike) -> Guess | None:
    """The guess of the most frequent class, if it is significantly better than the predictions.

    A one-sided binomial test at 0.001 decides, on at least 100 samples. A classifier without any
    knowledge, which predicts classes at random from balanced labels, is not worse than the guess.

    Parameters
    ----------
    labels, predictions : (n,) int arrays
        Class codes; samples with −1 (unknown) in either are ignored.

    Returns
    -------
    Guess or None
        None if the predictions are as good as the guess, the samples are too few to tell, or all
        of them have one label. Time O(n), memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> better_guess([0] * 150 + [1] * 50, [1] * 200).code
    0
    >>> better_guess([0, 1] * 100, [0] * 200) is None
    True
    """
    true = as_codes("labels", labels)
    predicted = as_codes("predictions", predictions, len(true))
    known = (true >= 0) & (predicted >= 0)
    true, predicted = true[known], predicted[known]
    n = len(true)
    if n < MIN_SAMPLES:
        return None
    from scipy.special import bdtr

    counts = np.bincount(true)
    code = int(counts.argmax())
    share, right = float(counts[code] / n), int((true == predicted).sum())
    if share == 1 or bdtr(right, n, share) >= SIGNIFICANCE:
        return None
    return Guess(code, share, right / n, n)
