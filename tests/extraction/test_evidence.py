"""Evidence: the places of a picture that speak for a class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import IterableDataset

from tests.extraction.nets import (
    ARCHITECTURES,
    CLASSES,
    AlexNet,
    ConvNeXt,
    DenseNet,
    EfficientNet,
    MobileNet,
    Pictures,
    ResNet,
    Swin,
    Vgg,
    Vit,
    made,
)
from tests.extraction.test_unchanged import Drawing, assert_same, frozen, state_of
from tsne_widget import ExtractionError, InvalidInputError, LayerNotFoundError, extract
from tsne_widget.extraction import evidence
from tsne_widget.extraction.attribution.evidence import EvidenceReader


def maps(model, data=None, *args, **options):
    return evidence(model, Pictures() if data is None else data, *args, progress=False, **options)


def layer_of(model):
    reader = EvidenceReader(model, Pictures())
    with reader.prepared():
        return reader.found.layer


class PreNormVit(nn.Module):
    """Two blocks that normalise first, and a head on the class token or the mean of the patches."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
            self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)
            self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

        def forward(self, x):
            q, k, v = self.qkv(self.norm1(x)).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
            heads = (q @ k.transpose(-2, -1)).softmax(-1) @ v
            x = x + self.proj(heads.transpose(1, 2).flatten(2))
            return x + self.mlp(self.norm2(x))

    def __init__(self, pool="token"):
        super().__init__()
        self.pool = pool
        self.patches = nn.Conv2d(3, 8, 2, stride=2)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.blocks = nn.Sequential(self.Block(), self.Block())
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.norm(self.blocks(torch.cat([self.token.expand(len(x), -1, -1), x], 1)))
        return self.head(x[:, 0] if self.pool == "token" else x[:, 1:].mean(1))


