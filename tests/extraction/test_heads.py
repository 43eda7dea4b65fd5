"""The head is what makes the model's output: features, logits and notes follow from it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.extraction.nets import Pictures
from tsne_widget import EmbeddingExplorer, ExtractionError, LayerNotFoundError, extract
from tsne_widget.errors import DoubtWarning, InvalidInputError

D, C = 12, 3
X = Pictures().x


class Net(nn.Module):
    """A body that gives h of shape (n, 12), and ``form``, which makes the output from (self, h, x).

    Modules that the form uses are given by name.
    """

    def __init__(self, form, **modules):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(192, D), nn.ReLU())
        self.form = form
        for name, module in ({"fc": nn.Linear(D, C)} | modules).items():
            setattr(self, name, module)

    def forward(self, x):
        return self.form(self, self.body(x), x)


class Normed(nn.Module):
    """The cosine head of ArcFace and of long-tailed recognition."""

    def __init__(self, columns=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(D, C) if columns else torch.randn(C, D))
        self.columns = columns

    def forward(self, x):
        weight = self.weight if self.columns else self.weight.T
        return 16 * functional.normalize(x) @ functional.normalize(weight, dim=0)


class LowRank(nn.Module):
    """A Linear layer with a low-rank update, as LoRA wraps it."""

    def __init__(self):
        super().__init__()
        self.base = nn.Linear(D, C)
        self.down = nn.Linear(D, 2, bias=False)
        self.up = nn.Linear(2, C, bias=False)

    def forward(self, x):
        return self.base(x) + self.up(self.down(x))


@dataclass
class Result:
    features: torch.Tensor
    scores: torch.Tensor


def parameter(*shape):
    return nn.Parameter(torch.randn(*shape))


def made(form=lambda m, h, x: m.fc(h), **modules):
    torch.manual_seed(0)
    return Net(form, **modules).eval()


def run(model, **options):
    return extract(model, X, **{"batch_size": 8, "progress": False, **options})


def noted(model, match, **options):
    with pytest.warns(DoubtWarning, match=match):
        return run(model, **options)


@torch.no_grad()
def hidden(model):
    return model.body(X).numpy()


@torch.no_grad()
def output(model):
    return model(X)


def assert_close(one, other):
    np.testing.assert_allclose(one, np.asarray(other), rtol=1e-4, atol=1e-5)


# Without a head


@pytest.mark.parametrize(
    "head",
    [
        nn.Identity,
        lambda: nn.BatchNorm1d(D),
        lambda: nn.LayerNorm(D),
        lambda: nn.Dropout(0.5),
        lambda: nn.Sequential(nn.Linear(D, 8), nn.BatchNorm1d(8)),
        lambda: nn.Sequential(nn.Linear(D, 8), nn.PReLU(8)),
        lambda: nn.Sequential(nn.Linear(D, 8), nn.ReLU(), nn.Dropout()),
    ],
)
def test_output_of_a_model_without_a_head_is_the_feature_and_there_are_no_predictions(head):
    model = made(fc=head())
    found = noted(model, r"no layer with class weights .*no predictions.*output=\(\) and layer=")
    assert found.layer == "output"
    assert found.logits is found.predictions is None
    assert_close(found.features, output(model))
    assert len(found.notes) == 1


def test_normalised_output_is_an_embedding():
    model = made(lambda m, h, x: functional.normalize(m.fc(h)))
    found = noted(model, "no layer with class weights")
    assert_close(found.features, output(model))
    assert found.predictions is None


def test_pooled_map_is_an_embedding():
    body = [nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(inplace=True)]
    torch.manual_seed(0)
    model = nn.Sequential(*body, nn.Conv2d(5, 6, 1), nn.BatchNorm2d(6), nn.ReLU()).eval()
    pooled = nn.Sequential(model, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = noted(pooled, "no layer with class weights")
    assert_close(found.features, output(pooled))
    assert found.predictions is None


def test_pooled_output_of_a_residual_block_is_an_embedding():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x):
            return functional.relu(x + self.conv(x))

    model = nn.Sequential(Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert noted(model, "no layer with class weights").layer == "output"


def test_projection_with_a_residual_is_an_embedding():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.mlp = nn.Sequential(nn.Linear(D, D), nn.GELU(), nn.Linear(D, D))

        def forward(self, x):
            return x + self.mlp(x)

    found = noted(made(fc=Attention()), "no layer with class weights")
    assert found.layer == "output"
    assert found.predictions is None


def test_pooler_output_of_a_headless_hugging_face_model_is_the_feature():
    def form(m, h, x):
        tokens = h[:, None].repeat(1, 4, 1)
        return {"last_hidden_state": tokens, "pooler_output": torch.tanh(m.fc(tokens[:, 0]))}

    model = made(form, fc=nn.Linear(D, D))
    found = noted(model, r"output\[pooler_output\] is taken as the features")
    assert found.layer == "output[pooler_output]"
    assert_close(found.features, output(model)["pooler_output"])
    again = noted(model, "no predictions", layer=found.layer)
    assert (again.features == found.features).all()


def test_tokens_of_a_headless_hugging_face_model_are_averaged():
    def form(m, h, x):
        tokens = m.fc(torch.stack([h, h + 1, h * h], 1))
        return {"last_hidden_state": tokens, "pooler_output": None}

    model = made(form, fc=nn.LayerNorm(D))
    found = noted(model, "no layer with class weights")
    assert found.layer == "output[last_hidden_state][pool=mean]"
    assert_close(found.features, output(model)["last_hidden_state"].mean(1))


def test_a_requested_layer_of_a_headless_model_has_no_predictions():
    found = noted(made(fc=nn.Identity()), r"no predictions; .* pass output=\(\)", layer="body.1")
    assert found.predictions is None
    found = run(made(fc=nn.Identity()), layer="body.1", output=())
    assert found.logits.shape == (20, D)


# One head


@pytest.mark.parametrize(
    "change",
    [
        lambda z: z.softmax(1),
        lambda z: (z / 0.07).softmax(1),
        lambda z: z.log_softmax(1),
        lambda z: 4.5 * z,
        lambda z: z[:, :, None, None],
        lambda z: z[:, [2, 0]],
        lambda z: z - torch.tensor([0.2, 1.0, 3.0]).log(),
        lambda z: (z - torch.tensor([0.2, 1.0, 3.0]).log()).softmax(1),
        lambda z: {"scores": z},
        lambda z: SimpleNamespace(logits=z),
        lambda z: (torch.zeros(()), z),
    ],
)
def test_features_are_the_input_of_the_layer_that_makes_the_output(change):
    model = made(lambda m, h, x: change(m.fc(h)), unused=nn.Linear(D, C))
    found = run(model)
    assert found.layer == "fc:input"
    assert_close(found.features, hidden(model))
    assert found.notes == ()


def test_sigmoid_function_of_one_column_is_a_probability():
    model = made(lambda m, h, x: torch.sigmoid(m.fc(h)), fc=nn.Linear(D, 1))
    found = run(model)
    probabilities = output(model)[:, 0]
    assert_close(torch.from_numpy(found.logits.copy()).softmax(1)[:, 1], probabilities)
    assert (found.predictions == (probabilities > 0.5).numpy()).all()
    assert 0 < found.predictions.sum() < 20


def test_probabilities_of_both_classes_from_one_logit_are_read():
    def form(m, h, x):
        p = torch.sigmoid(m.fc(h))
        return torch.cat([1 - p, p], 1)

    model = made(form, fc=nn.Linear(D, 1))
    found = run(model)
    assert found.layer == "fc:input"
    assert_close(torch.from_numpy(found.logits.copy()).softmax(1), output(model))


def test_confidence_of_independent_sigmoids_is_the_sigmoid():
    model = made(lambda m, h, x: torch.sigmoid(m.fc(h)), fc=nn.Linear(D, 10))
    found = run(model)
    assert found.activation == "sigmoid"
    assert_close(torch.from_numpy(found.logits.copy()).sigmoid(), output(model))
    assert (found.predictions == output(model).argmax(1).numpy()).all()


def test_outputs_within_0_and_1_of_an_unknown_function_are_sigmoids_and_noted():
    model = made(lambda m, h, x: (m.fc(h) / 4 + 0.5).clamp(0, 1), fc=nn.Linear(D, 10))
    found = noted(model, "10 outputs .*do not sum to 1", layer="body", output=())
    assert found.activation == "sigmoid"
    assert_close(torch.from_numpy(found.logits.copy()).sigmoid(), output(model))


def test_single_raw_output_within_0_and_1_is_a_probability_and_noted():
    model = made(fc=nn.Linear(D, 1))
    with torch.no_grad():
        model.fc.weight.mul_(0.1)
        model.fc.bias.fill_(0.5)
    found = noted(model, r"single output is within 0 … 1 .*layer= and output=lambda z: torch\.cat")
    assert_close(torch.from_numpy(found.logits.copy()).softmax(1)[:, 1], output(model)[:, 0])
    found = run(model, layer="body", output=lambda z: torch.cat([-z, z], 1) / 2)
    assert_close(found.logits[:, 1] - found.logits[:, 0], output(model)[:, 0])


def test_logits_within_0_and_1_stay_logits():
    model = made(lambda m, h, x: m.fc(h))
    with torch.no_grad():
        model.fc.weight.mul_(0.01)
        model.fc.bias.copy_(torch.tensor([0.3, 0.5, 0.7]))
    assert_close(run(model).logits, output(model))


def test_convolution_before_a_mean_over_the_map_is_the_head():
    class Xception(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 5, 3)
            self.head = nn.Conv2d(5, 4, 3, padding=1)

        def forward(self, x):
            return self.head(torch.relu(self.conv(x))).mean((2, 3)).softmax(1)

    torch.manual_seed(0)
    model = Xception()
    found = run(model)
    assert found.layer == "head:input[pool=mean]"
    with torch.no_grad():
        assert_close(found.features, torch.relu(model.conv(X)).mean((2, 3)))
    assert_close(torch.from_numpy(found.logits.copy()).softmax(1), output(model))


@pytest.mark.parametrize(
    ("choose", "pool"),
    [(lambda t: t[:, 0], "cls"), (lambda t: t[:, -1], "last"), (lambda t: t.mean(1), "mean")],
)
def test_head_that_runs_on_all_tokens_gives_the_features_of_the_tokens_that_count(choose, pool):
    model = made(lambda m, h, x: choose(m.fc(torch.stack([h, h * h, h - 1], 1))))
    found = run(model)
    assert found.layer == f"fc:input[pool={pool}]"
    h = torch.from_numpy(hidden(model))
    assert_close(found.features, choose(torch.stack([h, h * h, h - 1], 1)))


@pytest.mark.parametrize(
    "head",
    [
        Normed,
        lambda: Normed(columns=False),
        LowRank,
        lambda: nn.LazyLinear(C),
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(D, C)),
        lambda: nn.Sequential(nn.Dropout(), nn.Linear(D, C)),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_head_of_another_kind_is_found(head):
    model = made(fc=head())
    found = run(model)
    assert found.layer in ("fc:input", "fc.1:input")
    assert_close(found.features, hidden(model))
    assert_close(found.logits, output(model))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning:torch")
def test_quantised_linear_is_a_head():
    quantise = torch.ao.quantization.quantize_dynamic
    model = quantise(made(), {"fc"}, dtype=torch.qint8)
    found = run(model)
    assert found.layer == "fc:input"
    assert_close(found.features, hidden(model))


def test_compiled_backbone_and_head_inside_a_wrapper_are_read():
    wrapper = made(lambda m, h, x: m.net(x), net=torch.compile(made(), backend="eager"))
    with torch.no_grad():
        wrapper(X)
    found = run(wrapper)
    assert found.layer.endswith("fc:input")
    assert found.features.shape == (20, D)


def test_wrapper_with_unused_layers_after_the_head_is_read():
    model = made(lambda m, h, x: (m.fc(h), m.metric(m.fc(h).softmax(1)))[0], metric=nn.Linear(C, C))
    assert run(model).layer == "fc:input"


def test_head_that_runs_before_another_input_is_read_at_its_own_call():
    def form(m, h, x):
        logits = m.fc(h)
        m.fc(h * h + 1)
        return logits

    model = made(form)
    found = run(model)
    assert found.layer == "fc:input[call=0]"
    assert_close(found.features, hidden(model))


def test_half_precision_and_autocast_do_not_hide_the_head():
    model = made(lambda m, h, x: m.fc(h).softmax(1))
    assert run(model, dtype="bf16").layer == "fc:input"
    assert run(model.half()).layer == "fc:input"


def test_batch_of_one_sample_suffices():
    assert run(made(lambda m, h, x: m.fc(h).softmax(1)), batch_size=1).layer == "fc:input"


# Class weights without a module


@pytest.mark.parametrize(
    "scores",
    [
        lambda z, w: z @ w.T,
        lambda z, w: 20 * functional.normalize(z) @ functional.normalize(w).T,
        lambda z, w: functional.linear(z, w, torch.arange(3.0)),
        lambda z, w: -torch.cdist(z, w),
        lambda z, w: -torch.cdist(z, w).square(),
        lambda z, w: (20 * functional.cosine_similarity(z[:, None], w, dim=2)).softmax(1),
    ],
)
def test_features_are_what_the_class_weights_are_compared_with(scores):
    model = made(lambda m, h, x: scores(m.neck(h), m.w), neck=nn.BatchNorm1d(D), w=parameter(C, D))
    found = run(model)
    assert found.layer == "neck"
    with torch.no_grad():
        assert_close(found.features, model.neck(torch.from_numpy(hidden(model))))
    assert found.predictions.tolist() == output(model).argmax(1).tolist()
    assert found.notes == ()


def test_weights_of_an_unused_linear_layer_make_a_functional_head():
    model = made(lambda m, h, x: functional.linear(h, m.fc.weight, m.fc.bias))
    found = run(model)
    assert_close(found.features, hidden(model))
    assert_close(found.logits, output(model))


def test_functional_head_on_values_of_no_module_asks_for_the_layer():
    model = made(lambda m, h, x: functional.linear(h * h, m.w), w=parameter(C, D))
    with pytest.raises(
        LayerNotFoundError, match=r"linear\(\).* no module .*pass layer=.*'body\.1'"
    ):
        run(model)
    found = run(model, layer="body")
    assert_close(found.logits, output(model))


def test_attention_over_tokens_is_not_a_functional_head():
    def form(m, h, x):
        tokens = torch.stack([h, h * h, h - 1], 1)
        return torch.einsum("nt,ntd->nd", tokens.mean(2).softmax(1), tokens)

    assert noted(made(form), "no layer with class weights").layer == "output"


# Several items and heads


@pytest.mark.parametrize(
    ("form", "layer"),
    [
        (lambda m, h, x: (h, m.fc(h)), "output[0]"),
        (lambda m, h, x: (m.fc(h), h), "output[1]"),
        (lambda m, h, x: {"a": h, "b": m.fc(h)}, "output[a]"),
        (lambda m, h, x: Result(h, m.fc(h)), "output[features]"),
        (lambda m, h, x: (functional.normalize(h), m.fc(h)), "fc:input"),
        (lambda m, h, x: [m.fc(h), [h[:, :, None], None]], "output[1][0]"),
    ],
)
def test_item_that_a_head_makes_is_the_logits(form, layer):
    model = made(form)
    found = run(model)
    assert_close(found.logits, output(made()))
    assert_close(found.features.reshape(20, D), hidden(model))
    assert found.layer.startswith(layer)


def test_features_that_a_linear_layer_makes_are_not_logits():
    def form(m, h, x):
        embedding = m.embed(h)
        return embedding, m.fc(torch.relu(embedding))

    model = made(form, embed=nn.Linear(D, D))
    found = run(model)
    assert found.logits.shape == (20, C)
    assert found.layer == "fc:input"


def test_auxiliary_head_is_not_the_first():
    model = made(lambda m, h, x: {"aux": m.aux(h.relu()), "out": m.fc(h)}, aux=nn.Linear(D, C))
    found = noted(model, "output='aux'")
    assert_close(found.logits, output(model)["out"])


def test_first_of_two_heads_is_taken_and_named():
    model = made(lambda m, h, x: (m.fc(h), m.color(h * h)), color=nn.Linear(D, 4))
    found = noted(model, r"output\[0\], made by 'fc'; pass output=1")
    assert found.logits.shape == (20, C)
    assert_close(found.features, hidden(model))


@pytest.mark.parametrize("choice", [1, (1,), lambda items: items[1]])
def test_output_chooses_the_head(choice):
    model = made(lambda m, h, x: (m.fc(h), m.color(h * h)), color=nn.Linear(D, 4))
    found = run(model, output=choice)
    assert found.layer == "color:input"
    assert_close(found.logits, output(model)[1])
    assert_close(found.features, hidden(model) ** 2)


def test_from_model_passes_output_on():
    model = made(lambda m, h, x: {"a": m.fc(h), "b": m.color(h)}, color=nn.Linear(D, 4))
    explorer = EmbeddingExplorer.from_model(
        model, Pictures(), output="b", progress=False, embedding=np.zeros((20, 2))
    )
    assert explorer.feature_set.layer == "color:input"
    explorer.close()


@pytest.mark.parametrize("choice", [5, "scores", (0, 1), lambda items: items[9]])
def test_output_that_does_not_fit_lists_the_items(choice):
    with pytest.raises(ExtractionError, match=r"output=.*\[0\] \(8, 3\)"):
        run(made(lambda m, h, x: (m.fc(h), h)), output=choice)


@pytest.mark.parametrize("choice", [1.5, True, ["a"]])
def test_output_of_another_kind_is_refused(choice):
    with pytest.raises(InvalidInputError, match=r"output=.* index or key"):
        run(made(), output=choice)


@pytest.mark.parametrize("is_last", [False, True])
def test_features_are_those_of_the_main_head_not_of_an_auxiliary_one_of_its_width(is_last):
    def form(m, h, x):
        outputs = [m.fc(h), m.aux(x.flatten(1))]
        return outputs[0] if is_last else tuple(outputs)

    model = made(form, aux=nn.Linear(192, C))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if not is_last else "error", DoubtWarning)
        found = run(model)
    assert found.layer == "fc:input"
    assert_close(found.features, hidden(model))


@pytest.mark.parametrize("change", [lambda z: z, lambda z: z.softmax(1)])
def test_mean_of_two_heads_with_other_inputs_is_noted(change):
    model = made(
        lambda m, h, x: (change(m.fc(h)) + change(m.distilled(h * h))) / 2,
        distilled=nn.Linear(D, C),
    )
    found = noted(model, r"combines 2 heads \('fc', 'distilled'\).*'distilled'; pass layer=")
    assert found.layer == "distilled:input"
    assert found.predictions.tolist() == output(model).argmax(1).tolist()


@pytest.mark.parametrize(
    "combine",
    [lambda a, b: (a + b) / 2, lambda a, b: 0.3 * a + b, lambda a, b: torch.cat([a, b], 1)],
)
def test_heads_with_one_input_need_no_note(combine):
    model = made(lambda m, h, x: combine(m.fc(h), m.other(h)), other=nn.Linear(D, C))
    found = run(model)
    assert_close(found.features, hidden(model))
    assert found.notes == ()


def test_head_that_runs_on_several_views_is_noted():
    model = made(lambda m, h, x: (m.fc(h) + m.fc(m.body(x.flip(3)))) / 2)
    assert noted(model, "combines 2 heads").layer == "fc:input"


def test_several_dropout_samples_of_one_head_need_no_note():
    model = made(lambda m, h, x: sum(m.fc(m.drop(h)) for _ in range(4)) / 4, drop=nn.Dropout(0.5))
    assert run(model).notes == ()


# Doubts


@pytest.mark.parametrize(
    "noise",
    [
        lambda m, h: functional.dropout(h, 0.5),
        lambda m, h: h + torch.randn_like(h),
        lambda m, h: h + torch.from_numpy(m.generator.normal(size=h.shape)).to(h),
    ],
)
def test_outputs_that_differ_between_two_runs_are_noted(noise):
    model = made(lambda m, h, x: m.fc(noise(m, h)), generator=np.random.default_rng(0))
    before = torch.get_rng_state()
    noted(model, r"differ between two runs in eval mode.*training=self\.training")
    assert torch.equal(before, torch.get_rng_state())


def test_random_numbers_that_do_not_reach_the_output_need_no_note():
    def form(m, h, x):
        torch.rand(3)
        return m.fc(h)

    assert run(made(form)).notes == ()


def test_batch_norm_without_running_statistics_is_noted():
    norm = nn.BatchNorm1d(D, track_running_stats=False)
    noted(made(lambda m, h, x: m.fc(m.norm(h)), norm=norm), "'norm' has no running statistics")


@pytest.mark.parametrize("change", [lambda z: z, lambda z: z.softmax(1)])
def test_requested_layer_that_gives_the_logits_is_noted(change):
    model = made(lambda m, h, x: change(m.fc(h)))
    found = noted(model, "layer='fc' are the logits themselves; pass layer='fc:input'", layer="fc")
    assert found.features.shape == (20, C)


def test_output_without_rows_takes_the_last_linear_layer_and_says_so():
    model = made(lambda m, h, x: m.fc(h).argmax(1))
    found = noted(model, "'fc', the last Linear layer that ran; pass layer=")
    assert found.layer == "fc:input"
    assert found.logits is None


def test_error_lists_layers_that_ran_the_last_linear_first():
    model = made(lambda m, h, x: m.fc(h).square().softmax(1), unused=nn.Linear(D, C))
    with pytest.raises(LayerNotFoundError, match=r"one of 'fc', 'body\.1', .*") as error:
        run(model)
    assert "unused" not in str(error.value)


def test_wrong_layer_name_suggests_linear_layers():
    model = made(fc=nn.Sequential(nn.Linear(D, C)))
    model.linear = nn.Linear(2, 2)
    with pytest.raises(LayerNotFoundError, match="nearest: 'linear'"):
        run(model, layer="zq")


def test_layer_found_is_the_same_with_a_store(tmp_path):
    model = made(lambda m, h, x: (h, m.fc(h)))
    first = run(model, store=tmp_path)
    again = run(model, store=tmp_path)
    assert first.layer == again.layer == "output[0]"
    assert (first.features == again.features).all()
    assert (first.logits == again.logits).all()


def test_output_is_part_of_the_key_of_a_store(tmp_path):
    model = made(lambda m, h, x: (m.fc(h), m.color(h)), color=nn.Linear(D, 4))
    assert run(model, store=tmp_path, output=0).logits.shape == (20, 3)
    assert run(model, store=tmp_path, output=1).logits.shape == (20, 4)
