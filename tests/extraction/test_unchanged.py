"""The model and the random generators are unchanged after a run, an error or an interrupt."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from tests.extraction.nets import ARCHITECTURES, Pictures, ResNet, Vgg, made
from tsne_widget import ExtractionError, extract


def state_of(model):
    return {
        "weights": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "flags": [module.training for module in model.modules()],
        "hooks": [
            (len(module._forward_hooks), len(module._forward_pre_hooks))
            for module in model.modules()
        ],
        "strides": [tensor.stride() for tensor in model.state_dict().values()],
        "gradients": [parameter.requires_grad for parameter in model.parameters()],
        "grad mode": torch.is_grad_enabled(),
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state()[1].copy(),  # noqa: NPY002
        "python": random.getstate(),
    }


def assert_same(before, after):
    for key, value in before.items():
        if key == "weights":
            assert all(torch.equal(tensor, after[key][name]) for name, tensor in value.items())
        elif key in ("torch", "numpy"):
            assert (np.asarray(value) == np.asarray(after[key])).all(), key
        else:
            assert value == after[key], key


class Drawing(Pictures):
    """Draws from all three global generators, as augmentation does."""

    def __getitem__(self, index):
        random.random()
        np.random.rand()  # noqa: NPY002
        return super().__getitem__(index)[0] + 0 * torch.randn(3, 8, 8), index % 3


class Failing(Pictures):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def __getitem__(self, index):
        if index == 11:
            raise self.error
        return super().__getitem__(index)


def frozen(kind):
    model = made(kind)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.training = False
    return model


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_extraction_changes_neither_model_nor_data(name):
    model = frozen(ARCHITECTURES[name][0])
    before = state_of(model)
    extract(model, Drawing(), batch_size=8, progress=False)
    assert_same(before, state_of(model))


@pytest.mark.parametrize("error", [ValueError("bad file"), KeyboardInterrupt(), SystemExit()])
def test_interrupted_run_changes_nothing(error):
    model = frozen(Vgg)
    before = state_of(model)
    with pytest.raises((ExtractionError, KeyboardInterrupt, SystemExit)):
        extract(model, Failing(error), "classifier.3", batch_size=4, progress=False)
    assert_same(before, state_of(model))


def test_an_interrupt_inside_the_model_changes_nothing():
    model = frozen(Vgg)
    model.classifier[4].forward = interrupted = lambda x: (_ for _ in ()).throw(KeyboardInterrupt)
    before = state_of(model)
    with pytest.raises(KeyboardInterrupt):
        extract(model, Pictures(), progress=False)
    assert_same(before, state_of(model))
    assert model.classifier[4].forward is interrupted


def test_hooks_of_the_user_are_kept():
    model = made(ResNet)
    seen = []
    model.fc.register_forward_hook(lambda *_: seen.append(1))
    extract(model, Pictures(), batch_size=10, progress=False)
    assert len(model.fc._forward_hooks) == 1
    assert len(seen) == 2


def test_generator_of_a_shuffling_loader_is_unchanged():
    generator = torch.Generator().manual_seed(3)
    loader = DataLoader(Pictures(), batch_size=4, shuffle=True, generator=generator)
    before = generator.get_state()
    extract(made(ResNet), loader, progress=False)
    assert torch.equal(before, generator.get_state())


def test_global_generator_is_unchanged_by_a_shuffling_loader():
    before = torch.get_rng_state()
    loader = DataLoader(Pictures(), batch_size=4, shuffle=True)
    extract(made(ResNet), loader, progress=False)
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_is_off_and_batch_norm_uses_its_running_statistics():
    model = made(Vgg)
    first, second = (extract(model, Pictures(), batch_size=b, progress=False) for b in (20, 20))
    alone = extract(model, Pictures(), batch_size=1, progress=False)
    assert (first.features == second.features).all()
    np.testing.assert_allclose(first.features, alone.features, rtol=1e-4, atol=1e-5)


def test_model_that_caches_a_tensor_can_be_trained_afterwards():
    class Caching(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(192, 3)
            self.table = None

        def forward(self, x):
            if self.table is None:
                self.table = torch.linspace(0, 1, 192)
            return self.fc(x.flatten(1) * self.table)

    model = Caching()
    extract(model, Pictures(), progress=False)
    model(Pictures().x.requires_grad_()).sum().backward()
    assert model.fc.weight.grad is not None


def test_overridden_train_method_does_not_run():
    class Merging(ResNet):
        def train(self, mode=True):
            if not mode:
                raise AssertionError("weights would be merged")
            return super().train(mode)

    extract(made(Merging), Pictures(), progress=False)


def test_features_do_not_keep_the_graph_of_the_model():
    model, recorded = made(ResNet), []
    model.register_forward_pre_hook(lambda *_: recorded.append(torch.is_grad_enabled()))
    found = extract(model, Pictures(), progress=False)
    assert set(recorded) == {False}  # no graph, which would hold every activation of a batch
    assert type(found.features) is np.ndarray
    assert not torch.from_numpy(found.features.copy()).requires_grad


def test_the_models_dtype_and_device_stay_and_features_are_float32():
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        model = made(ResNet).to(dtype)
        found = extract(model, Pictures(), device="cpu", progress=False)
        assert found.features.dtype == found.logits.dtype == np.float32
        assert {parameter.dtype for parameter in model.parameters()} == {dtype}
