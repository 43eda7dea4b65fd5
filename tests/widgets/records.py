"""A small record for tests of the widgets."""

from collections.abc import Sequence

import numpy as np

from tsne_widget import FeatureSet


def three_classes(n: int = 60, unknown: Sequence[int] = ()) -> FeatureSet:
    """n samples of "cat", "dog" and "owl" with noisy logits; some rows may have no label."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    logits = np.eye(3)[labels] * 4 + rng.normal(size=(n, 3)) * 2
    labels[list(unknown)] = -1
    names = ["cat", "dog", "owl"]
    return FeatureSet.from_arrays(rng.normal(size=(n, 5)), labels, logits=logits, class_names=names)
