"""Random small networks: features equal a plain forward pass, and the model is unchanged."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tsne_widget import extract

PARTS = {
    "conv": lambda c: nn.Conv2d(c, c, 3, padding=1),
    "depthwise": lambda c: nn.Conv2d(c, c, 3, padding=1, groups=c),
    "batch norm": nn.BatchNorm2d,
    "instance norm": lambda c: nn.InstanceNorm2d(c, affine=True),
    "group norm": lambda c: nn.GroupNorm(1, c),
    "relu": lambda c: nn.ReLU(inplace=True),
    "silu": lambda c: nn.SiLU(inplace=True),
    "dropout": lambda c: nn.Dropout2d(0.5, inplace=True),
    "identity": lambda c: nn.Identity(),
}


@st.composite
def networks(draw):
    """A body of random parts, and a head of one to three Linear layers."""
    torch.manual_seed(draw(st.integers(0, 99)))
    width = draw(st.integers(1, 5))
    kinds = draw(st.lists(st.sampled_from(sorted(PARTS)), max_size=6))
    body = [nn.Conv2d(2, width, 3, padding=1), *(PARTS[kind](width) for kind in kinds)]
    head, last = [nn.AdaptiveAvgPool2d(2), nn.Flatten()], 4 * width
    for hidden in draw(st.lists(st.integers(1, 6), max_size=2)):
        head += [nn.Linear(last, hidden), nn.Hardtanh(inplace=True), nn.Dropout(0.5)]
        last = hidden
    model = nn.Sequential(*body, *head, nn.Linear(last, draw(st.integers(2, 4))))
    for module in model.modules():
        module.training = draw(st.booleans())
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return model


@settings(deadline=None, max_examples=60)
@given(
    model=networks(),
    n=st.integers(1, 13),
    batch_size=st.integers(1, 14),
    channels_last=st.booleans(),
)
def test_features_equal_the_plain_forward_pass(model, n, batch_size, channels_last):
    x = torch.randn(n, 2, 6, 5)
    flags = [module.training for module in model.modules()]
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    strides = [parameter.stride() for parameter in model.parameters()]

    found = extract(model, x, batch_size=batch_size, channels_last=channels_last, progress=False)

    assert [module.training for module in model.modules()] == flags
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    assert [parameter.stride() for parameter in model.parameters()] == strides
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    model.eval()
    with torch.no_grad():
        features = model[:-1](x)
        logits = model[-1](features)
    assert found.layer == f"{len(model) - 1}:input"
    np.testing.assert_allclose(found.features, features, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.logits, logits, rtol=1e-3, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    model=networks(),
    at=st.integers(0, 20),
    bad=st.sets(st.integers(0, 11)),
    policy=st.sampled_from(["skip", "drop"]),
)
def test_all_bad_samples_are_listed_and_the_others_are_correct(model, at, bad, policy):
    x = torch.randn(12, 2, 6, 5)
    layer = str(at % (len(model) - 1))  # the last one gives the logits, which is a warning
    plain = extract(model, x, layer, batch_size=5, progress=False)

    class Bad:
        def __len__(self):
            return 12

        def __getitem__(self, index):
            if index in bad and policy == "skip":
                raise ValueError("bad")
            return x[index] * (float("nan") if index in bad else 1)

    if len(bad) == 12:
        return
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = extract(
            model, Bad(), layer, batch_size=5, progress=False, on_error="skip", on_nonfinite="drop"
        )
    assert [entry.id for entry in found.skipped] == sorted(bad)
    assert found.ids.tolist() == [i for i in range(12) if i not in bad]
    np.testing.assert_allclose(found.features, plain.features[found.ids], rtol=1e-3, atol=1e-4)
