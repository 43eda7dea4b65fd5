"""Names of the classes come from the dataset or the model, and labels fit the outputs by name."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import ConcatDataset, Dataset, Subset

from tsne_widget import extract
from tsne_widget._class_sources import names_of_dataset
from tsne_widget.errors import DoubtWarning, InvalidInputError

N = 24
NAMES = ("cat", "dog", "fish")


class Samples(Dataset):
    """Samples whose features tell their class; ``attributes`` name the classes."""

    def __init__(self, codes=None, label=None, **attributes):
        self.codes = np.arange(N) % 3 if codes is None else np.asarray(codes)
        self.x = torch.eye(8)[self.codes] * 9 + 0.1
        self.label = label or (lambda index: int(self.codes[index]))
        for name, value in attributes.items():
            setattr(self, name, value)

    def __len__(self):
        return len(self.codes)

    def __getitem__(self, index):
        return self.x[index], self.label(index)


def classifier(columns):
    """A model whose output k is the class of the feature ``columns[k]``."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, len(columns)))
    with torch.no_grad():
        for layer, weight in ((model[0], torch.eye(8)), (model[1], torch.eye(8)[columns])):
            layer.weight.copy_(weight)
            layer.bias.zero_()
    return model


def run(dataset, model=None, **options):
    return extract(model or classifier([0, 1, 2]), dataset, progress=False, **options)


class Label:
    """ClassLabel of Hugging Face datasets."""

    names = list(NAMES)
    num_classes = 3


SOURCES = {
    "a list": {"classes": list(NAMES)},
    "a mapping as classes": {"classes": {"fish": 2, "dog": 1, "cat": 0}},
    "class_to_idx": {"class_to_idx": {"fish": 2, "dog": 1, "cat": 0}},
    "features": {"features": {"image": object(), "label": Label()}},
    "nested features": {"features": {"image": 0, "labels": SimpleNamespace(feature=Label())}},
    "features in features": {"features": {"annotation": {"category": Label()}}},
    "categories": {"categories": list(NAMES)},
    "class_names": {"class_names": np.array(NAMES)},
    "an order of their codes": {
        "classes": ["fish", "dog", "cat"],
        "class_to_idx": {"cat": 0, "dog": 1, "fish": 2},
    },
    "synonyms": {"classes": [(name,) for name in NAMES]},
    "a number of classes": {"classes": 3, "class_names": list(NAMES)},
}


class Wrapper(Dataset):
    """A wrapper as people write it: a dataset under a name of its own."""

    def __init__(self, subset):
        self.subset = subset

    def __len__(self):
        return len(self.subset)

    def __getitem__(self, index):
        return self.subset[index]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda dataset: dataset,
        lambda dataset: Subset(dataset, range(10)),
        lambda dataset: Subset(ConcatDataset([dataset, Subset(dataset, [3, 1])]), range(20)),
        Wrapper,
    ],
    ids=["dataset", "Subset", "nested", "wrapper"],
)
@pytest.mark.parametrize("source", SOURCES)
def test_names_come_from_every_attribute_and_through_wrappers(source, wrap):
    record = run(wrap(Samples(**SOURCES[source])))
    assert record.class_names == NAMES
    assert not record.misclassified.any()
    assert record.notes == ()


@pytest.mark.parametrize(
    "attributes",
    [
        {"categories": [{"id": 0, "name": "cat"}]},
        {"features": np.zeros((N, 2))},
        {"class_to_idx": {}},
        {"classes": {"cat", "dog", "fish"}},
        {"classes": 3},
        {"classes": "cat dog fish"},
    ],
)
def test_attributes_of_another_meaning_are_no_names(attributes):
    assert run(Samples(**attributes)).class_names == ("0", "1", "2")


def test_the_label_that_is_chosen_names_the_classes():
    coarse = SimpleNamespace(names=["animal", "plant"])
    dataset = SimpleNamespace(features={"fine_label": Label(), "coarse_label": coarse})
    assert names_of_dataset(dataset).names == NAMES
    assert names_of_dataset(dataset, "coarse_label").names == ("animal", "plant")


def test_concatenated_datasets_with_other_names_need_class_names():
    both = ConcatDataset([Samples(classes=list(NAMES)), Samples(classes=["a", "b", "c"])])
    with pytest.raises(InvalidInputError, match=r"'cat', 'dog'.*'a', 'b'.*class_names="):
        run(both)
    assert run(both, class_names=NAMES).class_names == NAMES


