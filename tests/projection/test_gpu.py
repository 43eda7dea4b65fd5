"""The fit for GPUs in torch operations, on tensors of the CPU: it computes what the CPU's does."""

from __future__ import annotations

import gc
import pickle
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from tests.projection.gpu_inputs import CPU, clustered
from tsne_widget import TSNE, InvalidInputError
from tsne_widget.errors import DoubtWarning
from tsne_widget.projection import devices, mesh, repulsion
from tsne_widget.projection import tsne as tsne_module
from tsne_widget.projection.gpu import (
    descent,
    engine,
    objective,
    placement,
    probabilities,
)
from tsne_widget.projection.gpu import fit as fit_module
from tsne_widget.projection.gpu.operations import TorchOperations
from tsne_widget.projection.gpu.search import TORCH
from tsne_widget.projection.quality import affinities, kl_divergence

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def on_gpu(monkeypatch):
    """Run every TSNE by the computation for GPUs, on tensors of the CPU."""
    monkeypatch.setattr(tsne_module, "is_gpu", lambda device: True)


class TestEstimator:
    def test_the_map_is_as_good_as_that_of_the_cpu(self, digits, on_gpu, monkeypatch):
        P = affinities(digits)
        there = TSNE(random_state=0).fit(digits)
        assert isinstance(there._fit, fit_module.DeviceFit)
        monkeypatch.undo()
        here = TSNE(random_state=0).fit(digits)
        assert kl_divergence(P, there.embedding_) == pytest.approx(here.kl_divergence_, abs=0.005)
        assert there.kl_divergence_ == pytest.approx(kl_divergence(P, there.embedding_), abs=1e-3)
        assert there.neighbors_recall_ == here.neighbors_recall_ == 1

    @pytest.mark.slow
    @pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is absent")
    def test_overlapping_features_are_mapped_as_well_as_on_the_cpu(self, on_gpu, monkeypatch):
        X = resnet_features(1000)
        there = TSNE(random_state=0).fit(X)
        monkeypatch.undo()
        here = TSNE(random_state=0).fit(X)
        assert there.kl_divergence_ == pytest.approx(here.kl_divergence_, abs=0.005)

    def test_the_same_seed_gives_the_same_bits_whatever_the_callback(self, digits, on_gpu):
        plain = TSNE(random_state=3, max_iter=60).fit_transform(digits)
        seen = []
        watched = TSNE(
            random_state=3, max_iter=60, callback=lambda i, y, kl: seen.append(i), callback_every=7
        )
        assert np.array_equal(watched.fit_transform(digits), plain)
        assert seen == list(range(0, 60, 7))

    def test_a_callback_that_returns_true_stops_and_warm_start_continues(self, digits, on_gpu):
        whole = TSNE(random_state=0, max_iter=60).fit_transform(digits)
        tsne = TSNE(
            random_state=0, max_iter=60, callback=lambda i, y, kl: i == 33, callback_every=11
        ).fit(digits)
        assert (tsne.n_iter_, tsne.complete_) == (32, False)
        tsne.set_params(callback=None, warm_start=True)
        assert np.array_equal(tsne.fit_transform(digits), whole)
        with pytest.raises(InvalidInputError, match="X has changed"):
            tsne.fit(digits[::-1])

    @pytest.mark.parametrize("neighbors", ["exact", "approximate"])
    def test_rows_keep_their_numbers_when_the_fit_reorders_them(
        self, digits, on_gpu, neighbors, monkeypatch
    ):
        monkeypatch.setattr(fit_module, "ORDERED_ROWS", 10)
        start = clustered(600)
        seen = []
        tsne = TSNE(init=start, neighbors=neighbors, callback=lambda i, y, kl: seen.append(y))
        embedding = tsne.set_params(max_iter=60).fit_transform(digits)
        assert np.array_equal(seen[0], start)
        assert np.array_equal(tsne.transform(digits[5:9]), embedding[5:9])
        plain = NearestNeighbors(n_neighbors=10).fit(digits).kneighbors(return_distance=False)
        near = np.linalg.norm(embedding[plain] - embedding[:, None], axis=2).mean()
        apart = np.linalg.norm(embedding[::-1] - embedding, axis=1).mean()
        assert near < 0.5 * apart
        assert tsne.neighbors_ == neighbors
        assert tsne.neighbors_recall_ > 0.97
        tsne.set_params(warm_start=True, max_iter=61).fit(digits)
        assert tsne.n_iter_ == 60

    def test_principal_components_start_in_the_order_of_the_rows(self, digits, on_gpu, monkeypatch):
        starts = []
        for rows in (10, 10**9):
            monkeypatch.setattr(fit_module, "ORDERED_ROWS", rows)
            tsne = TSNE(random_state=0, callback=lambda i, y, kl: starts.append(y) or True)
            tsne.fit(digits)
        assert np.allclose(starts[0], starts[1], atol=2e-6)

    @pytest.mark.parametrize("metric", ["cosine", "precomputed"])
    def test_metrics_work(self, digits, on_gpu, metric, monkeypatch):
        X = pairwise_distances(digits) if metric == "precomputed" else digits
        tsne = TSNE(metric=metric, init="random", random_state=0, max_iter=40)
        there = tsne.fit(X)
        first = there.kl_divergence_
        assert np.isnan(there.neighbors_recall_) == (metric == "precomputed")
        monkeypatch.undo()
        assert first == pytest.approx(tsne.fit(X).kl_divergence_, abs=0.02)

    def test_a_line_stays_a_line(self, digits, on_gpu):
        tsne = TSNE(1, random_state=0, max_iter=40)
        assert tsne.fit_transform(digits).shape == (600, 1)
        assert not tsne._fit.coordinates()[:, 1].any()

    def test_landmarks_are_fitted_and_the_others_placed(self, all_digits, on_gpu):
        tsne = TSNE(landmarks=520, random_state=0, max_iter=100)
        embedding = tsne.fit_transform(all_digits)
        assert np.isfinite(embedding).all()
        landmarks = tsne.landmarks_
        assert np.array_equal(tsne.transform(all_digits[landmarks]), embedding[landmarks])
        assert np.allclose(tsne.transform(all_digits), embedding, atol=1e-2)

    def test_a_fitted_estimator_is_pickled_and_continues(self, digits, on_gpu):
        tsne = TSNE(random_state=0, max_iter=25).fit(digits)
        again = pickle.loads(pickle.dumps(tsne))
        assert np.array_equal(again.transform(digits[:5]), tsne.embedding_[:5])
        whole = TSNE(random_state=0, max_iter=40).fit_transform(digits)
        again.set_params(max_iter=40, warm_start=True)
        assert np.array_equal(again.fit_transform(digits), whole)

    def test_a_pickled_fit_is_loaded_where_its_gpu_is_absent(self, digits, on_gpu):
        tsne = TSNE(random_state=0, max_iter=10).fit(digits)
        tsne._fit._place = "cuda:63"
        text = pickle.dumps(tsne)
        again = pickle.loads(text)
        assert again._fit.device == "cpu"
        assert np.array_equal(again.transform(digits[:5]), tsne.embedding_[:5])

    def test_a_device_without_float64_reaches_the_same_divergence(
        self, digits, on_gpu, monkeypatch
    ):
        tsne = TSNE(random_state=0, max_iter=300)
        wide = tsne.fit(digits).kl_divergence_
        mesh.influence.cache_clear()
        for module in (mesh, repulsion, objective, descent, probabilities, placement):
            monkeypatch.setattr(module, "widest", lambda device: torch.float32)
        narrow = tsne.fit(digits)
        assert narrow._fit._state.z.dtype == torch.float32
        assert narrow.kl_divergence_ == pytest.approx(wide, abs=0.01)
        assert np.isfinite(narrow.transform(digits[:9] + 1)).all()
        mesh.influence.cache_clear()

    def test_a_second_fit_frees_the_first(self, digits, on_gpu, monkeypatch):
        tsne = TSNE(random_state=0, max_iter=1).fit(digits)
        first = weakref.ref(tsne._fit)
        alive = []
        prepare = fit_module.DeviceFit._neighbors

        def noted(self, *arguments):
            gc.collect()
            alive.append(first() is not None)
            return prepare(self, *arguments)

        monkeypatch.setattr(fit_module.DeviceFit, "_neighbors", noted)
        tsne.fit(digits)
        assert alive == [False]

    @pytest.mark.parametrize("apart", [1e2, 1e4, 1e5])
    @pytest.mark.parametrize("metric", ["euclidean", "cosine"])
    def test_neighbours_within_clusters_far_apart_are_exact(self, on_gpu, apart, metric):
        X = np.random.default_rng(0).normal(size=(400, 6))
        X[::2, 0] += apart
        X[:, 1] += apart
        tsne = TSNE(perplexity=5, metric=metric, init="random", max_iter=1).fit(X)
        pairs, k = tsne._fit._pairs, 15
        found = [pairs.others[start : start + k].tolist() for start in pairs.starts[:-1]]
        true = NearestNeighbors(n_neighbors=k, metric=metric).fit(X).kneighbors()[1]
        assert np.array_equal(found, np.sort(true, 1))
        nearest = tsne._fit.nearest(X[:5], None)
        assert nearest.indices[:, 0].tolist() == [0, 1, 2, 3, 4]

    def test_small_samples_are_mapped(self, on_gpu):
        for n in (4, 7, 40):
            X = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
            assert np.isfinite(TSNE(random_state=0, max_iter=50).fit_transform(X)).all()

    def test_a_learning_rate_beyond_reason_leaves_finite_coordinates(self, digits, on_gpu):
        assert np.isfinite(TSNE(learning_rate=1e12, max_iter=30).fit_transform(digits)).all()

    def test_the_callback_is_told_the_stages_before_the_first_iteration(self, digits, on_gpu):
        class Callback:
            def __init__(self):
                self.stages = []

            def __call__(self, iteration, embedding, kl):
                self.stages.append(iteration)

            def stage(self, text):
                self.stages.append(text)

        callback = Callback()
        TSNE(max_iter=1, callback=callback).fit(digits)
        told = [text for text in callback.stages if text != "compiling kernels, once per process"]
        assert told[:2] == ["copying the features", "finding neighbours"]
        assert callback.stages[-1] == 0


