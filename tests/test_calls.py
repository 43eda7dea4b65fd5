"""Wrong calls of new users: the error says how to call the function."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import tsne_widget
from tests.docs import preamble
from tsne_widget import (
    TSNE,
    EmbeddingExplorer,
    FeatureSet,
    InvalidInputError,
    TsneWidgetError,
    WrongCallError,
    compare,
    extract,
    plot_embedding,
    plot_embeddings,
    save_html,
)

N = 6
FEATURES = np.random.default_rng(0).normal(size=(N, 3)).astype("float32")
LABELS = np.arange(N) % 2
XY = FEATURES[:, :2]
RECORD = FeatureSet.from_arrays(FEATURES, LABELS)
MODEL = preamble.SmallNet()
DATASET = TensorDataset(torch.tensor(FEATURES), torch.tensor(LABELS))


@pytest.fixture(scope="module")
def explorer():
    made = EmbeddingExplorer(RECORD, embedding=XY)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda: EmbeddingExplorer(MODEL, DATASET), "EmbeddingExplorer.from_model(model, dataset)"),
        (lambda: EmbeddingExplorer(FEATURES, LABELS), "FeatureSet.from_arrays(features, labels)"),
        (lambda: EmbeddingExplorer(RECORD, XY), "embedding="),
        (lambda: EmbeddingExplorer(RECORD, image=XY), "did you mean 'images'?"),
        (lambda: EmbeddingExplorer(), "from_model(model, dataset)"),
        (lambda: EmbeddingExplorer.from_model(MODEL), "from_model(model, dataset)"),
        (lambda: EmbeddingExplorer.from_model(MODEL, DATASET, batchsize=2), "mean 'batch_size'?"),
        (
            lambda: EmbeddingExplorer.from_model(MODEL, DATASET, colour="tab10"),
            "from_model(): got an unexpected keyword argument 'colour'; did you mean 'colors'?",
        ),
        (lambda: EmbeddingExplorer.load("folder", XY), "images="),
        (lambda: compare(RECORD, RECORD), 'compare({"fc2": a, "conv5": b})'),
        (lambda: compare(a=RECORD, b=RECORD), 'compare({"fc2": a, "conv5": b})'),
        (lambda: FeatureSet.from_arrays(FEATURES, LABELS, ["cat", "dog"]), "class_names="),
        (lambda: FeatureSet.from_arrays(FEATURES, preds=LABELS), "mean 'predictions'?"),
        (lambda: extract(MODEL), "extract(model, dataset)"),
        (lambda: plot_embedding(XY, LABELS, "map.pdf"), "path="),
        (lambda: plot_embedding(XY, LABELS, colours=["r"]), "did you mean 'colors'?"),
        (lambda: plot_embeddings(), 'plot_embeddings({"fc2": first'),
        (lambda: save_html(RECORD, "map.html"), "save_html(feature_set, embedding, path)"),
    ],
)
def test_wrong_call_is_an_error_with_the_remedy(call, remedy):
    with pytest.raises(WrongCallError) as caught:
        call()
    assert remedy in str(caught.value)


def test_positional_path_of_a_figure_is_refused_with_the_remedy(explorer):
    with pytest.raises(WrongCallError, match=r"explorer\.figure\(path="):
        explorer.figure("map.pdf")


def test_wrong_option_of_a_method_is_refused_with_the_nearest_name(explorer, tmp_path):
    with pytest.raises(WrongCallError, match=r"save_html\(\): .* did you mean 'title'"):
        explorer.save_html(tmp_path / "map.html", titel="Cats")
    with pytest.raises(WrongCallError, match=r"select\(\): .* did you mean 'neighbors_of'"):
        explorer.select(neighbours_of=3)


def test_wrong_call_error_has_all_its_base_classes():
    for kind in (TypeError, ValueError, InvalidInputError, TsneWidgetError):
        with pytest.raises(kind):
            compare()


@pytest.mark.parametrize(
    "function",
    [EmbeddingExplorer, EmbeddingExplorer.from_model, FeatureSet.from_arrays, compare, extract],
)
def test_decorated_function_keeps_its_signature_and_docstring(function):
    assert not {"arguments", "options"} & set(inspect.signature(function).parameters)
    assert "Parameters\n" in inspect.getdoc(function)


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda: EmbeddingExplorer(DataLoader(DATASET)), r"from_model\(model, dataset\)"),
        (lambda: EmbeddingExplorer("my exploration"), r"EmbeddingExplorer\.load\(folder\)"),
        (lambda: EmbeddingExplorer.from_model(DATASET, MODEL), "the model comes first"),
        (lambda: extract(DATASET, MODEL), r"got TensorDataset; pass the trained network"),
        (lambda: compare({"one": RECORD}), r"got 1; .*EmbeddingExplorer"),
        (lambda: FeatureSet.from_arrays("x.npy"), r"got str; for \.npy files .*from_npy"),
        (lambda: FeatureSet.from_arrays(MODEL), r"got SmallNet; .*extract\(model, dataset\)"),
        (lambda: FeatureSet.from_arrays(LABELS, FEATURES), r"\(6,\); .*reshape\(-1, 1\)"),
        (lambda: FeatureSet.from_npy(FEATURES), r"got ndarray; .*FeatureSet\.from_arrays"),
        (lambda: TSNE().fit_transform(RECORD), r"got a FeatureSet; pass its \.features"),
        (lambda: TSNE().fit_transform("x.npy"), r"numpy\.load"),
        (lambda: plot_embedding(RECORD), r"got FeatureSet; .*TSNE\(\)\.fit_transform"),
        (lambda: plot_embedding(FEATURES, LABELS), r"\(6, 3\); .*TSNE\(\)\.fit_transform"),
        (lambda: plot_embeddings([XY, XY]), r'got list; for example \{"fc2"'),
        (lambda: save_html("map.html", RECORD, XY), "feature_set must be a FeatureSet, got str"),
        (lambda: save_html(RECORD, XY, XY), r"save_html\(feature_set, embedding, path\)"),
    ],
)
def test_argument_of_another_kind_is_refused_with_the_remedy(call, remedy):
    with pytest.raises(InvalidInputError, match=remedy):
        call()


def test_explorer_or_single_row_as_argument_is_refused_with_the_remedy(explorer):
    with pytest.raises(InvalidInputError, match=r"explorer\.feature_set"):
        compare({"a": explorer, "b": explorer})
    with pytest.raises(InvalidInputError, match=r"one row .*\[5\]"):
        explorer.select(5)
    with pytest.raises(InvalidInputError, match=r"got EmbeddingExplorer; .*explorer\.figure"):
        plot_embedding(explorer)


def test_folder_of_another_kind_is_refused_with_the_remedy(tmp_path):
    RECORD.save(tmp_path / "record")
    with pytest.raises(tsne_widget.StoreError, match=r"EmbeddingExplorer\(FeatureSet\.load"):
        EmbeddingExplorer.load(tmp_path / "record")
    (tmp_path / "map.html").write_text("", "utf-8")
    with pytest.raises(tsne_widget.StoreError, match=r"explorer\.save\(folder\)"):
        EmbeddingExplorer.load(tmp_path / "map.html")


def test_class_or_weights_as_model_are_refused():
    for model in (nn.Linear, nn.Linear(3, 2).state_dict(), "model.pt"):
        with pytest.raises(InvalidInputError, match="pass the trained network itself"):
            EmbeddingExplorer.from_model(model, DATASET)


class Unreadable(Dataset):
    """A dataset of the user's that fails."""

    def __len__(self):
        return N

    def __getitem__(self, index):
        return {}["no such key"]


@pytest.mark.parametrize(
    ("call", "own"),
    [
        (lambda: EmbeddingExplorer.from_model(MODEL, DATASET, layer="fc9"), []),
        (lambda: extract(MODEL, Unreadable(), progress=False), ["in __getitem__", "KeyError"]),
    ],
)
def test_a_notebook_shows_only_the_lines_of_the_user_and_the_message(call, own):
    with pytest.raises(TsneWidgetError) as caught:
        call()
    lines = caught.value._render_traceback_()
    files = {line.split('"')[1] for line in lines if line.startswith("  File ")}
    assert files == {__file__}
    assert str(caught.value) in lines[-1]
    assert all(any(word in line for line in lines) for word in own)
