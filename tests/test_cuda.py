"""On a GPU: the quality of the CPU, the same bits twice, and every way to call a fit."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise_distances

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import TSNE, InvalidInputError, extract
from tsne_widget.errors import DoubtWarning
from tsne_widget.projection import devices
from tsne_widget.projection.gpu import inverted_file, recording
from tsne_widget.projection.gpu.descent import DeviceDescent, DeviceState
from tsne_widget.projection.gpu.engine import Engine, can_run, engine_of
from tsne_widget.projection.gpu.features import scaled_features
from tsne_widget.projection.gpu.lattice import convolve, make_lattice, shape_for
from tsne_widget.projection.gpu.operations import Motion, TorchOperations, constants_of, edges_of
from tsne_widget.projection.gpu.probabilities import joint_probabilities
from tsne_widget.projection.gpu.products import Products, exact_products
from tsne_widget.projection.gpu.search import TORCH, exact_neighbors
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.quality import affinities, kl_divergence
from tsne_widget.projection.schedule import Phase, default_schedule
from tsne_widget.projection.workers import Workers

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU is available"),
]
CUDA = torch.device("cuda")


@pytest.fixture(scope="module")
def digits():
    return load_digits().data.astype(np.float32)


@pytest.fixture(scope="module")
def many():
    """(20,000, 20) float32: overlapping clusters, enough rows for an order of their own."""
    random = np.random.default_rng(0)
    centres = random.normal(scale=2, size=(30, 20))
    return (centres[random.integers(30, size=20_000)] + random.normal(size=(20_000, 20))).astype(
        np.float32
    )


@pytest.fixture(scope="module", params=["triton", "torch"])
def engine(request) -> Engine:
    if request.param == "torch":
        return Engine(TorchOperations(), TORCH)
    if not can_run(CUDA):
        pytest.skip("Triton is not installed, or does not support this GPU")
    found = engine_of("cuda:0")
    assert found.note is None
    assert found.operations.name == "triton"
    return found


@pytest.fixture
def operations(engine):
    return engine.operations


def pairs_of(X: np.ndarray, device: torch.device, search=TORCH):
    there = scaled_features(X, device)[1]
    return joint_probabilities(exact_neighbors(there, 90, search=search), 30, search=search)


class TestOperations:
    def test_forces_and_steps_are_those_on_the_cpu(self, digits, operations):
        n, start = len(digits), 12 * np.random.default_rng(0).normal(size=(len(digits), 2))
        results = []
        for device, these in ((CUDA, operations), (torch.device("cpu"), TorchOperations())):
            y = torch.tensor(start, dtype=torch.float32, device=device).T
            pull, push = torch.empty_like(y), torch.empty_like(y)
            z = torch.zeros((), dtype=torch.float64, device=device)
            lattice = make_lattice(shape_for(100, 105), device)
            these.attract(y, pairs_of(digits, device), pull)
            these.spread(y, lattice, edges_of(y))
            these.read(y, lattice, convolve(lattice), edges_of(y), push, z)
            motion = Motion(y, 0.1 * y, torch.ones_like(y))
            parts = torch.empty((4, these.parts(n)), device=device)
            rates = torch.full((n,), 0.7 * n, device=device)
            constants = constants_of(Phase(1, 1.0, 0.8, float(n)), device)
            these.move(motion, pull, push, z, constants, rates, parts)
            results.append([array.cpu() for array in (pull, push, z, motion.y, parts.amin(1))])
        for there, here in zip(*results, strict=True):
            assert torch.allclose(there, here, rtol=1e-3, atol=1e-3 * float(here.abs().max()))

    def test_masses_are_the_same_bits_twice(self, many, operations):
        y = torch.from_numpy(many[:, :2].copy()).to(CUDA).T
        densities = []
        for copies in (1, 1, 64):
            lattice = make_lattice(shape_for(20, 21), CUDA, copies)
            operations.spread(y, lattice, edges_of(y))
            densities.append(lattice.density)
        assert all(torch.equal(first, second) for first, second in pairwise(densities))

    def test_recorded_iterations_give_the_bits_of_launched_ones(
        self, many, operations, monkeypatch
    ):
        pairs, ends, recorded = pairs_of(many, CUDA), [], []
        record = recording.Recorder._record

        def noted(self, work):
            recorded.append(record(self, work))
            return recorded[-1]

        for works in (True, False):
            if works:
                monkeypatch.setattr(recording.Recorder, "_record", noted)
            else:
                monkeypatch.setattr(recording.Recorder, "_record", lambda self, work: None)
            state = DeviceState(torch.from_numpy(1e-2 * many[:, :2]).to(CUDA))
            DeviceDescent(state, pairs, operations).advance(default_schedule(len(many)), 320)
            ends.append(state.motion.y)
        assert recorded
        assert all(graph is not None for graph in recorded)
        assert torch.equal(*ends)


class TestStages:
    def test_exact_neighbours_are_those_on_the_cpu(self, many, engine):
        few = many[:2000]
        with Workers(1) as workers:
            here = nearest(few, 15, workers)
        there = exact_neighbors(torch.from_numpy(few).to(CUDA), 15, search=engine.search)
        assert (there.indices.cpu().numpy() == here.indices).mean() > 0.99
        assert np.allclose(there.squared.cpu(), here.squared, rtol=1e-4)

    @pytest.mark.parametrize("d", [3, 32, 33, 50, 200])
    @pytest.mark.parametrize("k", [5, 90, 300])
    def test_no_neighbour_of_any_row_is_missed(self, engine, d, k):
        X = torch.randn((3000, d), generator=torch.Generator().manual_seed(d)).to(CUDA)
        found = exact_neighbors(X, k, search=engine.search)
        true = torch.cdist(X.double(), X.double()).square_().fill_diagonal_(torch.inf)
        distances, indices = true.topk(k, largest=False)
        assert torch.allclose(found.squared.double(), distances, rtol=1e-5)
        assert (found.indices == indices).float().mean() > 0.999

    def test_equal_rows_are_all_searched(self, engine):
        X = torch.zeros((3000, 5), device=CUDA)
        X[2000:] = torch.randn((1000, 5), generator=torch.Generator().manual_seed(0)).to(CUDA)
        found = exact_neighbors(X, 90, search=engine.search)
        assert not found.squared[:2000].any()
        assert not found.squared.isnan().any()

    def test_products_of_parts_have_the_digits_of_float32(self):
        X = 3 + torch.randn((2000, 50), generator=torch.Generator().manual_seed(0)).to(CUDA)
        exact = X.double().square().sum(1) - 2 * X.double() @ X.double().T
        with exact_products():
            plain = (X.square().sum(1) - 2 * X @ X.T - exact).abs().max()
        split = (Products(X, is_split=True).of(X, 0) - exact).abs().max()
        assert float(split) < 4 * float(plain)

    def test_the_inverted_file_has_its_recall_and_the_same_result_twice(self, many, engine):
        X = torch.from_numpy(many).to(CUDA)
        found = []
        for _ in range(2):
            cells = inverted_file.Cells(X)
            ordered = X[cells.order]
            found.append(inverted_file.approximate_neighbors(ordered, cells, 90, engine.search))
        assert found[0][1] >= 0.97
        assert torch.equal(found[0][0].indices, found[1][0].indices)

    def test_probabilities_are_those_on_the_cpu(self, many, engine):
        there = pairs_of(many[:3000], CUDA, engine.search)
        here = pairs_of(many[:3000], torch.device("cpu"))
        assert torch.equal(there.starts.cpu(), here.starts)
        assert torch.equal(there.others.cpu(), here.others)
        assert torch.allclose(there.values.cpu(), here.values, rtol=1e-3, atol=1e-9)


class TestFit:
    def test_a_fit_is_as_good_as_on_the_cpu_and_the_same_bits_twice(self, digits):
        maps = [TSNE(device="cuda", random_state=0).fit_transform(digits) for _ in range(2)]
        assert np.array_equal(*maps)
        P = affinities(digits)
        here = kl_divergence(P, TSNE(device="cpu", random_state=0).fit_transform(digits))
        assert kl_divergence(P, maps[0]) == pytest.approx(here, abs=0.005)

    def test_a_fit_of_many_rows_is_the_same_bits_twice(self, many):
        maps = [TSNE(device="cuda", random_state=0).fit_transform(many) for _ in range(2)]
        assert np.array_equal(*maps)

    def test_the_gpu_is_chosen_from_a_number_of_rows_on(self, many):
        few = TSNE(max_iter=2, random_state=0).fit(many[: devices.GPU_ROWS - 1])
        enough = TSNE(max_iter=2, random_state=0).fit(many[: devices.GPU_ROWS])
        assert (few.device_, enough.device_) == ("cpu", "cuda")

    def test_a_callback_changes_no_bit_and_stops_a_fit_that_continues(self, many):
        whole = TSNE(device="cuda", random_state=0, max_iter=320).fit_transform(many)
        seen = []
        tsne = TSNE(
            device="cuda",
            random_state=0,
            max_iter=320,
            callback_every=7,
            callback=lambda i, y, kl: seen.append(kl) or i == 259,
        ).fit(many)
        assert tsne.n_iter_ == 258
        assert np.isfinite(seen).all()
        tsne.set_params(callback=None, warm_start=True)
        assert np.array_equal(tsne.fit_transform(many), whole)

    def test_landmarks_are_fitted_and_the_others_placed(self, digits):
        tsne = TSNE(landmarks=600, device="cuda", random_state=0)
        embedding = tsne.fit_transform(digits)
        assert np.isfinite(embedding).all()
        assert np.array_equal(tsne.transform(digits[tsne.landmarks_]), embedding[tsne.landmarks_])

    @pytest.mark.parametrize("metric", ["cosine", "precomputed"])
    def test_metrics_reach_the_divergence_of_the_cpu(self, digits, metric):
        X = pairwise_distances(digits) if metric == "precomputed" else digits
        there, here = (
            TSNE(metric=metric, init="random", device=device, random_state=0).fit(X)
            for device in ("cuda", "cpu")
        )
        assert there.kl_divergence_ == pytest.approx(here.kl_divergence_, abs=0.03)

    def test_a_fitted_estimator_is_pickled(self, digits):
        tsne = TSNE(device="cuda", random_state=0, max_iter=40).fit(digits)
        again = pickle.loads(pickle.dumps(tsne))
        assert np.array_equal(again.transform(digits[:5]), tsne.embedding_[:5])

    def test_more_than_the_memory_is_refused_with_the_sizes(self, monkeypatch, digits):
        monkeypatch.setattr(devices, "free_bytes", lambda device: 1e6)
        with pytest.raises(InvalidInputError, match="of the GPU's memory"):
            TSNE(device="cuda").fit(digits)

    def test_a_gpu_that_runs_out_of_memory_is_an_error_or_leaves_the_fit_to_the_cpu(self, many):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(0.002)
        try:
            with pytest.raises(InvalidInputError, match="too little free memory"):
                TSNE(device="cuda", max_iter=2).fit(many)
            with pytest.warns(DoubtWarning, match="so t-SNE runs on the CPU"):
                assert TSNE(max_iter=2).fit(many).device_ == "cpu"
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)

    def test_the_precision_that_the_process_has_chosen_changes_no_neighbour(
        self, digits, monkeypatch
    ):
        X = torch.from_numpy(digits).to(CUDA)
        exact = exact_neighbors(X, 30)
        monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
        again = exact_neighbors(X, 30)
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.equal(exact.indices, again.indices)


def test_extraction_on_the_gpu_gives_the_features_of_the_cpu_up_to_rounding():
    model = made(ResNet)
    here = extract(model, Pictures(), batch_size=4, progress=False)
    there = extract(model, Pictures(), batch_size=4, device="cuda", progress=False)
    assert np.allclose(there.features, here.features, atol=1e-4)
    assert next(model.parameters()).device.type == "cpu"