# target_transform, and datasets that give other labels than their targets


def digits(transform):
    """Like torchvision's MNIST with a target_transform."""
    targets = torch.arange(N) % 10 % 8
    dataset = Samples(
        targets, targets=targets, target_transform=transform, label=lambda i: transform(targets[i])
    )
    dataset.classes = [f"{code} - digit" for code in range(8)]
    return dataset


def test_a_target_transform_that_joins_classes_leaves_no_names():
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(8))
        model[1].weight.copy_(torch.tensor([[1.0, 0] * 4, [0, 1.0] * 4]))
    named = run(digits(lambda t: t % 2), model, class_names=["even", "odd"])
    assert named.class_names == ("even", "odd")
    assert not named.misclassified.any()
    assert run(digits(lambda t: t % 2), model).class_names == ("0", "1")


@pytest.mark.parametrize("transform", [int, lambda t: torch.as_tensor(t).long()])
def test_a_target_transform_that_keeps_the_codes_keeps_the_names(transform):
    record = run(digits(transform), classifier(list(range(8))))
    assert record.class_names[3] == "3 - digit"


def test_a_target_transform_that_reverses_the_codes_reverses_the_names():
    record = run(digits(lambda t: 7 - t), classifier(list(range(7, -1, -1))))
    assert record.class_names[0] == "7 - digit"
    assert not record.misclassified.any()


def test_a_wrapper_that_joins_classes_leaves_no_names():
    class Parity(Wrapper):
        def __getitem__(self, index):
            x, y = self.subset[index]
            return x, y % 2

    inner = Samples(np.arange(N) % 4, targets=(np.arange(N) % 4).tolist())
    inner.classes = list("abcd")
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(8))
        model[1].weight.copy_(torch.tensor([[1.0, 0] * 4, [0, 1.0] * 4]))
    record = run(Parity(inner), model)
    assert record.class_names == ("0", "1")
    assert not record.misclassified.any()


def test_targets_that_do_not_come_are_not_checked():
    dataset = Samples(targets=[7] * N)
    assert run(dataset, class_names=NAMES).labels.tolist() == dataset.codes.tolist()


def test_targets_that_come_are_checked_before_the_run():
    dataset = Samples(np.arange(N) % 4, targets=(np.arange(N) % 4).tolist())
    model = classifier([0, 1, 2])
    model.register_forward_hook(lambda *_: pytest.fail("the model ran"))
    with pytest.raises(InvalidInputError, match=r"targets must be 0 … 2 .* but it has 3"):
        run(dataset, model, class_names=NAMES)


# The model's names


def configured(columns, id2label):
    model = classifier(columns)
    model.config = SimpleNamespace(id2label=id2label)
    return model


@pytest.mark.parametrize(
    "id2label",
    [{0: "cat", 1: "dog", 2: "fish"}, {"2": "fish", "1": "dog", "0": "cat"}],
)
def test_names_come_from_the_config_of_the_model(id2label):
    record = run(Samples(), configured([0, 1, 2], id2label))
    assert record.class_names == NAMES
    assert record.notes == ()


def test_names_that_transformers_invents_are_ignored():
    invented = {code: f"LABEL_{code}" for code in range(3)}
    assert run(Samples(), configured([0, 1, 2], invented)).class_names == ("0", "1", "2")
    named = Samples(class_names=NAMES)
    assert run(named, configured([0, 1, 2], invented)).class_names == NAMES


def test_names_of_a_backbone_of_other_classes_are_ignored():
    thousand = {code: f"n{code}" for code in range(1000)}
    assert run(Samples(class_names=NAMES), configured([0, 1, 2], thousand)).class_names == NAMES
    assert run(Samples(), configured([0, 1, 2], thousand)).class_names == ("0", "1", "2")


def test_names_come_from_an_attribute_of_the_model():
    model = classifier([0, 1, 2])
    model.class_to_idx = {"fish": 2, "cat": 0, "dog": 1}
    assert run(Samples(), model).class_names == NAMES


def test_labels_are_matched_by_name_with_another_order_of_the_outputs():
    model = configured([2, 0, 1], {0: "Fish", 1: "cat", 2: "dog"})
    with pytest.warns(DoubtWarning, match=r"dataset.class_names .* model.config.id2label .*name"):
        record = run(Samples(class_names=NAMES), model)
    assert record.class_names == ("Fish", "cat", "dog")
    assert [record.class_names[code] for code in record.labels[:3]] == ["cat", "dog", "Fish"]
    assert not record.misclassified.any()


