"""Inputs that are not normalised as in training are noted, if a BatchNorm layer can tell."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tsne_widget import extract
from tsne_widget.errors import DoubtWarning


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def normalised(pictures):
    return (pictures - 0.5) / 0.29


def net(pictures=None) -> nn.Module:
    """A network whose statistics are those of these pictures; None: of no pictures."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8, momentum=None),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(288, 4),
    )
    if pictures is not None:
        with torch.no_grad():
            model(pictures)
    return model.eval()


def notes_of(model, inputs) -> tuple[str, ...]:
    return extract(
        model, (inputs, torch.zeros(len(inputs), dtype=torch.long)), progress=False
    ).notes


@pytest.mark.parametrize(
    "wrong",
    [lambda x: x, lambda x: 255 * x, lambda x: normalised(normalised(x))],
    ids=["not normalised", "bytes", "normalised twice"],
)
def test_inputs_with_another_scale_than_in_training_are_noted(pictures, wrong):
    model = net(normalised(pictures))
    with pytest.warns(
        DoubtWarning, match=r"input of '1' spreads .* check that the inputs are scaled"
    ):
        notes = notes_of(model, wrong(pictures))
    assert "in training" in notes[0]


def test_inputs_as_in_training_are_not_noted(pictures):
    assert notes_of(net(normalised(pictures)), normalised(pictures)) == ()


def test_a_few_pictures_and_an_untrained_network_tell_nothing(pictures):
    assert notes_of(net(normalised(pictures)), pictures[:8]) == ()
    assert notes_of(net(), 255 * pictures) == ()


def test_the_first_trained_layer_decides(pictures):
    model = net(normalised(pictures))
    fresh = nn.Sequential(nn.BatchNorm2d(3).eval(), *model)
    with pytest.warns(DoubtWarning, match="input of '2' spreads"):
        notes_of(fresh, 255 * pictures)
