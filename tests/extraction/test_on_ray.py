"""Rows computed on a Ray cluster equal those of a local run, also after worker deaths."""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset

from tests.extraction.nets import CLASSES, Pictures, ResNet, made
from tsne_widget import ExtractionError, InvalidInputError, LayerNotFoundError, extract
from tsne_widget.extraction.data.seen import SPREAD_SAMPLES
from tsne_widget.extraction.store import store as store_module

ray = pytest.importorskip("ray", reason="ray is not installed")
pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # in ray itself
]

ROOT = Path(__file__).resolve().parents[2]
N, HALF = 60, 32
PATIENCE = 90  # seconds


class Deadly(Pictures):
    """At one sample, the first process of each kind that reads it is killed."""

    def __init__(self, folder, at=40):
        super().__init__(N)
        self.folder, self.at, self.driver = folder, at, os.getpid()

    def __getitem__(self, index):
        mark = self.folder / "died"
        if index == self.at and os.getpid() != self.driver and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


class Torn(Pictures):
    """Some samples cannot be read."""

    def __getitem__(self, index):
        if index in (17, 41):
            raise OSError(f"no picture {index}")
        return super().__getitem__(index)


class Noted(Pictures):
    """Each process that reads a sample creates a file with its name."""

    def __init__(self, folder):
        super().__init__(N)
        self.folder = folder

    def __getitem__(self, index):
        (self.folder / f"{index}-{os.getpid()}").touch()
        return super().__getitem__(index)


class Waiting(Noted):
    """Processes that read the second half wait for a signal."""

    def __getitem__(self, index):
        if index >= HALF:
            wait_until((self.folder / "go").exists)
        return super().__getitem__(index)


