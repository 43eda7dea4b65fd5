"""pictures_key: what a store keeps of the pictures of a dataset of (picture, label)."""

from __future__ import annotations

from typing import Any

from tsne_widget.extraction.store.digests import digest_of
from tsne_widget.extraction.store.fingerprint import dataset_state
from tsne_widget.extraction.store.study import Read


def pictures_key(dataset: Any) -> str:
    """Hash of the pictures."""
    return dataset_state(dataset, range(len(dataset)), None, _read).key


def _read(dataset: Any, index: int) -> Read:
    picture, *labels = dataset[index]
    return Read(digest_of(picture), digest_of(labels), labels)