def test_labels_keep_their_order_if_the_predictions_fit_it():
    model = configured([0, 1, 2], {0: "fish", 1: "cat", 2: "dog"})
    with pytest.warns(DoubtWarning, match=r"fit the order of dataset.class_names"):
        record = run(Samples(class_names=NAMES), model)
    assert record.class_names == NAMES
    assert not record.misclassified.any()


def test_other_words_for_the_classes_are_a_doubt_that_names_both():
    model = configured([0, 1, 2], {0: "tabby", 1: "hound", 2: "carp"})
    with pytest.warns(
        DoubtWarning, match=r"\('cat', 'dog', 'fish'\) .* \('tabby', 'hound', 'carp'\)"
    ):
        record = run(Samples(class_names=NAMES), model)
    assert record.class_names == ("tabby", "hound", "carp")


def test_a_part_of_the_models_classes_is_matched_by_name():
    names = {0: "bird", 1: "fish, carp", 2: "cat", 3: "horse", 4: "dog"}
    model = configured([5, 2, 0, 6, 1], names)
    with pytest.warns(DoubtWarning, match="matched by name"):
        record = run(Samples(class_names=NAMES), model)
    assert record.class_names == tuple(names.values())
    assert not record.misclassified.any()


def test_names_of_the_caller_in_another_order_than_the_dataset_are_a_doubt():
    with pytest.warns(DoubtWarning, match="another order than dataset.classes"):
        run(
            Samples(classes=list(NAMES)),
            class_names=["dog", "cat", "fish"],
        )


# Hidden folders


def folder(hidden, codes):
    dataset = Samples(np.arange(N) % 3)
    dataset.classes = sorted([*NAMES, hidden])
    dataset.label = lambda index: codes[index % 3]
    return dataset


@pytest.mark.parametrize("hidden", [".ipynb_checkpoints", "__MACOSX"])
@pytest.mark.parametrize("given", [False, True])
def test_a_hidden_folder_is_left_out_of_the_names_and_the_codes(hidden, given):
    dataset = folder(hidden, [1, 2, 3])
    options = {"class_names": dataset.classes} if given else {}
    with pytest.warns(DoubtWarning, match=f"hidden folder '{hidden}'.*delete the folder"):
        record = run(dataset, **options)
    assert record.class_names == NAMES
    assert record.labels[:3].tolist() == [0, 1, 2]
    assert not record.misclassified.any()


def test_samples_in_a_hidden_folder_are_unlabelled():
    dataset = folder(".ipynb_checkpoints", [0, 2, 3])
    with pytest.warns(DoubtWarning, match="its samples are unlabelled"):
        record = run(dataset)
    assert record.labels[:3].tolist() == [-1, 1, 2]


def test_a_hidden_folder_that_the_model_knows_is_a_class():
    model = classifier([7, 0, 1, 2])
    record = run(folder(".ipynb_checkpoints", [1, 2, 3]), model)
    assert record.class_names[0] == ".ipynb_checkpoints"
    assert not record.misclassified.any()
    assert record.notes == ()


def test_more_names_than_outputs_are_a_doubt():
    dataset = Samples(class_names=[*NAMES, "horse"])
    with pytest.warns(DoubtWarning, match="4 classes, but logits have 3 columns"):
        run(dataset)


def test_several_layers_warn_of_one_doubt_once():
    with pytest.warns(DoubtWarning) as caught:
        records = run(Samples(class_names=[*NAMES, "horse"]), layers=["0", None])
    assert len(caught) == 1
    assert len(records[0].notes) == len(records[1].notes) == 1


def test_shifted_labels_are_a_doubt_of_the_run():
    dataset = Samples(np.arange(N) % 2)
    dataset.label = lambda index: int(dataset.codes[index]) + 1
    with pytest.warns(DoubtWarning, match="labels are 1 higher than the predictions"):
        run(dataset)


def test_a_head_of_sigmoids_has_the_sigmoid_as_confidence():
    from tsne_widget.analysis import sample_frame

    model = nn.Sequential(classifier([0, 1, 2]), nn.Sigmoid())
    dataset = Samples()
    with torch.no_grad():
        expected = model(dataset.x).max(dim=1).values.numpy()
    record = run(dataset, model)
    found = sample_frame(record, range(N))["confidence"]
    np.testing.assert_allclose(found, expected, atol=1e-6)
