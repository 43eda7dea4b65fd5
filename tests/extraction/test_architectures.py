"""The penultimate features of every common architecture are found."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.extraction.nets import ARCHITECTURES, Pictures, ResNet, Vgg, Vit, WithFeatures, made
from tsne_widget import LayerNotFoundError, extract


@pytest.fixture(params=ARCHITECTURES)
def architecture(request):
    return ARCHITECTURES[request.param]


def by_hand(model, pictures):
    was_training = [module.training for module in model.modules()]
    model.eval()
    with torch.no_grad():
        output = model(pictures.x)
    for module, flag in zip(model.modules(), was_training, strict=True):
        module.training = flag
    return (output[0] if isinstance(output, tuple) else output).numpy()


def test_the_penultimate_layer_is_found_and_named(architecture):
    kind, layer, width = architecture
    found = extract(made(kind), Pictures(), batch_size=8, progress=False)
    assert found.layer == layer
    assert found.features.shape == (20, width)
    assert found.features.dtype == np.float32


def test_logits_are_those_of_the_model_in_eval_mode(architecture):
    model, pictures = made(architecture[0]), Pictures()
    found = extract(model, pictures, batch_size=8, progress=False)
    np.testing.assert_allclose(found.logits, by_hand(model, pictures), rtol=1e-4, atol=1e-5)
    assert (found.predictions == found.logits.argmax(1)).all()
    assert (found.labels == np.arange(20) % 3).all()


def test_head_maps_the_found_features_to_the_logits(architecture):
    model = made(architecture[0])
    found = extract(model, Pictures(), batch_size=8, progress=False)
    if found.layer == "classifier.1:input[pool=mean]":  # a convolution, then ReLU and mean
        return
    name = "head" if found.layer == "output[1]" else found.layer.removesuffix(":input")
    with torch.no_grad():
        logits = model.get_submodule(name)(torch.from_numpy(found.features.copy()))
    np.testing.assert_allclose(found.logits, logits, rtol=1e-4, atol=1e-5)


def test_the_recorded_name_given_as_layer_gives_the_same_features(architecture):
    model = made(architecture[0])
    found = extract(model, Pictures(), progress=False)
    named = extract(model, Pictures(), found.layer.partition("[pool")[0], progress=False)
    np.testing.assert_allclose(named.features, found.features, rtol=1e-4, atol=1e-6)
    assert named.layer == found.layer


def test_the_result_does_not_depend_on_the_batch_size(architecture):
    model = made(architecture[0])
    one, many = (extract(model, Pictures(), batch_size=size, progress=False) for size in (3, 20))
    np.testing.assert_allclose(one.features, many.features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.logits, many.logits, rtol=1e-4, atol=1e-5)


def test_in_place_relu_after_the_layer_does_not_change_the_features():
    found = extract(made(Vgg), Pictures(), "classifier.3", progress=False)
    assert found.features.min() < 0


def test_wrappers_are_removed():
    model = made(ResNet)
    plain = extract(model, Pictures(), progress=False)
    for wrapped in (
        nn.DataParallel(model),
        torch.compile(model),
        torch.compile(nn.DataParallel(model)),
    ):
        found = extract(wrapped, Pictures(), progress=False)
        assert found.layer == plain.layer
        assert (found.features == plain.features).all()
    found = extract(nn.DataParallel(model), Pictures(), "module.fc:input", progress=False)
    assert found.layer == "fc:input"


def test_a_model_compiled_in_place_is_read_and_stays_compiled():
    model = made(ResNet).eval()  # the call below does not change BatchNorm
    plain = extract(model, Pictures(), progress=False)
    model.compile(backend="eager")
    with torch.no_grad():
        model(torch.stack([Pictures()[i][0] for i in range(2)]))  # compiles the model without hooks
    compiled = model._compiled_call_impl
    assert (extract(model, Pictures(), progress=False).features == plain.features).all()
    assert model._compiled_call_impl is compiled is not None


def test_second_output_of_the_same_width_is_not_the_features():
    found = extract(made(lambda: WithFeatures(3)), Pictures(), progress=False)
    assert found.layer == "head:input"


def test_an_unknown_layer_is_refused_with_the_nearest_names_before_the_model_runs():
    model = made(Vgg)
    model.forward = None
    with pytest.raises(LayerNotFoundError, match=r"nearest: .*'classifier\.6'"):
        extract(model, Pictures(), "clasifier.6", progress=False)


def test_last_part_of_a_layer_name_suggests_its_full_name():
    with pytest.raises(LayerNotFoundError, match=r"'layer1\.0\.conv2'"):
        extract(made(ResNet), Pictures(), "conv2", progress=False)


def test_without_any_linear_the_error_lists_layers_to_pass():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())
    with pytest.raises(LayerNotFoundError, match=r"pass layer=, for example one of '0', '1'"):
        extract(model, Pictures(), progress=False)


def test_a_scripted_model_is_refused_with_the_reason():
    model = torch.jit.trace(made(ResNet).eval(), Pictures().x)
    with pytest.raises(LayerNotFoundError, match="scripted from"):
        extract(model, Pictures(), progress=False)


def test_a_hugging_face_style_model_takes_a_dictionary_and_returns_an_object():
    class Output(dict):
        """Like ModelOutput of transformers: a mapping whose entries are attributes."""

        __getattr__ = dict.__getitem__

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.vit = made(Vit)
            self.vit.head = nn.Identity()
            self.classifier = nn.Linear(8, 3)

        def forward(self, pixel_values=None, labels=None, output_attentions=None):
            assert labels is None
            return Output(logits=self.classifier(self.vit(pixel_values)), hidden_states=None)

    class Rows(Pictures):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return {"pixel_values": x, "labels": y, "path": "a.png"}

    found = extract(Classifier(), Rows(), batch_size=8, progress=False)
    assert found.layer == "classifier:input"
    assert found.features.shape == (20, 8)
    assert found.logits.shape == (20, 3)
    assert (found.labels == np.arange(20) % 3).all()


@pytest.mark.parametrize(
    ("name", "layer", "width"),
    [
        ("vgg11_bn", "classifier.6:input", 4096),
        ("alexnet", "classifier.6:input", 4096),
        ("resnet18", "fc:input", 512),
        ("densenet121", "classifier:input", 1024),
        ("mobilenet_v3_small", "classifier.3:input", 1024),
        ("efficientnet_b0", "classifier.1:input", 1280),
        ("convnext_tiny", "classifier.2:input", 768),
        ("vit_b_32", "heads.head:input", 768),
        ("swin_t", "head:input", 768),
        ("squeezenet1_1", "classifier.1:input[pool=mean]", 512),
        ("googlenet", "fc:input", 1024),
    ],
)
def test_torchvision_models_if_installed(name, layer, width):
    models = pytest.importorskip("torchvision.models", exc_type=(ImportError, RuntimeError))
    model = models.get_model(name, weights=None)
    found = extract(model, torch.randn(3, 3, 224, 224), batch_size=2, progress=False)
    assert (found.layer, found.features.shape) == (layer, (3, width))
    assert found.logits.shape == (3, 1000)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_features_on_a_gpu_are_the_same_and_the_model_moves_back(architecture):
    model = made(architecture[0])
    here = extract(model, Pictures(), batch_size=3, progress=False)
    there = extract(model, Pictures(), batch_size=3, device="cuda", progress=False)
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}
    np.testing.assert_allclose(here.features, there.features, rtol=1e-2, atol=1e-3)
    assert (here.ids == there.ids).all()
    assert (here.labels == there.labels).all()
