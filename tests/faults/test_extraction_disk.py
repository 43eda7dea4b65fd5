"""Full, read-only, damaged and shared disks: features are right, and a warning reports failures."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import resource
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import StoreError, extract
from tsne_widget.extraction.store import buffer
from tsne_widget.extraction.store import locks as locks_module
from tsne_widget.extraction.store import store as store_module
from tsne_widget.extraction.store.rows import Rows

MODEL = made(ResNet)
FIELDS = ("features", "labels", "logits", "ids")


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _small_and_fast(monkeypatch):
    monkeypatch.setattr(store_module, "SHARD_ROWS", 16)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # for speed


def run(folder=None, data=None, **options):
    data = Pictures(60) if data is None else data
    return extract(MODEL, data, store=folder, batch_size=4, progress=False, **options)


PLAIN = run()


def assert_plain(found):
    assert all((getattr(found, name) == getattr(PLAIN, name)).all() for name in FIELDS)


def files_in(folder):
    return sorted(path.name for path in folder.glob("*/*"))


class FailsAt:
    """A function whose n-th call raises."""

    def __init__(self, function, n, error):
        self.function, self.n, self.error, self.calls = function, n, error, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls == self.n:
            raise self.error
        return self.function(*args, **kwargs)


@pytest.mark.parametrize("call", ["replace", "fsync", "open"])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OSError("quota"), KeyboardInterrupt()],
)
@pytest.mark.filterwarnings("ignore:store .* cannot be written")
def test_features_are_right_and_resumable_after_any_failing_call(
    tmp_path, monkeypatch, call, error
):
    data = Pictures(24)
    plain = run(data=data)

    def assert_right(found):
        assert all((getattr(found, name) == getattr(plain, name)).all() for name in FIELDS)

    for n in range(1, 100):
        folder = tmp_path / str(n)
        failing = FailsAt(getattr(os, call), n, error)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing)
            try:
                assert_right(run(folder, data))
            except KeyboardInterrupt:
                assert isinstance(error, KeyboardInterrupt)
        if failing.calls < n:
            break
        assert not [name for name in files_in(folder) if "unfinished" in name]
        assert_right(run(folder, data))
        assert files_in(folder)[0] == "manifest.json"
    assert n > 4


def test_full_disk_warns_once_with_the_bytes_needed_and_free(tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "replace", FailsAt(os.replace, 3, full))
    with pytest.warns(
        UserWarning, match=r"No space left.* \([\d,]+ bytes needed, [\d,]+ free\)"
    ) as caught:
        assert_plain(run(tmp_path))
    assert len(caught) == 1
    assert "continues in memory" in str(caught[0].message)
    monkeypatch.undo()
    assert files_in(tmp_path) == ["manifest.json", "shard-0000000000.npy"]


def test_file_size_limit_does_not_affect_the_features(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, hard))
        with pytest.warns(UserWarning, match="File too large"):
            assert_plain(run(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_in(tmp_path) == []
    assert_plain(run(tmp_path))


def test_read_only_store_is_read_with_one_warning(tmp_path, monkeypatch):
    run(tmp_path, data=Pictures(60))
    (own,) = tmp_path.iterdir()
    (own / "shard-0000000032.npy").unlink()

    def refuse(path, flags, *args):
        raise OSError(errno.EROFS, "Read-only file system", os.fspath(path))

    monkeypatch.setattr(locks_module.os, "open", refuse)
    seen = []
    hook = MODEL.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    with pytest.warns(UserWarning, match="Read-only file system") as caught:
        assert_plain(run(tmp_path))
    hook.remove()
    assert len(caught) == 1
    assert sum(seen) == 4 + 16


def flat(folder):
    return extract(
        MODEL, Pictures(60), "conv1", pool="flatten", store=folder, batch_size=4, progress=False
    )


class Whole:
    """The files of a finished store whose shards are larger than a disk's block."""

    def __init__(self, folder):
        self.plain = flat(folder)
        self.files = {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*")}

    def spoilt(self, folder, name, content):
        for path, right in {**self.files, name: content}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content if path == name else right)
        return folder

    def assert_right(self, found):
        assert (found.features == self.plain.features).all()
        assert (found.labels == self.plain.labels).all()
        assert (found.logits == self.plain.logits).all()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "SHARD_ROWS", 16)
        return Whole(tmp_path_factory.mktemp("whole"))


def test_rows_of_a_truncated_file_are_computed_again(whole, tmp_path_factory):
    for name, content in whole.files.items():
        for length in range(0, len(content), 4096):
            folder = whole.spoilt(tmp_path_factory.mktemp("cut"), name, content[:length])
            whole.assert_right(flat(folder))
            whole.assert_right(flat(folder))
            assert (folder / name).stat().st_size == len(content)


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_any_changed_byte_is_detected(whole, tmp_path_factory, data):
    name = data.draw(st.sampled_from(sorted(whole.files)))
    content = bytearray(whole.files[name])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    whole.assert_right(flat(whole.spoilt(tmp_path_factory.mktemp("flip"), name, bytes(content))))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=30)
@given(manifest=json_values, shards=json_values, inside=st.booleans())
def test_hostile_manifest_does_not_affect_the_features(
    whole, tmp_path_factory, manifest, shards, inside
):
    name = next(path for path in whole.files if path.name == "manifest.json")
    if inside:
        manifest = {**json.loads(whole.files[name]), "shards": shards}
    content = json.dumps(manifest).encode()
    whole.assert_right(flat(whole.spoilt(tmp_path_factory.mktemp("hostile"), name, content)))


