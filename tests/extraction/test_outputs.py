"""The value of a layer becomes one row per sample, or an error with the remedy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from tests.extraction.nets import Pictures, ResNet, Sequence, Swin, Vgg, Vit, made
from tsne_widget import ExtractionError, InvalidInputError, extract


class Head(nn.Module):
    """A classifier with the output ``form``; its layer "body" returns ``inner``."""

    def __init__(self, form, inner=lambda h: h, width=3):
        super().__init__()
        self.body = Body(inner)
        self.head = nn.Linear(4, width)
        self.form = form

    def forward(self, x):
        self.body(x)
        return self.form(self.head(self.body.rows(x)))


class Body(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.fc = nn.Linear(192, 4)
        self.inner = inner

    def rows(self, x):
        return nn.functional.linear(x.flatten(1), self.fc.weight, self.fc.bias)

    def forward(self, x):
        return self.inner(self.rows(x))


@dataclass
class Result:
    hidden: torch.Tensor
    logits: torch.Tensor


def features(form=lambda z: z, inner=lambda h: h, layer="body", **options):
    torch.manual_seed(0)
    model = Head(form, inner)
    return extract(model, Pictures(), layer, batch_size=7, progress=False, **options)


PLAIN = features().features


def test_maps_are_averaged_over_height_and_width():
    model = made(Vgg)
    mean = extract(model, Pictures(), "features", progress=False)
    flat = extract(model, Pictures(), "features", pool="flatten", progress=False)
    by_hand = flat.features.reshape(20, 6, 16).mean(2)
    np.testing.assert_allclose(mean.features, by_hand, rtol=1e-5, atol=1e-6)
    assert mean.layer == "features[pool=mean]"
    assert flat.layer == "features[pool=flatten]"


def test_maps_with_channels_last_are_averaged_over_height_and_width():
    model = made(Swin)
    mean = extract(model, Pictures(), "norm", progress=False)
    head = extract(model, Pictures(), progress=False)
    np.testing.assert_allclose(mean.features, head.features, rtol=1e-4, atol=1e-6)


def test_tokens_are_averaged_or_the_class_token_is_taken():
    model = made(Vit)
    class_token = extract(model, Pictures(), "encoder", pool="cls", progress=False)
    head = extract(model, Pictures(), progress=False)
    np.testing.assert_allclose(class_token.features, head.features, rtol=1e-4, atol=1e-5)
    mean = extract(model, Pictures(), "encoder", progress=False)
    assert mean.features.shape == (20, 8)
    assert not np.allclose(mean.features, head.features)
    assert class_token.layer == "encoder[pool=cls]"


def test_the_class_token_of_a_map_is_refused():
    with pytest.raises(ExtractionError, match=r"pool='cls' requires tokens .* pass pool='mean'"):
        extract(made(Vgg), Pictures(), "features", pool="cls", progress=False)


def test_a_function_pools_and_is_recorded_by_name():
    def brightest(maps):
        return maps.amax((2, 3))

    found = extract(made(Vgg), Pictures(), "features", pool=brightest, progress=False)
    assert found.features.shape == (20, 6)
    assert found.layer == "features[pool=brightest]"


def test_a_pooling_function_that_works_in_place_does_not_reach_the_model():
    model = made(Vgg)
    plain = extract(model, Pictures(), progress=False)
    found = extract(
        model, Pictures(), "features", pool=lambda m: m.zero_().flatten(1), progress=False
    )
    assert (found.features == 0).all()
    assert (found.logits == plain.logits).all()


def test_a_pooling_function_with_the_wrong_shape_is_refused():
    with pytest.raises(ExtractionError, match=r"pool must return shape \(20, d\)"):
        extract(made(Vgg), Pictures(), "features", pool=lambda m: m.mean(), progress=False)


def test_an_unknown_pooling_is_refused_with_the_known_words():
    with pytest.raises(InvalidInputError, match="'auto', 'mean', 'flatten', 'cls'"):
        extract(made(Vgg), Pictures(), pool="max", progress=False)


@pytest.mark.parametrize(
    "inner",
    [
        lambda h: (h,),
        lambda h: [h, None],
        lambda h: {"hidden": h, "n": 3},
        lambda h: Result(h, None),
        lambda h: h.to_sparse(),
        lambda h: h.double(),
        lambda h: ((), {"a": [h]}),
    ],
)
def test_only_tensor_of_any_structure_is_found(inner):
    assert (features(inner=inner).features == PLAIN).all()


@pytest.mark.parametrize(
    ("inner", "select"),
    [
        (lambda h: (h + 1, h), 1),
        (lambda h: {"a": h + 1, "b": h}, "b"),
        (lambda h: (h + 1, {"b": [h]}), (1, "b", 0)),
        (lambda h: Result(h + 1, h), "logits"),
        (lambda h: (h + 1, h), lambda pair: pair[1]),
    ],
)
def test_one_of_several_tensors_is_selected(inner, select):
    assert (features(inner=inner, select=select).features == PLAIN).all()
    with pytest.raises(ExtractionError, match=r"2 tensors: .*\(7, 4\).*select=0"):
        features(inner=inner)


def test_invalid_select_lists_the_tensors():
    with pytest.raises(ExtractionError, match=r"select=5 .*: \[0\] \(7, 4\), \[1\] \(7, 4\)"):
        features(inner=lambda h: (h, h), select=5)


def test_lstm_and_attention_list_their_outputs():
    with pytest.raises(ExtractionError, match=r"\[0\] \(20, 8, 5\), \[1\]\[0\] \(1, 20, 5\)"):
        extract(made(Sequence), Pictures(), "lstm", progress=False)
    found = extract(made(Sequence), Pictures(), "lstm", select=0, progress=False)
    assert found.features.shape == (20, 5)
    found = extract(made(Sequence), Pictures(), "attention", select=0, progress=False)
    assert found.layer == "attention[pool=mean]"


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (lambda h: "text", "no tensors"),
        (lambda h: h.to(torch.complex64), "select=torch.abs"),
        (lambda h: torch.nested.nested_tensor(list(h)), "to_padded_tensor"),
        (lambda h: h.T, r"gives shape \(4, 7\) for a batch of 7"),
        (lambda h: h.sum(), r"gives shape \(\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_output_without_one_row_per_sample_is_refused(inner, message):
    with pytest.raises(ExtractionError, match=message):
        features(inner=inner)


@pytest.mark.parametrize(
    "form",
    [
        lambda z: (z, torch.zeros(2)),
        lambda z: {"logits": z, "hidden": z + 1},
        lambda z: Result(z + 1, z),
        lambda z: [z],
        lambda z: z.half(),
        lambda z: z[:, :, None, None],
    ],
)
def test_logits_are_found_in_any_form_of_output(form):
    plain = features()
    found = features(form)
    np.testing.assert_allclose(found.logits, plain.logits, rtol=2e-3, atol=1e-3)
    assert (found.features == plain.features).all()


@pytest.mark.parametrize(
    "form", [lambda z: "text", lambda z: z.argmax(1), lambda z: z[:, :, None].repeat(1, 1, 2)]
)
def test_without_logits_there_are_no_predictions(form):
    found = features(form)
    assert found.logits is None
    assert found.predictions is None


@pytest.mark.parametrize("form", [lambda z: z, lambda z: z.squeeze(1)])
def test_a_single_logit_becomes_two_classes(form):
    torch.manual_seed(0)
    model = Head(form, width=1)
    data = (Pictures().x, torch.arange(20) % 2)
    found = extract(model, data, progress=False)
    z = found.logits[:, 1]
    assert (found.logits[:, 0] == 0).all()
    assert (found.predictions == (z > 0)).all()
    assert found.class_names == ("0", "1")


@pytest.mark.parametrize("form", [lambda z: z.softmax(1), lambda z: (z * 1e3).softmax(1)])
def test_softmax_of_the_logits_restores_softmax_outputs(form):
    found = features(form, layer=None)
    with torch.no_grad():
        torch.manual_seed(0)
        model = Head(form).eval()
        probabilities = model(Pictures().x)
    given_back = torch.from_numpy(found.logits.copy()).softmax(1)
    np.testing.assert_allclose(given_back, probabilities, atol=1e-5)
    assert np.isfinite(found.logits).all()


def test_softmax_of_the_logits_restores_sigmoid_outputs():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 5), nn.Linear(5, 1), nn.Sigmoid())
    with torch.no_grad():
        model[2].bias += 0.05
        probabilities = model(Pictures().x)[:, 0]
    found = extract(model, (Pictures().x, torch.arange(20) % 2), progress=False)
    given_back = torch.from_numpy(found.logits.copy()).softmax(1)[:, 1]
    np.testing.assert_allclose(given_back, probabilities, atol=1e-5)
    assert (found.predictions == (probabilities > 0.5).numpy()).all()
    assert 0 < found.predictions.sum() < 20


def test_a_masked_class_keeps_its_softmax_of_zero():
    def masked(z):
        z = z.clone()
        z[:, 2] = -math.inf
        return z

    found = features(masked)
    assert np.isfinite(found.logits).all()
    assert torch.from_numpy(found.logits.copy()).softmax(1)[:, 2].max() == 0


def test_layer_that_runs_twice_requires_call():
    model = made(ResNet)
    name = "layer1.0.relu"
    with pytest.raises(ExtractionError, match=r"ran 2 times .* call='first', 'last' or 0 … 1"):
        extract(model, Pictures(), name, progress=False)
    found = {
        c: extract(model, Pictures(), name, call=c, progress=False) for c in ("first", "last", 0, 1)
    }
    assert (found["first"].features == found[0].features).all()
    assert (found["last"].features == found[1].features).all()
    assert not np.allclose(found[0].features, found[1].features)
    assert found[1].layer == "layer1.0.relu[call=1, pool=mean]"
    with pytest.raises(ExtractionError, match="it ran 2 times, so call must be 0 … 1"):
        extract(model, Pictures(), name, call=2, progress=False)
    with pytest.raises(InvalidInputError, match="call='second' must be"):
        extract(model, Pictures(), name, call="second", progress=False)


def test_the_last_of_tied_layers_is_the_penultimate_one():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(192, 5)
            self.fc = nn.Linear(5, 5)
            self.alias = self.fc

        def forward(self, x):
            return self.alias(torch.relu(self.fc(self.body(x.flatten(1)))))

    torch.manual_seed(0)
    model = Tied()
    found = extract(model, Pictures(), progress=False)
    assert found.layer == "fc:input"
    with torch.no_grad():
        by_hand = torch.relu(model.fc(model.body(Pictures().x.flatten(1))))
    np.testing.assert_allclose(found.features, by_hand, rtol=1e-4, atol=1e-6)


def test_a_layer_that_never_runs_is_an_error():
    model = made(ResNet)
    model.unused = nn.Linear(2, 2)
    with pytest.raises(ExtractionError, match="'unused' never ran"):
        extract(model, Pictures(), "unused", progress=False)


def test_output_of_the_model_can_be_the_layer():
    found = features(lambda z: (z, z + 1), layer="output[1]")
    assert found.layer == "output[1]"
    np.testing.assert_allclose(found.features, found.logits + 1, rtol=1e-6)
    with pytest.raises(ExtractionError, match=r"'output\[2\]' does not fit"):
        features(lambda z: (z, z + 1), layer="output[2]")
    whole = features(layer="output")
    assert (whole.features == whole.logits).all()
