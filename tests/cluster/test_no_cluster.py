"""Runs with executor="ray" that end before a cluster is needed."""

from __future__ import annotations

import pytest
from torch.utils.data import IterableDataset

from tests.cluster.runs import N, assert_same, on_ray, run
from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import ExtractionError, InvalidInputError, LayerNotFoundError


def test_invalid_arguments_are_refused_before_a_cluster_starts(monkeypatch):
    monkeypatch.setattr("tsne_widget.extraction.executors.ray_pool.ray_session", None)
    with pytest.raises(LayerNotFoundError, match="nearest: 'layer1'"):
        on_ray(Pictures(N), layer="layer9")
    with pytest.raises(ExtractionError, match=r"call=4 of layer='fc' did not happen"):
        on_ray(Pictures(N), model=made(ResNet), layer="fc", call=4)
    with pytest.raises(InvalidInputError, match=r"executor='rya' must be .* did you mean 'ray'"):
        run(Pictures(N), executor="rya")
    with pytest.raises(InvalidInputError, match="actors=0 must be"):
        on_ray(Pictures(N), actors=0)
    with pytest.raises(InvalidInputError, match="num_gpus=-1 must be"):
        on_ray(Pictures(N), num_gpus=-1)

    class Endless(IterableDataset):
        def __iter__(self):
            yield from Pictures(N)

    with pytest.raises(InvalidInputError, match="an index, but data is an iterable dataset"):
        on_ray(Endless())


def test_complete_store_starts_no_cluster(tmp_path, monkeypatch):
    monkeypatch.setattr("tsne_widget.extraction.executors.ray_pool.ray_session", None)
    expected = run(Pictures(N), store=tmp_path)
    assert_same(on_ray(Pictures(N), store=tmp_path), expected)


def test_without_ray_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match=r'pip install "tsne-widget\[ray\]"'):
        on_ray(Pictures(N))
