"""Features for an explorer, extracted from a model and its data, with the data's pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch.utils.data import IterableDataset

from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction import extract
from tsne_widget.extraction.data.choice import AUTO, Choice, as_choice
from tsne_widget.extraction.data.forms import as_dataset, check_data
from tsne_widget.extraction.data.picture_items import picture_items
from tsne_widget.extraction.data.sources import dataset_of
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images import ImageSource, NoImages, as_image_source
from tsne_widget.widgets.arguments import MIN_ROWS


def extracted_features(
    model: Any,
    data: Any,
    layer: str | None,
    images: Any,
    extraction: Mapping[str, Any],
    *,
    check_count: bool,
    **display: Any,
) -> FeatureSet:
    """The features of the data, with their pictures.

    Parameters
    ----------
    model, data, layer, images
        See :meth:`EmbeddingExplorer.from_model`.
    extraction : mapping of str to value
        Options of :func:`tsne_widget.extract`.
    check_count : bool
        Refuse data with too few samples for a map before the model runs.
    **display
        ``mean``, ``std`` and ``bands`` of the pictures.

    Raises
    ------
    InvalidInputError, LayerNotFoundError, ExtractionError
        See :func:`tsne_widget.extract`.
    """
    if "layers" in extraction:
        raise InvalidInputError(
            "from_model shows one layer: pass layer=; for several, call "
            "extract(model, data, layers=…) and make an explorer for each"
        )
    choice = as_choice(extraction.get("image", AUTO), extraction.get("label", AUTO))
    data = as_dataset(data, choice)
    check_data(data)
    pictures = _pictures_of(data, choice)
    if check_count:
        _check_sample_count(pictures)
    source = None
    if images is not None or not isinstance(pictures, IterableDataset):
        source = (
            _source(pictures, display) if images is None else as_image_source(images, **display)
        )
    return extract(model, data, layer, **extraction).with_images(source)


def _source(pictures: Any, display: Mapping[str, Any]) -> ImageSource | None:
    """The pictures of the data; if it has none, a source that gives the reason.

    None if the samples cannot be read by their ids.
    """
    try:
        return as_image_source(pictures, **display)
    except InvalidInputError as error:
        if any(value is not None for value in display.values()):
            raise
        return NoImages(len(pictures), str(error)) if hasattr(pictures, "__len__") else None


def _pictures_of(data: Any, choice: Choice) -> Any:
    """The x of (x, y), or the dataset of the data, whose pictures ``image=`` may name."""
    if isinstance(data, tuple) and data:
        return data[0]
    return picture_items(dataset_of(data), choice)


def _check_sample_count(dataset: Any) -> None:
    try:
        n = len(dataset)
    except TypeError:
        return  # an iterable dataset: its length is known at its end
    if n < MIN_ROWS:
        raise InvalidInputError(
            f"a map needs at least {MIN_ROWS} samples, the dataset has {n}; pass more data"
        )