def wait_until(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(store_module, "SHARD_ROWS", 16)


def run(data, model=None, **options):
    model = made(ResNet) if model is None else model
    return extract(model, data, **{"batch_size": 4, "progress": False, **options})


def on_ray(data, model=None, **options):
    return run(data, model, executor="ray", **options)


def assert_same(found, expected):
    for name in ("features", "labels", "logits", "ids", "predictions"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert found.skipped == expected.skipped
    assert found.layer == expected.layer
    assert found.class_names == expected.class_names


def shards_of(folder):
    (manifest,) = folder.glob("*/manifest.json")
    return json.loads(manifest.read_bytes())["shards"]


def stored_in(folder):
    """Positions of the samples in a store, which may not exist yet."""
    shards = shards_of(folder) if any(folder.glob("*/manifest.json")) else {}
    return {int(start) + i for start, shard in shards.items() for i in range(shard["samples"])}


def assert_read_again(ids, missing):
    """The first batch and a few other samples are compared; the rest are missing rows."""
    expected = {0, 1, 2, 3} | missing
    assert expected <= ids
    assert len(ids - expected) <= SPREAD_SAMPLES


def test_rows_equal_a_local_run_which_can_reuse_the_store(cluster, tmp_path):
    model = made(ResNet)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen = []
    found = on_ray(Pictures(N), model, store=tmp_path, progress=lambda *done: seen.append(done))
    assert_same(found, run(Pictures(N)))
    assert seen[-1] == (N, N)
    assert sum(shard["samples"] for shard in shards_of(tmp_path).values()) == N
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.training
    passes = []
    model.register_forward_pre_hook(lambda *_: passes.append(1))
    assert_same(run(Pictures(N), model, store=tmp_path), found)
    assert len(passes) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_worker_is_replaced_and_the_rows_are_the_same(cluster, tmp_path):
    data = Deadly(tmp_path)
    found = on_ray(data, store=tmp_path / "store")
    assert (tmp_path / "died").exists()
    assert_same(found, run(Pictures(N)))


def test_ray_run_resumes_a_local_run_without_repeating_its_shards(cluster, tmp_path):
    stopped = made(ResNet)
    stopped.register_forward_pre_hook(_stopping_after(9))
    with pytest.raises(KeyboardInterrupt):
        run(Noted(tmp_path), stopped, store=tmp_path / "store", dataset_key="noted")
    assert 0 < len(shards_of(tmp_path / "store")) < 4
    for read in tmp_path.glob("*-*"):
        read.unlink()
    found = on_ray(Noted(tmp_path), store=tmp_path / "store", dataset_key="noted", actors=1)
    assert_same(found, run(Pictures(N)))
    again = {int(path.name.split("-")[0]) for path in tmp_path.glob("*-*")}
    assert_read_again(again, set(range(36, N)))


DRIVER = """
import sys
from pathlib import Path
import torch
from tests.extraction.test_on_ray import Waiting, on_ray, store_module

torch.set_num_threads(1)
store_module.SHARD_ROWS = 16
folder = Path(sys.argv[1])
on_ray(Waiting(folder), store=folder / "store", dataset_key="waiting", actors=2)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("clusters", ["its own", "one that outlives it"])
def test_run_resumes_after_the_driver_is_killed(cluster, tmp_path, clusters):
    store = tmp_path / "store"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("RAY_ADDRESS", None)
    if clusters != "its own":
        environment["RAY_ADDRESS"] = ray.get_runtime_context().gcs_address
    killed_once(lambda: len(stored_in(store)) >= 16, [DRIVER, str(tmp_path)], environment, tmp_path)
    kept = stored_in(store)
    assert 16 <= len(kept) <= HALF
    written = {path: path.stat().st_mtime_ns for path in store.glob("*/shard-*")}
    for read in tmp_path.glob("*-*"):
        read.unlink()
    (tmp_path / "go").touch()
    found = on_ray(Waiting(tmp_path), store=store, dataset_key="waiting")
    assert_same(found, run(Pictures(N)))
    again = {int(path.name.split("-")[0]) for path in tmp_path.glob("*-*")}
    assert_read_again(again, set(range(N)) - kept)
    assert not [
        path
        for path, then in written.items()
        if int(path.stem.split("-")[1]) in kept and path.stat().st_mtime_ns != then
    ]


def killed_once(condition, arguments, environment, folder):
    """Run Python, kill it when a condition is true, and end its child processes and cluster."""
    command = [sys.executable, "-c", *arguments]
    with (folder / "output").open("wb") as output:
        driver = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: driver.poll() is not None or condition())
    finally:
        started = psutil.Process(driver.pid).children(recursive=True)
        driver.kill()
        driver.wait()
        _, left = psutil.wait_procs(started, timeout=10)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _, left = psutil.wait_procs(left, timeout=PATIENCE)
    assert driver.returncode == -signal.SIGKILL, (folder / "output").read_text()
    assert not left


def _stopping_after(batches):
    seen = []

    def stop(*_):
        seen.append(1)
        if len(seen) > batches:
            raise KeyboardInterrupt

    return stop


def test_without_a_store_actors_return_their_rows_and_bad_samples_are_listed(cluster):
    found = on_ray(Torn(N), on_error="skip", actors=1)
    assert_same(found, run(Torn(N), on_error="skip"))
    assert [entry.id for entry in found.skipped] == [17, 41]


def test_unreadable_sample_gives_the_error_of_a_local_run(cluster, tmp_path):
    with pytest.raises(ExtractionError) as local:
        run(Torn(N))
    with pytest.raises(ExtractionError) as there:
        on_ray(Torn(N), store=tmp_path, actors=1)
    assert str(there.value) == str(local.value)
    assert 0 in {int(start) for start in shards_of(tmp_path)}  # earlier rows are stored


class Always(Deadly):
    """Every process that reads the sample dies."""

    def __getitem__(self, index):
        if index == self.at and os.getpid() != self.driver:
            os.kill(os.getpid(), signal.SIGKILL)
        return Pictures.__getitem__(self, index)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_sample_that_kills_every_worker_is_an_error(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("tsne_widget.extraction.executors.ray_pool.RETRIES", 1)
    with pytest.raises(ExtractionError, match=r"the Ray job failed: .* is repeated 1 times"):
        on_ray(Always(tmp_path), actors=1)


def png(tensor):
    """A picture (3, 8, 8) as the bytes of a PNG."""
    file = io.BytesIO()
    pixels = ((tensor.clamp(-2, 2) + 2) / 4 * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def decoded(content):
    pixels = np.asarray(Image.open(io.BytesIO(content)), np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) / 255


class Encoded(Dataset):
    def __init__(self):
        self.contents = [png(picture) for picture, _ in Pictures(N)]

    def __len__(self):
        return N

    def __getitem__(self, index):
        return torch.from_numpy(decoded(self.contents[index])), index % CLASSES


def test_parquet_of_paths_and_bytes_of_pictures_gives_the_rows_of_a_local_run(cluster, tmp_path):
    paths = [str(tmp_path / f"{index}.png") for index in range(N)]
    table = [
        {"path": path, "label": index % CLASSES, "bytes": content}
        for index, (path, content) in enumerate(zip(paths, Encoded().contents, strict=True))
    ]
    for row in table[::2]:  # half of the pictures are files; the table has only their paths
        Path(row["path"]).write_bytes(row["bytes"])
        row["bytes"] = None
    folder = tmp_path / "table"
    folder.mkdir()
    for part in range(3):
        parquet.write_table(pyarrow.Table.from_pylist(table[part::3]), folder / f"{part}.parquet")

    def prepared(row):
        content = row["bytes"] or Path(row["path"]).read_bytes()
        return {"image": decoded(content), "label": row["label"], "path": row["path"]}

    found = run(ray.data.read_parquet(str(folder)).map(prepared))
    order = [paths.index(path) for path in found.paths]
    assert sorted(order) == list(range(N))
    expected = run(torch.utils.data.Subset(Encoded(), order))
    assert np.array_equal(found.labels, np.asarray(order) % CLASSES)
    for name in ("features", "logits", "predictions"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert np.array_equal(found.ids, np.arange(N))


def test_a_folder_of_pictures_as_a_ray_dataset(cluster, tmp_path):
    for index, content in enumerate(Encoded().contents[:10]):
        (tmp_path / f"{index}.png").write_bytes(content)

    def prepared(row):
        image = row["image"].astype(np.float32).transpose(2, 0, 1) / 255
        return {"image": np.ascontiguousarray(image), "path": row["path"]}

    data = ray.data.read_images(str(tmp_path), include_paths=True).map(prepared)
    found = run(data)
    order = [int(path.rpartition("/")[2].removesuffix(".png")) for path in found.paths]
    assert sorted(order) == list(range(10))
    expected = run(torch.utils.data.Subset(Encoded(), order))
    assert np.array_equal(found.features, expected.features)
    assert found.labels is None
    with pytest.raises(InvalidInputError, match=r"Ray datasets cannot be resumed"):
        run(data, store=tmp_path / "store")


def test_invalid_arguments_are_refused_before_a_cluster_starts(monkeypatch):
    monkeypatch.setattr("tsne_widget.extraction.executors.ray_pool.ray_session", None)
    with pytest.raises(LayerNotFoundError, match="nearest: 'layer1'"):
        on_ray(Pictures(N), layer="layer9")
    with pytest.raises(ExtractionError, match=r"call=4 of layer='fc' did not happen"):
        on_ray(Pictures(N), model=made(ResNet), layer="fc", call=4)
    with pytest.raises(InvalidInputError, match=r"executor='rya' must be .* did you mean 'ray'"):
        run(Pictures(N), executor="rya")
    with pytest.raises(InvalidInputError, match="actors=0 must be"):
        on_ray(Pictures(N), actors=0)
    with pytest.raises(InvalidInputError, match="num_gpus=-1 must be"):
        on_ray(Pictures(N), num_gpus=-1)

    class Endless(IterableDataset):
        def __iter__(self):
            yield from Pictures(N)

    with pytest.raises(InvalidInputError, match="an index, but data is an iterable dataset"):
        on_ray(Endless())


def test_complete_store_starts_no_cluster(tmp_path, monkeypatch):
    monkeypatch.setattr("tsne_widget.extraction.executors.ray_pool.ray_session", None)
    expected = run(Pictures(N), store=tmp_path)
    assert_same(on_ray(Pictures(N), store=tmp_path), expected)


def test_cluster_without_room_for_an_actor_is_an_error(cluster):
    with pytest.raises(InvalidInputError, match="num_gpus=1, but no machine of the cluster"):
        on_ray(Pictures(N), num_gpus=1)


MODULE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(192, 3)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""


@pytest.fixture
def net_of_the_driver(tmp_path, monkeypatch):
    """A model whose module is only on this process's path."""
    (tmp_path / "only_of_the_driver.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("only_of_the_driver").Net()
    del sys.modules["only_of_the_driver"]


def test_workers_find_modules_where_the_driver_does(cluster, net_of_the_driver):
    assert_same(
        on_ray(Pictures(N), net_of_the_driver, actors=1), run(Pictures(N), net_of_the_driver)
    )


def test_on_another_machine_the_error_names_the_missing_module(
    cluster, net_of_the_driver, monkeypatch
):
    monkeypatch.setattr("platform.node", lambda: "another")
    with pytest.raises(
        ExtractionError,
        match=r'import only_of_the_driver, .* ray\.init\(runtime_env=\{"py_modules": \[only_of',
    ):
        on_ray(Pictures(N), net_of_the_driver, actors=1)


def test_data_that_cannot_be_pickled_is_an_error(cluster):
    class Locked(Pictures):
        def __init__(self):
            super().__init__(N)
            self.lock = threading.Lock()

    with pytest.raises(InvalidInputError, match=r"sent to Ray's workers: cannot pickle '_thread"):
        on_ray(Locked())


def test_without_ray_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match=r'pip install "tsne-widget\[ray\]"'):
        on_ray(Pictures(N))