class OnePlace(nn.Module):
    """Class 1 is the brightness at one place; class 2 speaks against it; nothing else counts."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 1, 1, bias=False), nn.Linear(64, CLASSES, bias=False)
        nn.init.ones_(self.conv.weight)
        nn.init.zeros_(self.head.weight)
        self.head.weight.data[1, 8 * 2 + 5] = 4.0
        self.head.weight.data[2, 8 * 2 + 5] = -1.0

    def forward(self, x):
        return self.head(self.conv(x).flatten(1))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_has_evidence_without_a_named_layer(name):
    found = maps(made(ARCHITECTURES[name][0]))
    assert len(found) == 20
    assert found.dtype == np.float32
    assert found.shape[1] * found.shape[2] > 1
    assert np.isfinite(found).all()
    assert (np.abs(found).sum((1, 2)) > 0).all()


def biases(model):
    """What the head adds to each logit, whatever the picture."""
    names = (name for name in ("classifier", "fc", "head") if hasattr(model, name))
    head = getattr(model, next(names))
    layers = list(head) if isinstance(head, nn.Sequential) else [head]
    bias = torch.zeros(1, layers[0].weight.shape[-1]) if hasattr(layers[0], "weight") else None
    if isinstance(layers[0], nn.LayerNorm):
        bias = layers[0].bias[None]
    last = layers[-1]
    return (last(torch.zeros(1, last.in_features) if bias is None else bias)[0]).detach().numpy()


@pytest.mark.parametrize("kind", [ResNet, DenseNet, MobileNet, EfficientNet, Swin, ConvNeXt])
def test_the_map_before_an_average_sums_to_the_logits_without_the_bias(kind):
    model, rows = made(kind), np.arange(20)
    logits = extract(model, Pictures(), progress=False).logits - biases(model)
    order = np.argsort(-extract(model, Pictures(), progress=False).logits, axis=1)
    labels = rows % 3
    other = np.where(labels == order[:, 0], order[:, 1], labels)
    for target, expected in (
        ("prediction", logits[rows, order[:, 0]]),
        ("label", logits[rows, labels]),
        ("difference", logits[rows, order[:, 0]] - logits[rows, other]),
    ):
        found = maps(model, target=target).sum((1, 2))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_explained_neither_model_nor_generators(name):
    model = frozen(ARCHITECTURES[name][0])
    before = state_of(model)
    maps(model, Drawing(), batch_size=8)
    assert_same(before, state_of(model))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_failing_model_is_left_as_it_was():
    model = frozen(Vgg)
    model.classifier[4].forward = lambda x: (_ for _ in ()).throw(KeyboardInterrupt)
    before = state_of(model)
    with pytest.raises(KeyboardInterrupt):
        maps(model)
    assert_same(before, state_of(model))


def test_evidence_is_at_the_place_that_counts():
    found = maps(OnePlace(), target="prediction", layer="conv")
    place = np.zeros((8, 8), bool)
    place[2, 5] = True
    assert (found[:, ~place] == 0).all()
    assert (found[:, 2, 5] != 0).any()


def test_the_difference_is_the_prediction_minus_the_label():
    model, labels = made(ResNet), np.arange(20) % 3
    wrong = extract(model, Pictures(), progress=False).predictions != labels
    prediction, label, difference = (
        maps(model, target=target) for target in ("prediction", "label", "difference")
    )
    assert wrong.any()
    np.testing.assert_allclose(difference[wrong], (prediction - label)[wrong], atol=1e-5)


def test_the_difference_without_a_label_is_that_of_the_two_most_probable_classes():
    model = made(ResNet)
    order = np.argsort(-extract(model, Pictures(), progress=False).logits, axis=1)
    unlabelled = maps(model, labels=np.full(20, -1))
    np.testing.assert_array_equal(unlabelled, maps(model, labels=order[:, 0]))
    np.testing.assert_array_equal(unlabelled, maps(model, labels=order[:, 1]))


def test_evidence_does_not_depend_on_the_batch():
    model = made(DenseNet)
    all_at_once = maps(model)
    np.testing.assert_allclose(maps(model, batch_size=3), all_at_once, atol=1e-5)
    np.testing.assert_allclose(maps(model, None, [7, 2]), all_at_once[[7, 2]], atol=1e-5)


def test_a_frozen_model_has_the_same_evidence():
    model = made(ResNet)
    expected = maps(model)
    model.requires_grad_(False)
    np.testing.assert_array_equal(maps(model), expected)
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_pictures_of_integers_have_evidence():
    class Scaling(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = made(ResNet).requires_grad_(False)

        def forward(self, x):
            return self.inner(x.float() / 255)

    x = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    found = maps(Scaling(), (x, torch.arange(6) % 3))
    np.testing.assert_allclose(found, maps(made(ResNet), (x / 255, torch.arange(6) % 3)), atol=1e-6)


def test_probabilities_have_the_evidence_of_their_logits():
    model = made(ResNet)
    with_softmax = nn.Sequential(model, nn.Softmax(1))
    np.testing.assert_allclose(maps(with_softmax), maps(model), rtol=1e-3, atol=1e-5)


def test_a_single_logit_speaks_for_the_second_class():
    model = made(ResNet)
    model.fc = nn.Linear(6, 1)
    found = maps(model, target="label", labels=np.ones(20, int))
    logits = extract(model, Pictures(), progress=False, label=None).logits[:, 1]
    np.testing.assert_allclose(found.sum((1, 2)), logits - model.fc.bias.item(), atol=1e-5)
    assert (maps(model, target="label", labels=np.zeros(20, int)) == 0).all()


@pytest.mark.parametrize(("pool", "layer"), [("token", "blocks.1.norm1"), ("mean", "norm")])
def test_a_transformer_is_read_where_its_patches_still_count(pool, layer):
    model = made(lambda: PreNormVit(pool))
    assert layer_of(model) == layer
    assert maps(model).shape == (20, 4, 4)


def test_tokens_in_another_order_are_not_laid_out():
    class Windows(PreNormVit):
        """Puts the patches of each window one after the other."""

        def forward(self, x):
            x = self.patches(x).permute(0, 2, 3, 1).flatten(1, 2)
            x = x + 1
            x = x.view(len(x), 2, 2, 2, 2, 8).transpose(2, 3).reshape(len(x), 16, 8)
            return self.head(self.norm(self.blocks(x)).mean(1))

    model = made(lambda: Windows("mean"))
    assert layer_of(model) == "permute after 'patches'"
    assert maps(model).shape == (20, 4, 4)


def test_the_class_token_is_left_out():
    model, values = made(PreNormVit), {}
    for module in [model, *model.blocks]:
        for name in [name for name, _ in module.named_children() if "norm" in name]:
            setattr(module, name, nn.Identity())
    handle = model.blocks[0].register_forward_hook(lambda *given: values.update(tokens=given[2]))
    logits = model.eval()(Pictures().x)
    handle.remove()
    gradient = torch.autograd.grad(logits[:, 0].sum(), values["tokens"])[0]
    product = (values["tokens"] * gradient).sum(2).detach().numpy()
    found = maps(model, target="label", labels=np.zeros(20, int), layer="blocks.0")
    np.testing.assert_allclose(found.reshape(20, 16), product[:, 1:], rtol=1e-4, atol=1e-6)


def test_the_input_of_an_average_is_preferred_to_its_result():
    class Coarse(AlexNet):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())

    model = made(Coarse)
    assert maps(model).shape == (20, 8, 8)
    fine, coarse = (maps(model, layer=name).sum((1, 2)) for name in ("features", "avgpool"))
    np.testing.assert_allclose(fine, coarse, atol=1e-5)


def test_another_layer_can_be_named():
    model = made(ResNet)
    assert maps(model, layer="layer1.0").shape == (20, 8, 8)
    np.testing.assert_array_equal(maps(model, layer="layer1"), maps(model))
    assert maps(made(Vgg), layer="input").shape == (20, 8, 8)


def test_a_layer_without_places_is_refused_with_its_shape():
    with pytest.raises(ExtractionError, match=r"layer='fc' gives"):
        maps(made(ResNet), layer="fc")
    with pytest.raises(LayerNotFoundError, match="nearest"):
        maps(made(ResNet), layer="layr1")


def test_samples_without_places_are_refused():
    model = nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))
    with pytest.raises(ExtractionError, match="no activation with places"):
        maps(model, (torch.randn(10, 8), torch.arange(10) % 3))


def test_a_model_without_gradient_is_refused():
    class WithoutGraph(ResNet):
        @torch.no_grad()
        def forward(self, x):
            return super().forward(x)

    with pytest.raises(ExtractionError, match="no activation with places"):
        maps(made(WithoutGraph))


def test_wrong_arguments_are_refused_before_the_model_runs():
    model = made(Vgg)
    model.forward = None
    with pytest.raises(InvalidInputError, match="did you mean 'label'"):
        maps(model, target="lable")
    with pytest.raises(InvalidInputError, match=r"ids has 20, but the dataset has the samples 0"):
        maps(model, None, [3, 20])
    with pytest.raises(InvalidInputError, match="labels must be 2 class codes"):
        maps(model, None, [3, 4], labels=[1])


def test_a_stream_is_refused():
    class Stream(IterableDataset):
        def __iter__(self):
            yield from Pictures()

    with pytest.raises(InvalidInputError, match="samples by their index"):
        maps(made(ResNet), Stream())


def test_a_model_that_takes_a_dictionary_is_read():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = made(Vit)

        def forward(self, pixel_values):
            return {"logits": self.inner(pixel_values)}

    class Rows(Pictures):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return {"pixel_values": x, "labels": y}

    np.testing.assert_allclose(maps(Named(), Rows()), maps(made(Vit)), atol=1e-6)


def test_progress_counts_the_samples():
    seen = []
    evidence(made(ResNet), Pictures(), batch_size=8, progress=lambda *done: seen.append(done))
    assert seen == [(8, 20), (16, 20), (20, 20)]


class Standardised(nn.Module):
    """Its kernels of eight channels are computed, so they have a gradient and eight rows."""

    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.randn(8, 3, 3, 3))
        self.second = nn.Parameter(torch.randn(8, 8, 3, 3))
        self.bias = nn.Parameter(torch.randn(8, 1, 1))
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x):
        for weight in (self.first, self.second):
            kernel = (weight - weight.mean((1, 2, 3), keepdim=True)) / 4
            x = torch.relu(nn.functional.conv2d(x, kernel, padding=1))
        return self.head((x + self.bias[None]).mean((2, 3)))


@pytest.mark.parametrize("batch_size", [1, 7, 8])
def test_computed_weights_are_no_maps(batch_size):
    model = made(Standardised)
    expected = extract(model, Pictures(), progress=False).logits[:, 0]
    expected = expected - model.head.bias[0].item()
    found = maps(model, target="label", labels=np.zeros(20, int), batch_size=batch_size)
    assert found.shape == (20, 8, 8)
    np.testing.assert_allclose(found.sum((1, 2)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [ResNet, Vgg, lambda: PreNormVit("mean")])
def test_wholly_smoothed_evidence_is_grad_cam(kind):
    model, values = made(kind).eval(), {}
    name = layer_of(model).split(" ")[-1].strip("'")
    handle = model.get_submodule(name).register_forward_hook(
        lambda *given: values.update(all=given[2])
    )
    logits = model(Pictures().x)
    handle.remove()
    activation = values["all"]
    gradient = torch.autograd.grad(logits[:, 0].sum(), activation)[0]
    if activation.ndim == 3:  # tokens, the first of which is that of the class
        activation, gradient = (
            one[:, 1:].transpose(1, 2).unflatten(2, (4, 4)) for one in (activation, gradient)
        )
    cam = (activation * gradient.mean((2, 3), keepdim=True)).sum(1).detach().numpy()
    found = maps(model, target="label", labels=np.zeros(20, int), smooth=1, layer=name)
    np.testing.assert_allclose(found, cam, rtol=1e-3, atol=1e-5)


def test_smoothing_changes_no_map_before_an_average():
    model = made(ResNet)
    np.testing.assert_allclose(maps(model, smooth=0.8), maps(model), atol=1e-6)


def test_a_smoothing_beyond_the_mean_is_refused():
    with pytest.raises(InvalidInputError, match=r"smooth=1\.5 must be a number from 0"):
        maps(made(ResNet), smooth=1.5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", [ResNet, Vgg, lambda: PreNormVit("token")])
def test_a_model_of_half_precision_has_evidence_and_its_test(kind, dtype):
    model = made(kind).to(dtype)
    found = maps(model)
    assert np.isfinite(found).all()
    assert np.abs(found).sum() > 0
    _, covered = EvidenceReader(model, Pictures()).look(3, 0, "difference")
    assert np.isfinite(covered.without).all()


def test_a_thread_that_starts_to_train_keeps_its_flags():
    model = made(ResNet)

    class Training(Pictures):
        def __getitem__(self, index):
            if index == 15:
                model.train()
            return super().__getitem__(index)

    model.eval()
    with pytest.raises(ExtractionError, match=r"another thread called model\.train\(\)"):
        maps(model, Training(), batch_size=4)
    assert all(module.training for module in model.modules())
