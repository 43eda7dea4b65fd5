"""explorer.evidence: its maps, what it keeps, and what it does without the model."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError, evidence


def explored(model, data, **options):
    """An explorer whose map costs nothing."""
    return EmbeddingExplorer.from_model(
        model, data, embedding=np.eye(20, 2), progress=False, **options
    )


@pytest.fixture
def model():
    return made(ResNet)


@pytest.fixture
def data():
    return Pictures()


def test_the_explorer_has_the_evidence_of_its_model(model, data):
    with explored(model, data) as explorer:
        for target in ("difference", "prediction", "label"):
            found = explorer.evidence(target=target, progress=False)
            np.testing.assert_allclose(
                found, evidence(model, data, target=target, progress=False), atol=1e-6
            )


def test_rows_are_in_the_order_of_the_ids(model, data):
    with explored(model, data) as explorer:
        found = explorer.evidence([7, 2, 7], progress=False)
        whole = evidence(model, data, progress=False)
        np.testing.assert_allclose(found, whole[[7, 2, 7]], atol=1e-5)


def test_known_maps_are_not_computed_again(model, data):
    with explored(model, data) as explorer:
        first = explorer.evidence([3, 5], progress=False)
        seen = []
        again = explorer.evidence([5, 3, 9], progress=lambda *done: seen.append(done))
        assert seen == [(1, 1)]
        np.testing.assert_array_equal(again[:2], first[::-1])


def test_model_and_dataset_are_collected_once_the_caller_drops_them():
    class WithoutPictures(Dataset):
        """Its samples are vectors, so no picture of it is kept."""

        def __len__(self):
            return 20

        def __getitem__(self, index):
            return torch.full((8,), float(index)), index % 3

    model, data = nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)), WithoutPictures()
    images = np.zeros((20, 4, 4, 3), "u1")
    with explored(model, data, images=images) as explorer:
        gone = weakref.ref(model), weakref.ref(data)
        assert explorer.state.evidence.has_model
        del model, data
        gc.collect()
        assert [one() for one in gone] == [None, None]
        assert not explorer.state.evidence.has_model
        with pytest.raises(InvalidInputError, match=r"evidence\(model=model, data=dataset\)"):
            explorer.evidence(progress=False)


def test_a_pair_of_arrays_is_held_while_both_are_there(model):
    x, y = Pictures().x, torch.arange(20) % 3
    with explored(model, (x, y)) as explorer:
        assert explorer.evidence([1], progress=False).shape == (1, 8, 8)
        del y
        gc.collect()
        assert not explorer.state.evidence.has_model


def test_an_explorer_of_features_takes_model_and_data(model, data):
    record = FeatureSet.from_arrays(np.eye(20), np.arange(20) % 3, class_names=["a", "b", "c"])
    with EmbeddingExplorer(record, embedding=np.eye(20, 2)) as explorer:
        with pytest.raises(InvalidInputError, match="does not have"):
            explorer.evidence()
        with pytest.raises(InvalidInputError, match="both model= and data="):
            explorer.evidence(model=model)
        assert explorer.evidence(model=model, data=data, progress=False).shape == (20, 8, 8)
        assert explorer.evidence([3], target="label", progress=False).shape == (1, 8, 8)


def test_unknown_ids_are_refused(model, data):
    message = "ids has 77, which no sample"
    with explored(model, data) as explorer, pytest.raises(InvalidInputError, match=message):
        explorer.evidence([1, 77])


def test_scores_of_the_evidence_exist_once_all_samples_have_it(model, data):
    with explored(model, data) as explorer:
        explorer.evidence([1, 2], progress=False)
        assert "evidence_in_border" not in explorer.to_dataframe("all")
        explorer.evidence(progress=False)
        explorer.color_by = "evidence_in_border"
        frame = explorer.to_dataframe("all", scores="all")
        assert frame["evidence_in_border"].dropna().between(0, 1).all()
        assert frame["evidence_entropy"].dropna().between(0, 1).all()


def test_the_maps_of_a_named_layer_are_not_kept(model, data):
    with explored(model, data) as explorer:
        named = explorer.evidence([4], layer="conv1", progress=False)
        assert not explorer.state.evidence.has_maps
        assert not np.array_equal(named, explorer.evidence([4], progress=False))


def test_smoothed_maps_are_not_kept(model, data):
    with explored(model, data) as explorer:
        explorer.evidence([4], smooth=0.8, progress=False)
        assert not explorer.state.evidence.has_maps
        with pytest.raises(InvalidInputError, match="smooth='much' must be a number"):
            explorer.evidence([4], smooth="much", progress=False)


def test_an_interrupt_keeps_the_maps_that_are_done(model, data):
    def stop(done, _total):
        raise KeyboardInterrupt

    with explored(model, data) as explorer:
        with pytest.raises(KeyboardInterrupt):
            explorer.evidence([5, 6], progress=stop)
        assert explorer.state.evidence.rows_with("difference") == [5, 6]


def test_evidence_is_saved_and_loaded(model, data, tmp_path):
    with explored(model, data) as explorer:
        expected = explorer.evidence(progress=False)
        explorer.evidence([4], target="label", progress=False)
        values, test = explorer.state.evidence.tested(3, "difference")
        explorer.state.evidence.keep("difference", [3], [values], {3: test})
        explorer.state.scores["evidence_entropy"]
        explorer.save(tmp_path / "saved")
    with EmbeddingExplorer.load(tmp_path / "saved") as loaded:
        known = loaded.state.evidence
        np.testing.assert_allclose(loaded.evidence(), expected, atol=1e-6)
        assert known.rows_with("label") == [4]
        assert known.test_of(3, "difference") == test
        assert loaded.state.scores.is_ready("evidence_entropy")
        with pytest.raises(InvalidInputError, match=r"evidence\(model=model, data=dataset\)"):
            loaded.evidence(target="label")
