"""The store of a request: what its features and labels depend on, and its folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tsne_widget.extraction.arguments import Request
from tsne_widget.extraction.data.sources import Indexed
from tsne_widget.extraction.executors.stored_labels import LabelSource, sample_reader
from tsne_widget.extraction.model.forward import parameter_names
from tsne_widget.extraction.store.digests import option_text
from tsne_widget.extraction.store.fingerprint import (
    DatasetState,
    dataset_state,
    model_part,
    weights_part,
)
from tsne_widget.extraction.store.store import SCHEMA, Store, open_store

_LOGGER = logging.getLogger("tsne_widget.extraction.extract")


def studied(request: Request) -> tuple[DatasetState, LabelSource] | None:
    """What the pictures and labels of the request depend on; None without a store."""
    source = request.source
    if request.store is None or not isinstance(source, Indexed):
        return None
    keywords = parameter_names(request.model)
    state = dataset_state(
        source.dataset,
        source.ids,
        request.dataset_key,
        sample_reader(source, keywords),
        label_options=repr(request.class_names.names) + option_text(source.choice.label),
        store=os.path.abspath(request.store),  # noqa: PTH100 - resolve() would follow links
    )
    for doubt in state.doubts:
        request.notes.add(doubt)
    return state, LabelSource(source, keywords, state.marks, state.samples)


@contextmanager
def request_store(
    request: Request, found: tuple[DatasetState, LabelSource] | None
) -> Iterator[Store | None]:
    """The store of the request; None if it has none."""
    if found is None or request.store is None:
        yield None
        return
    (state, labels), reading = found, request.reading
    parts = {
        "weights": weights_part(request.model),
        "model": model_part(request.model),
        "layer": option_text((reading.layers, reading.call))
        + option_text(reading.pool)
        + option_text(reading.select)
        + option_text(reading.output),
        "data": state.key,
        "collate": option_text(labels.source.loading.collate)
        + option_text(labels.source.choice.image),
        "dtype": f"{reading.dtype}, channels_last={reading.channels_last}",
        "version": f"torch {torch.__version__.partition('.')[0]}, store {SCHEMA}",
    }
    with open_store(request.store, parts, len(labels.source.ids)) as store:
        _LOGGER.info("store %s %s", store.folder, store.status)
        yield store
