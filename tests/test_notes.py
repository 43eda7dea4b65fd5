"""Notes of a record: what is inferred and cannot be verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tsne_widget import FeatureSet
from tsne_widget.errors import DoubtWarning

NOTE = "the pictures are a guess; pass images="


def noted() -> FeatureSet:
    with pytest.warns(DoubtWarning, match="are a guess"):
        return FeatureSet(np.eye(3)).with_notes([NOTE])


def test_a_note_is_a_warning_of_the_callers_line() -> None:
    with pytest.warns(DoubtWarning) as caught:
        FeatureSet(np.eye(3)).with_notes([NOTE, NOTE])
    assert [warning.filename for warning in caught] == [__file__]


def test_a_record_without_doubts_has_no_notes() -> None:
    assert FeatureSet.from_arrays(np.eye(3), [0, 1, 1]).notes == ()


def test_repr_has_the_notes_on_lines_of_their_own() -> None:
    assert NOTE in repr(noted()).splitlines()[1]


def test_notes_stay_in_a_subset_and_warn_no_more() -> None:
    assert noted().take([0, 2]).notes == (NOTE,)


def test_notes_are_saved_and_loaded_without_another_warning(tmp_path: Path) -> None:
    noted().save(tmp_path / "record")
    assert FeatureSet.load(tmp_path / "record").notes == (NOTE,)