def test_shard_with_other_samples_than_its_manifest_is_detected(whole, tmp_path):
    name = next(path for path in whole.files if path.name == "manifest.json")
    manifest = json.loads(whole.files[name])
    for start, shard in manifest["shards"].items():
        shard["samples"] = 8 if start == "16" else 16
    whole.assert_right(flat(whole.spoilt(tmp_path, name, json.dumps(manifest).encode())))


def test_foreign_files_and_other_schemas_are_never_deleted(tmp_path):
    other = tmp_path / "0123456789abcdef"
    other.mkdir()
    (other / "manifest.json").write_text('{"schema": 99, "parts": {}, "shards": {}}')
    (tmp_path / "notes.txt").write_text("mine")
    run(tmp_path)
    (own,) = {path.parent for path in tmp_path.glob("*/shard*")}
    (own / "mine.npy").write_text("mine")
    run(tmp_path)
    assert (other / "manifest.json").exists()
    assert (tmp_path / "notes.txt").exists()
    assert (own / "mine.npy").exists()


def test_unfinished_files_are_removed_when_old_and_their_process_is_dead(tmp_path):
    run(tmp_path)
    (own,) = tmp_path.iterdir()
    ended = multiprocessing.get_context("fork").Process(target=str)
    ended.start()
    ended.join()
    dead, alive = ended.pid, os.getpid()
    names = {
        f".a.{dead}-00000000.unfinished": 1,
        f".b.{dead}-00000000.unfinished": time.time(),
        f".c.{alive}-00000000.unfinished": 1,
    }
    for name, when in names.items():
        (own / name).touch()
        os.utime(own / name, (when, when))
    run(tmp_path)
    assert [name for name in names if (own / name).exists()] == list(names)[1:]


def test_store_of_a_running_writer_is_read_without_waiting(tmp_path):
    run(tmp_path)
    (own,) = tmp_path.iterdir()
    (own / "shard-0000000032.npy").unlink()
    lock = locks_module.Lock(own / "lock")
    assert lock.acquire()
    with pytest.warns(UserWarning, match=f"process {os.getpid()} on .* is writing it"):
        assert_plain(run(tmp_path))
    assert not (own / "shard-0000000032.npy").exists()
    lock.release()
    assert_plain(run(tmp_path))
    assert (own / "shard-0000000032.npy").exists()


@pytest.mark.parametrize("abandoned", ["dead process", "silent machine", "no content"])
def test_abandoned_lock_is_broken(tmp_path, abandoned):
    run(tmp_path)
    (own,) = tmp_path.iterdir()
    (own / "shard-0000000032.npy").unlink()
    content = {"pid": 2**30, "host": os.uname().nodename, "token": "t"}
    if abandoned == "silent machine":
        content.update(pid=os.getpid(), host="elsewhere")
    (own / "lock").write_text("" if abandoned == "no content" else json.dumps(content))
    if abandoned != "dead process":
        os.utime(own / "lock", (1, 1))
    assert_plain(run(tmp_path))
    assert (own / "shard-0000000032.npy").exists()
    assert "lock" not in files_in(tmp_path)


def rows_at(start):
    ids = np.arange(start, start + 8)
    return Rows(ids, (np.full((8, 3), start, np.float32),), ids % 3, None)


def write_rounds(folder, rounds):
    """Open the store repeatedly, read its shards and write the missing ones."""
    import warnings

    warnings.simplefilter("ignore")
    for _ in range(rounds):
        with store_module.open_store(folder, {"weights": "w"}, 40) as store:
            for start in range(0, 40, 8):
                rows = store.read(start, range(40), "")
                if rows is None:
                    store.write(start, rows_at(start), "")
                else:
                    assert (rows.features[0] == start).all()


def test_many_processes_on_one_store_never_read_a_torn_shard(tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=write_rounds, args=(tmp_path, 20)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 8
    with store_module.open_store(tmp_path, {"weights": "w"}, 40) as store:
        assert store.status == "reused: all 40 samples are stored"
        for start in range(0, 40, 8):
            assert (store.read(start, range(40), "").features[0] == start).all()
    assert "lock" not in files_in(tmp_path)


def test_a_writer_whose_lock_was_taken_stops_writing(tmp_path):
    with store_module.open_store(tmp_path, {"weights": "w"}, 40) as store:
        store.write(0, rows_at(0), "")
        (store.folder / "lock").write_text('{"token": "another"}')
        with pytest.warns(UserWarning, match="another process took over"):
            store.write(8, rows_at(8), "")
        assert not store.is_writable
    assert files_in(tmp_path) == ["lock", "manifest.json", "shard-0000000000.npy"]


def test_features_too_large_for_memory_are_a_map_of_the_same_values(tmp_path, monkeypatch):
    monkeypatch.setattr(buffer, "SHARE_OF_MEMORY", 1e-12)
    for found in (run(), run(tmp_path), run(tmp_path)):
        assert isinstance(found.features.base, np.memmap) or isinstance(found.features, np.memmap)
        assert_plain(found)
    assert [name for name in files_in(tmp_path) if "tsne-widget" in name] == []


def test_stream_too_large_for_memory_moves_to_a_map(monkeypatch):
    from torch.utils.data import IterableDataset

    class Arriving(IterableDataset):
        def __iter__(self):
            return iter([Pictures(60)[i] for i in range(60)])

    limit = 30 * PLAIN.features.shape[1] * 4
    monkeypatch.setattr(buffer, "SHARE_OF_MEMORY", limit / buffer.memory_bytes())
    assert_plain(run(data=Arriving()))


def test_disk_too_small_for_the_map_is_an_error_before_the_run(monkeypatch):
    monkeypatch.setattr(buffer, "SHARE_OF_MEMORY", 1e-12)
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(buffer.shutil, "disk_usage", lambda place: usage)
    with pytest.raises(StoreError, match=r"need 1,440 bytes.*only 10 bytes free; set TMPDIR"):
        run()
