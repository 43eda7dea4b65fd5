"""On a GPU: the quality of the CPU, and the same bits twice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import TSNE, extract
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.quality import affinities, kl_divergence
from tsne_widget.projection.workers import Workers

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU is available"),
]


@pytest.fixture(scope="module")
def digits():
    return load_digits().data.astype(np.float32)


def test_a_fit_on_the_gpu_is_as_good_as_on_the_cpu_and_reproducible(digits):
    maps = [TSNE(device="cuda", random_state=0).fit_transform(digits) for _ in range(2)]
    assert np.array_equal(*maps)
    P = affinities(digits)
    here = kl_divergence(P, TSNE(random_state=0).fit_transform(digits))
    assert kl_divergence(P, maps[0]) < here + 0.02


def test_neighbours_on_the_gpu_are_those_on_the_cpu(digits):
    with Workers(1) as workers:
        there, here = (nearest(digits, 15, workers, device=device) for device in ("cuda", "cpu"))
    assert (there.indices == here.indices).mean() > 0.99
    assert np.allclose(there.squared, here.squared, rtol=1e-4)


def test_a_fit_of_landmarks_on_the_gpu_places_the_other_rows(digits):
    tsne = TSNE(landmarks=600, device="cuda", random_state=0)
    embedding = tsne.fit_transform(digits)
    assert np.isfinite(embedding).all()
    assert np.array_equal(tsne.transform(digits[tsne.landmarks_]), embedding[tsne.landmarks_])


def test_extraction_on_the_gpu_gives_the_features_of_the_cpu_up_to_rounding():
    model = made(ResNet)
    here = extract(model, Pictures(), batch_size=4, progress=False)
    there = extract(model, Pictures(), batch_size=4, device="cuda", progress=False)
    assert np.allclose(there.features, here.features, atol=1e-4)
    assert next(model.parameters()).device.type == "cpu"
