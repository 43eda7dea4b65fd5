"""The descent of a fit on a GPU, on tensors of the CPU: meshes, blocks, schedules, recordings."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.projection.gpu_inputs import (
    CPU,
    clustered,
    pairs_of,
    short_schedule,
)
from tsne_widget.projection import repulsion
from tsne_widget.projection.gpu import descent as descent_module
from tsne_widget.projection.gpu import recording
from tsne_widget.projection.gpu.descent import DeviceDescent, DeviceState
from tsne_widget.projection.gpu.lattice import Shape, shape_for
from tsne_widget.projection.gpu.objective import KLDivergence
from tsne_widget.projection.gpu.operations import TorchOperations
from tsne_widget.projection.quality import affinities, kl_divergence
from tsne_widget.projection.schedule import Phase, Schedule, default_schedule


class TestMesh:
    @pytest.mark.parametrize("extent", [0.11, 1.0, 16.0, 300.0, 5e3, 1e5])
    def test_a_mesh_covers_the_expected_map(self, extent):
        for growth in (1.0, 1.05, 4.0, 100.0):
            shape = shape_for(extent, growth * extent)
            assert shape.capacity >= growth * extent
            assert shape.size >= 2 * shape.cells
            assert shape.cells <= 5000

    def test_a_mesh_is_kept_while_it_suits(self):
        first = shape_for(50, 60)
        assert shape_for(52, 55, first) is first
        assert shape_for(150, 160, first) != first
        assert shape_for(20, 21, first).cells < first.cells

    def test_widths_of_a_small_map_are_powers_of_two(self):
        cells = {shape_for(extent, extent).cell for extent in np.linspace(0.1, 15, 400)}
        assert len(cells) <= 9
        assert all(float(np.log2(cell)).is_integer() for cell in cells)


class TestDescent:
    def test_a_block_whose_mesh_becomes_too_small_is_repeated(self, digits, monkeypatch):
        pairs, shapes = pairs_of(digits), []
        plain, repeated = (DeviceState(torch.from_numpy(clustered(600))) for _ in range(2))
        DeviceDescent(plain, pairs, TorchOperations()).advance(default_schedule(600), 10)

        def first_too_small(extent, expected, last=None):
            shapes.append(shape_for(extent, expected) if shapes else Shape(40, 0.05))
            return shapes[-1]

        monkeypatch.setattr(descent_module, "shape_for", first_too_small)
        DeviceDescent(repeated, pairs, TorchOperations()).advance(default_schedule(600), 10)
        assert len(shapes) == 11
        assert repeated.iteration == 10
        assert torch.allclose(repeated.motion.y, plain.motion.y, atol=0.05)

    def test_each_step_that_is_kept_has_the_form_of_repulsion_for_its_extent(
        self, digits, monkeypatch
    ):
        wrong, starts, repeats = [], [], []
        repel, begin = DeviceDescent._repel, DeviceDescent._begin
        restart = DeviceDescent._return_to_start

        def checked(self, lattice, edges, z):
            extent = descent_module.extent_of(self._state.motion.y)
            is_narrow = extent < repulsion.CLOSED_FORM_WIDTH
            covers = lattice is None or extent <= lattice.shape.capacity
            wrong.append(is_narrow != (lattice is None) or not covers)
            repel(self, lattice, edges, z)

        def noted(self, schedule):
            starts.append(len(wrong))
            return begin(self, schedule)

        def forgotten(self, block):
            repeats.append(any(wrong[starts[-1] :]))
            del wrong[starts[-1] :]
            restart(self, block)

        monkeypatch.setattr(DeviceDescent, "_repel", checked)
        monkeypatch.setattr(DeviceDescent, "_begin", noted)
        monkeypatch.setattr(DeviceDescent, "_return_to_start", forgotten)
        start = 1e-4 * torch.randn((600, 2), generator=torch.Generator().manual_seed(0))
        state = DeviceState(start)
        DeviceDescent(state, pairs_of(digits), TorchOperations()).advance(short_schedule(600), 90)
        assert repeats
        assert all(repeats)
        assert not any(wrong)

    def test_the_result_does_not_depend_on_where_the_iterations_are_divided(self, digits):
        pairs, ends = pairs_of(digits), []
        for stops in ((73,), (1, 13, 20, 38, 41, 73)):
            state = DeviceState(torch.from_numpy(clustered(600)))
            for stop in stops:
                DeviceDescent(state, pairs, TorchOperations()).advance(short_schedule(600), stop)
            ends.append(state.motion.y)
        assert torch.equal(*ends)

    def test_a_schedule_is_followed_to_the_iteration(self, digits, monkeypatch):
        seen = []
        move = TorchOperations.move

        def noted(self, motion, pull, push, z, constants, rates, parts):
            seen.append(round(float(constants[2]), 6))
            move(self, motion, pull, push, z, constants, rates, parts)

        monkeypatch.setattr(TorchOperations, "move", noted)
        state = DeviceState(torch.from_numpy(clustered(600)))
        schedule = Schedule((Phase(7, 4, 0.1, 50), Phase(3, 4, 0.2, 50), Phase(1, 1, 0.3, 50)))
        DeviceDescent(state, pairs_of(digits), TorchOperations()).advance(schedule, 15)
        assert seen == [0.1] * 7 + [0.2] * 3 + [0.3] * 5

    def test_an_error_within_a_block_leaves_its_start_and_the_rest_gives_the_same_bits(
        self, digits, monkeypatch
    ):
        pairs = pairs_of(digits)
        whole, broken = (DeviceState(torch.from_numpy(clustered(600))) for _ in range(2))
        DeviceDescent(whole, pairs, TorchOperations()).advance(short_schedule(600), 40)
        move, count = TorchOperations.move, 0

        def failing(self, *arguments):
            nonlocal count
            count += 1
            if count == 27:
                raise KeyboardInterrupt
            move(self, *arguments)

        monkeypatch.setattr(TorchOperations, "move", failing)
        with pytest.raises(KeyboardInterrupt):
            DeviceDescent(broken, pairs, TorchOperations()).advance(short_schedule(600), 40)
        assert broken.iteration == 20
        DeviceDescent(broken, pairs, TorchOperations()).advance(short_schedule(600), 40)
        assert torch.equal(broken.motion.y, whole.motion.y)

    def test_divergences_are_the_exact_one_and_an_estimate(self, digits):
        P, y = affinities(digits, 20), clustered(600)
        state = DeviceState(torch.from_numpy(y))
        descent = DeviceDescent(state, pairs_of(digits), TorchOperations())
        exact = kl_divergence(P, y)
        assert descent.kl_divergence() == pytest.approx(exact, abs=1e-3)
        assert descent.kl_divergence(estimate=True) == pytest.approx(exact, abs=0.02)

    def test_a_sum_lost_in_the_error_of_the_mesh_gives_no_divergence(self, digits, monkeypatch):
        state = DeviceState(torch.from_numpy(clustered(600)))
        descent = DeviceDescent(state, pairs_of(digits), TorchOperations())
        monkeypatch.setattr(descent, "_repel", lambda lattice, edges, z: z.fill_(-0.1))
        assert np.isnan(descent.kl_divergence())

    def test_a_sample_of_pairs_estimates_the_divergence(self, digits, monkeypatch):
        monkeypatch.setattr("tsne_widget.projection.gpu.objective.SAMPLE", 20_000)
        measure = KLDivergence(pairs_of(digits))
        y = torch.from_numpy(clustered(600)).T
        assert measure.estimate(y) == pytest.approx(measure.exact(y), abs=0.03)


class TestRecorder:
    """The order of recording and replaying, with a graph that calls the work again."""

    @pytest.fixture
    def recorder(self, monkeypatch):
        recorder = recording.Recorder(CPU)
        recorder._works = True
        self.recorded = []

        class Graph:
            def __init__(self, work):
                self.replay = work

        def record(work):
            self.recorded.append(work)
            return Graph(work)

        monkeypatch.setattr(recorder, "_record", record)
        idle = SimpleNamespace(synchronize=lambda: None)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: idle)
        return recorder

    def test_work_runs_once_before_it_is_recorded_and_once_for_each_call(self, recorder):
        calls = []
        for _ in range(4):
            recorder.run("key", lambda: calls.append(1))
        assert len(calls) == 4
        assert len(self.recorded) == 1

    def test_work_that_cannot_be_recorded_is_called(self, recorder, monkeypatch):
        monkeypatch.setattr(recorder, "_record", lambda work: None)
        calls = []
        for _ in range(3):
            recorder.run("key", lambda: calls.append(1))
        assert len(calls) == 3
