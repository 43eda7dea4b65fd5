"""A saved exploration loads unchanged, even after disk errors or a killed process."""

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.widgets.page import Page
from tsne_widget import (
    EmbeddingExplorer,
    FeatureSet,
    InvalidInputError,
    StoreError,
    TsneWidgetError,
)

N = 40
VISIBLE = [
    ("map", "viewport"),
    ("map", "show_labels"),
    ("map", "point_size"),
    ("map", "mistakes"),
    ("legend", "colors"),
]
NAMES = ["cat", "dog", "=owl"]


def make_record() -> FeatureSet:
    rng = np.random.default_rng(0)
    codes = np.arange(N) % 3
    return FeatureSet(
        features=rng.normal(size=(N, 6)).astype(np.float32),
        labels=np.where(np.arange(N) == 7, -1, codes),
        logits=rng.normal(size=(N, 3)).astype(np.float32),
        class_names=NAMES,
        ids=np.arange(N) * 2 + 1,
        paths=[os.fsdecode(b"pets/caf\xe9-%d.png" % row) for row in range(N)],
        layer="avgpool",
        skipped=[(0, "empty")],
    )


COLUMNS = {
    "age": np.arange(N) - 3,
    "height": np.linspace(0, 1, N),
    "night": np.arange(N) % 2 == 0,
    "camera": np.array(["left", None] * (N // 2), dtype=object),
    "who": np.array(["ann", "bob"] * (N // 2)),
    "when": np.arange(N).astype("M8[D]"),
}


def make_explorer(record: FeatureSet | None = None) -> EmbeddingExplorer:
    record = make_record() if record is None else record
    embedding = np.random.default_rng(1).normal(size=(N, 2))
    explorer = EmbeddingExplorer(
        record, embedding=embedding, columns=COLUMNS, colors={"dog": "#123456"}, height=300
    )
    explorer.visible_classes = ["cat", "=owl", "unknown"]
    explorer.select([0, 2, 7])
    explorer.name_selection("gone", [1])
    explorer.name_selection("odd — ones", [0, 1, 5])
    explorer.drop_selection("gone")  # it has the next colour
    explorer.name_selection("nothing", [])
    explorer.name_selection("late", np.arange(N) > 30)
    page = Page(explorer)
    page.sets("map", viewport=[-1.5, 2.25, -1, 1], show_labels=True, point_size=2.0)
    return explorer


@pytest.fixture
def explorer():
    with make_explorer() as opened:
        yield opened


def assert_same(one: EmbeddingExplorer, other: EmbeddingExplorer) -> None:
    for name in ("features", "labels", "logits", "predictions", "ids"):
        first, second = getattr(one.feature_set, name), getattr(other.feature_set, name)
        assert first.dtype == second.dtype
        assert first.tobytes() == second.tobytes()
    for name in ("class_names", "paths", "layer", "skipped"):
        assert getattr(one.feature_set, name) == getattr(other.feature_set, name)
    assert one.embedding.tobytes() == other.embedding.tobytes()
    assert one.embedding.dtype == other.embedding.dtype
    assert one.visible_classes == other.visible_classes
    assert one.selected.tolist() == other.selected.tolist()
    assert [(name, rows.tolist()) for name, rows in one.selections.items()] == [
        (name, rows.tolist()) for name, rows in other.selections.items()
    ]
    assert one.state.selection_colors == other.state.selection_colors
    for view, trait in VISIBLE:
        assert Page(one).shows(view, trait) == Page(other).shows(view, trait)
    for name, column in one.state.scores.columns.items():
        assert other.state.scores.columns[name].dtype == column.dtype
        assert other.state.scores.columns[name].tolist() == column.tolist()
    pd.testing.assert_frame_equal(one.to_dataframe("all"), other.to_dataframe("all"))


def test_loaded_exploration_is_identical(explorer, tmp_path):
    folder = explorer.save(tmp_path / "deep" / "saved")
    with EmbeddingExplorer.load(folder) as loaded:
        assert_same(explorer, loaded)
        assert "ready" in repr(loaded)
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".npy"}


def test_loaded_exploration_can_overwrite_itself_and_leaves_no_old_files(explorer, tmp_path):
    folder = explorer.save(tmp_path / "saved")
    count = sum(1 for _ in folder.rglob("*"))
    for _ in range(2):
        with EmbeddingExplorer.load(folder) as loaded:
            loaded.save(folder, overwrite=True)
    assert sum(1 for _ in folder.rglob("*")) == count
    with EmbeddingExplorer.load(folder) as loaded:
        assert_same(explorer, loaded)


def test_exploration_of_features_alone_can_be_loaded(tmp_path):
    with EmbeddingExplorer(FeatureSet.from_arrays(np.eye(4)), embedding=np.eye(4, 2)) as bare:
        folder = bare.save(tmp_path / "bare")
    with EmbeddingExplorer.load(folder) as loaded:
        assert loaded.selected.tolist() == []
        assert loaded.selections == {}
        assert Page(loaded).shows("map", "viewport") == []


def test_features_by_reference_are_not_copied_and_both_folders_can_move_together(tmp_path):
    make_record().save(tmp_path / "all" / "features")
    with make_explorer(FeatureSet.load(tmp_path / "all" / "features")) as explorer:
        explorer.save(tmp_path / "all" / "saved", features="reference")
        assert not list((tmp_path / "all" / "saved").rglob("features*"))
        with EmbeddingExplorer.load(tmp_path / "all" / "saved") as loaded:
            assert_same(explorer, loaded)
        (tmp_path / "all").rename(tmp_path / "moved")
        with EmbeddingExplorer.load(tmp_path / "moved" / "saved") as loaded:
            assert_same(explorer, loaded)
        (tmp_path / "moved" / "saved").rename(tmp_path / "elsewhere")
        with pytest.raises(StoreError, match=r"refers to features in .*; move"):
            EmbeddingExplorer.load(tmp_path / "elsewhere")
        (tmp_path / "moved").rename(tmp_path / "all")  # the absolute path is valid
        with EmbeddingExplorer.load(tmp_path / "elsewhere") as loaded:
            assert_same(explorer, loaded)


def test_features_in_memory_cannot_be_saved_by_reference(explorer, tmp_path):
    with pytest.raises(
        InvalidInputError, match=r"features are in memory.*features\.save\(folder\)"
    ):
        explorer.save(tmp_path / "saved", features="reference")
    with pytest.raises(InvalidInputError, match='must be "copy" or "reference"'):
        explorer.save(tmp_path / "saved", features="link")
    assert not (tmp_path / "saved").exists()


def test_record_that_differs_from_its_file_cannot_be_saved_by_reference(tmp_path):
    make_record().save(tmp_path / "features")
    loaded = FeatureSet.load(tmp_path / "features")
    other = FeatureSet(features=loaded.features, labels=np.arange(N) % 2)
    with (
        EmbeddingExplorer(other, embedding=np.zeros((N, 2))) as explorer,
        pytest.raises(InvalidInputError, match=r'differs from the one in .*features="copy"'),
    ):
        explorer.save(tmp_path / "saved", features="reference")


def test_features_changed_since_saving_are_refused(tmp_path):
    make_record().save(tmp_path / "features")
    with make_explorer(FeatureSet.load(tmp_path / "features")) as explorer:
        explorer.save(tmp_path / "saved", features="reference")
    other = FeatureSet.load(tmp_path / "features")
    FeatureSet(features=np.array(other.features) + 1, labels=other.labels).save(
        tmp_path / "features", overwrite=True
    )
    with pytest.raises(StoreError, match="restore them"):
        EmbeddingExplorer.load(tmp_path / "saved")


def test_saved_exploration_is_replaced_only_on_request_and_other_folders_never(explorer, tmp_path):
    folder = explorer.save(tmp_path / "saved")
    explorer.clear()
    with pytest.raises(StoreError, match="exists; pass overwrite=True"):
        explorer.save(folder)
    explorer.save(folder, overwrite=True)
    with EmbeddingExplorer.load(folder) as loaded:
        assert loaded.selected.tolist() == []
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("mine")
    with pytest.raises(StoreError, match=r"holds thesis\.tex"):
        explorer.save(other, overwrite=True)
    with pytest.raises(StoreError, match="cannot write"):
        explorer.save(other / "thesis.tex", overwrite=True)
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]


def test_saving_waits_for_the_map(tmp_path):
    with EmbeddingExplorer(make_record()) as explorer:
        folder = explorer.save(tmp_path / "saved")
        with EmbeddingExplorer.load(folder) as loaded:
            assert loaded.embedding.tobytes() == explorer.embedding.tobytes()


def test_pictures_are_found_by_path_if_ids_are_not_rows(tmp_path):
    from PIL import Image

    paths = []
    for shade in range(5):
        paths.append(tmp_path / f"{shade}.png")
        Image.new("L", (4, 4), 40 * shade).save(paths[-1])
    record = FeatureSet.from_arrays(
        np.eye(4), ids=[0, 2, 3, 4], paths=[str(paths[id_]) for id_ in (0, 2, 3, 4)]
    )
    with EmbeddingExplorer(record, embedding=np.eye(4, 2)) as explorer:
        folder = explorer.save(tmp_path / "saved")
    with EmbeddingExplorer.load(folder) as loaded:
        copies = loaded.copy_images(tmp_path / "copies", "all", progress=False)
        files = pd.read_csv(copies / "manifest.csv", index_col="id")["file"]
        shades = [Image.open(copies / files[id_]).getpixel((0, 0)) for id_ in record.ids]
        assert shades == [0, 80, 120, 160]


def test_column_without_plain_data_is_refused_before_anything_is_written(tmp_path):
    record = make_record()
    for column in (np.array([{}] * N), np.array([3j] * N).astype(object)):
        with (
            EmbeddingExplorer(record, embedding=np.zeros((N, 2)), columns={"odd": column}) as odd,
            pytest.raises(InvalidInputError, match=r"column 'odd' holds .*plain data"),
        ):
            odd.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


# ---- faults ----


def test_save_that_fails_at_any_moment_keeps_the_old_exploration(explorer, tmp_path, monkeypatch):
    folder = explorer.save(tmp_path / "saved")
    before = explorer.selected.tolist()
    explorer.select([3])
    true, failures = os.fsync, 0
    for fail_at in range(1, 100):
        calls = []

        def failing(descriptor, calls=calls, fail_at=fail_at):
            calls.append(descriptor)
            if len(calls) == fail_at:
                raise OSError(28, "No space left on device")
            true(descriptor)

        monkeypatch.setattr(os, "fsync", failing)
        try:
            explorer.save(folder, overwrite=True)
        except StoreError:
            failures += 1
        monkeypatch.setattr(os, "fsync", true)
        with EmbeddingExplorer.load(folder) as loaded:
            if len(calls) < fail_at:  # no call failed
                assert loaded.selected.tolist() == explorer.selected.tolist()
                break
            assert loaded.selected.tolist() in (before, explorer.selected.tolist())
    assert failures > 8
    assert len(list(folder.iterdir())) == 2  # failed saves leave no files


def test_a_first_save_that_fails_leaves_nothing(explorer, tmp_path, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        explorer.save(tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def save_for_ever(explorer, folder, has_begun):
    has_begun.set()
    while True:
        explorer.select([len(explorer.selected) % 7])
        explorer.save(folder, overwrite=True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_killed_save_leaves_a_complete_exploration(explorer, tmp_path):
    folder = explorer.save(tmp_path / "saved")
    fork = multiprocessing.get_context("fork")
    for milliseconds in (0, 7, 23):
        has_begun = fork.Event()
        child = fork.Process(target=save_for_ever, args=(explorer, folder, has_begun), daemon=True)
        child.start()
        assert has_begun.wait(60)
        time.sleep(milliseconds / 1000)  # killed at varying places
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        with EmbeddingExplorer.load(folder) as loaded:
            assert loaded.embedding.tobytes() == explorer.embedding.tobytes()
            assert len(loaded.selections) == 3


@pytest.mark.parametrize("name", ["embedding.npy", "selections.npy", "column-3.json", "features"])
@pytest.mark.parametrize("harm", ["cut", "flip", "remove"])
def test_truncated_file_is_named(explorer, tmp_path, name, harm):
    folder = explorer.save(tmp_path / "saved")
    path = next(folder.rglob(name))
    path = path / "features.npy" if name == "features" else path
    data = bytearray(path.read_bytes())
    if harm == "remove":
        path.unlink()
    else:
        data[-1] ^= 1
        path.write_bytes(bytes(data[: -len(data) // 2] if harm == "cut" else data))
    with pytest.raises(StoreError):
        EmbeddingExplorer.load(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a saved exploration.*pass the folder of explorer.save"),
        ("", "explorer.json is not that of a saved exploration.*overwrite=True"),
        ("[]", "explorer.json is not that of a saved exploration.*overwrite=True"),
        ('{"format": 2}', "format 2, this version reads 1; upgrade tsne-widget"),
        ('{"format": 1, "data": "../../etc"}', "names files outside its folder"),
    ],
)
def test_a_foreign_folder_is_refused_with_the_remedy(tmp_path, content, message):
    if content is not None:
        (tmp_path / "explorer.json").write_text(content)
    with pytest.raises(StoreError, match=message):
        EmbeddingExplorer.load(tmp_path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    with make_explorer() as explorer:
        return explorer.save(tmp_path_factory.mktemp("fuzz") / "saved")


values = st.one_of(
    st.none(), st.integers(-3, 99), st.text(max_size=4), st.just([]), st.just({}), st.just("../x")
)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_edited_manifest_gives_a_package_error_or_a_consistent_state(saved, data):
    manifest = json.loads((saved / "explorer.json").read_text())
    target, key = manifest, data.draw(st.sampled_from(sorted(manifest)))
    while isinstance(target[key], (dict, list)) and target[key] and data.draw(st.booleans()):
        target = target[key]
        keys = sorted(target) if isinstance(target, dict) else range(len(target))
        key = data.draw(st.sampled_from(keys))
    target[key] = data.draw(values)
    other = saved.with_name("other")
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(saved, other)
    (other / "explorer.json").write_text(json.dumps(manifest))
    try:
        with EmbeddingExplorer.load(other) as loaded:
            assert loaded.state.visible_rows[loaded.selected].all()
    except TsneWidgetError:
        pass