class TestChoiceOfDevice:
    def test_without_a_gpu_a_fit_is_that_of_the_cpu_bit_for_bit(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        X = np.random.default_rng(0).normal(size=(devices.GPU_ROWS, 3)).astype(np.float32)
        chosen, named = (
            TSNE(device=device, random_state=0, max_iter=3, perplexity=5).fit(X)
            for device in (None, "cpu")
        )
        assert chosen.device_ == named.device_ == "cpu"
        assert np.array_equal(chosen.embedding_, named.embedding_)

    def test_a_cuda_gpu_is_chosen_from_a_number_of_rows_on(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(devices, "free_bytes", lambda device: 80e9)
        monkeypatch.setattr(devices, "block_bytes", lambda device: 1e9)
        monkeypatch.setattr(devices, "has_fast_tf32", lambda device: True)
        assert devices.choose_device(None, devices.GPU_ROWS, 50, 90) == ("cuda", None)
        assert devices.choose_device(None, devices.GPU_ROWS - 1, 50, 90) == ("cpu", None)
        assert devices.choose_device("cpu", 10**6, 50, 90) == ("cpu", None)
        assert devices.choose_device("cuda", 10, 50, 9) == ("cuda", None)

    def test_too_little_memory_is_a_note_or_for_a_named_device_an_error(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(devices, "free_bytes", lambda device: 2e9)
        monkeypatch.setattr(devices, "block_bytes", lambda device: 1e9)
        monkeypatch.setattr(devices, "has_fast_tf32", lambda device: True)
        device, note = devices.choose_device(None, 10**6, 50, 90)
        assert device == "cpu"
        assert "1,000,000 × 50 needs about" in note
        assert "2.0 GB are free, so t-SNE runs on the CPU" in note
        with pytest.raises(
            InvalidInputError, match=r"device='cuda': a fit of 1,000,000 × 50 needs"
        ):
            devices.choose_device("cuda", 10**6, 50, 90)

    def test_the_estimate_covers_what_a_fit_holds(self):
        n, k = 10**6, 90
        needed = devices.needed_bytes(n, 50, k, "cpu")
        assert needed > 4 * n * 50 + 8 * n * k + 16 * n * k
        assert needed < 12e9

    def test_a_device_that_computes_nothing_is_refused(self, digits):
        with pytest.raises(InvalidInputError, match="device='meta' computes nothing"):
            TSNE(device="meta").fit(digits)

    @pytest.mark.parametrize(
        "error", [torch.cuda.OutOfMemoryError("CUDA out of memory"), RuntimeError("no kernel")]
    )
    def test_a_gpu_that_fails_leaves_the_fit_to_the_cpu_with_a_note(
        self, digits, on_gpu, monkeypatch, error
    ):
        def failing(*arguments):
            raise error

        monkeypatch.setattr(fit_module, "DeviceFit", failing)
        with pytest.warns(DoubtWarning, match="so t-SNE runs on the CPU"):
            tsne = TSNE(max_iter=1).fit(digits)
        assert tsne.device_ == "cpu"
        with pytest.raises((InvalidInputError, RuntimeError), match=r"too little free|no kernel"):
            TSNE(device="cpu", max_iter=1).fit(digits)


class TestKernels:
    def test_triton_is_not_used_on_the_cpu(self):
        assert not engine.can_run(CPU)
        found = engine.engine_of("cpu")
        assert found.operations.name == "torch"
        assert found.note is None

    def test_a_compiler_that_fails_leaves_torch_operations_and_a_note(self, digits, monkeypatch):
        class Broken:
            def __init__(self):
                raise RuntimeError("ptxas: not found\nmore")

        monkeypatch.setattr(engine, "can_run", lambda device: True)
        monkeypatch.setattr(engine, "TritonOperations", Broken)
        found = engine.fastest_engine(CPU)
        assert found.operations.name == "torch"
        assert "(ptxas: not found)" in found.note
        assert "slower torch operations" in found.note

    def test_the_note_of_the_compiler_reaches_the_caller(self, digits, on_gpu, monkeypatch):
        slow = engine.Engine(TorchOperations(), TORCH, "slow kernels")
        monkeypatch.setattr(fit_module, "engine_of", lambda *arguments: slow)
        with pytest.warns(DoubtWarning, match="slow kernels"):
            TSNE(max_iter=1).fit(digits)


def resnet_features(n: int) -> np.ndarray:
    """(n, 64) features of a CIFAR ResNet, whose classes overlap."""
    import sys

    from safetensors.torch import load_file

    sys.path.insert(0, str(SHARED))
    from models import CifarResNet

    net = CifarResNet(3)
    net.load_state_dict(load_file(SHARED / "weights" / "cifar10_resnet20.safetensors"))
    net.eval()
    found = []
    net.linear.register_forward_pre_hook(lambda module, inputs: found.append(inputs[0]))
    with np.load(SHARED / "cifar10" / "cifar10_test_0_4999.npz") as arrays:
        images = torch.from_numpy(arrays["images"][:n]).permute(0, 3, 1, 2) / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        net((images - mean[:, None, None]) / std[:, None, None])
    return torch.cat(found).numpy()
