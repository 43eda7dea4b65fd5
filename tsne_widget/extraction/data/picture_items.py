"""The pictures of a dataset whose samples have them in an unusual place."""

from __future__ import annotations

from typing import Any

from tsne_widget.extraction.data.choice import AUTO, Choice
from tsne_widget.extraction.data.forms import Columns
from tsne_widget.extraction.data.items import kind_of
from tsne_widget.extraction.data.splitting import Splitter


class PictureItems:
    """A dataset whose sample *i* is the picture in ``dataset[i]`` alone.

    Parameters
    ----------
    dataset : object with ``__getitem__`` and ``__len__``
    choice : Choice
        Names the picture.
    """

    def __init__(self, dataset: Any, choice: Choice) -> None:
        self.dataset = dataset
        self._splitter = Splitter(choice=Choice(choice.image, None))

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self._splitter.split(self.dataset[index], f"sample {index}").image


def picture_items(dataset: Any, choice: Choice) -> Any:
    """The dataset, or its pictures alone if they are not the usual item of a sample."""
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        return dataset
    if isinstance(dataset, Columns) and dataset.samples:
        return dataset  # the files are the pictures
    if choice.image != AUTO:
        return PictureItems(dataset, choice)
    try:
        sample = dataset[0]
    except Exception:  # an empty dataset or an unreadable sample: the run reports it
        return dataset
    if not isinstance(sample, (tuple, list)) or not sample:
        return dataset
    return dataset if kind_of(sample[0]) == "picture" else PictureItems(dataset, choice)
