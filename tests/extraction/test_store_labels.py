"""Stored features are reused when a label is corrected, and the labels are those of the dataset."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset

from tests.extraction.nets import CLASSES, Pictures, ResNet, made
from tsne_widget import ExtractionError, extract
from tsne_widget.extraction.store import store as store_module

N, AT = 40, 23
NAMES = ["cat", "dog", "eel"]
X = Pictures(N).x
CODES = [int(code) for code in np.random.default_rng(0).integers(0, CLASSES, N)]
OTHER = (CODES[AT] + 1) % CLASSES


@pytest.fixture(autouse=True)
def _small_and_fast(monkeypatch):
    monkeypatch.setattr(store_module, "SHARD_ROWS", 16)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # for speed: the power does not fail


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


class Counted:
    """A model that counts the samples it sees."""

    def __init__(self, kind=ResNet):
        self.model, self.seen = made(kind), 0
        self.model.register_forward_pre_hook(self._count)

    def _count(self, _module, args):
        self.seen += len(args[0])

    def run(self, data, folder=None, **options):
        self.seen = 0
        return extract(self.model, data, store=folder, batch_size=4, progress=False, **options)


class Kept(Dataset):
    """Pictures in memory, with labels in an attribute of any name."""

    def __init__(self, **attributes):
        self.x = X.clone()
        self.reads = 0
        self.__dict__.update(attributes)

    def __len__(self):
        return N

    def __getitem__(self, index):
        self.reads += 1
        return self.x[index], self.label(index)

    def label(self, index):
        return self.y[index]


class Targets(Kept):
    def label(self, index):
        return self.targets[index]


class Named(Kept):
    def label(self, index):
        return self.names.index(self.words[index])


class Transformed(Kept):
    def label(self, index):
        return self.target_transform(self.y[index])


class Framed(Kept):
    def label(self, index):
        return self.df.iloc[index]["label"]


class FramedByName(Kept):
    def label(self, index):
        return NAMES.index(self.df["animal"].iloc[index])


class Series(Kept):
    def label(self, index):
        return int(self.annotations.iloc[index])


class Objects(Kept):
    def label(self, index):
        return self.entries[index].code


class Entry:
    def __init__(self, number, code):
        self.number, self.code = number, code


class ByKey(Kept):
    def label(self, index):
        return self.lookup[f"sample {index}"]


class Arrow(Kept):
    """Like a dataset of Hugging Face: an Arrow table, which is exchanged as a whole."""

    def label(self, index):
        return self.table["label"][index].as_py()


class Records(Kept):
    def label(self, index):
        return self.records[index]["label"]


class Dictionaries(Kept):
    def __getitem__(self, index):
        return {"image": self.x[index], "label": self.table["codes"][index]}


class Fixed(Kept):
    """Corrections in a dictionary beside the labels."""

    def label(self, index):
        return self.fixes.get(index, self.y[index])


class Flat(Kept):
    """The labels of all splits, and which of them belong to this one."""

    def label(self, index):
        return int(self.everything[self.rows[index]])


class Folder(Dataset):
    """Like torchvision's ImageFolder."""

    def __init__(self, root, target_transform=None):
        self.classes = NAMES
        self.reads = 0
        self.samples = []
        for index, code in enumerate(CODES):
            path = root / NAMES[code] / f"{index}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                np.save(path, X[index].numpy())
            self.samples.append((str(path), code))
        self.imgs = self.samples
        self.targets = [code for _, code in self.samples]
        self.target_transform = target_transform

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        self.reads += 1
        path, code = self.samples[index]
        if self.target_transform:
            code = self.target_transform(code)
        return torch.from_numpy(np.load(path, allow_pickle=False)), code

    def correct(self, index, code):
        self.samples[index] = (self.samples[index][0], code)
        self.targets[index] = code


class Csv(Kept):
    def __init__(self, path):
        with path.open() as lines:
            super().__init__(rows=list(csv.DictReader(lines)))

    def label(self, index):
        return int(self.rows[index]["code"])


class Wrapper(Dataset):
    """Another author's wrapper, with its own order."""

    def __init__(self, inner):
        self.base = inner

    def __len__(self):
        return len(self.base)

    def __getitem__(self, index):
        return self.base[len(self.base) - 1 - index]


def put(holder, index=AT, value=OTHER):
    holder[index] = value


def frame(**columns):
    return pd.DataFrame({"patient": [f"p{i}" for i in range(N)], **columns})


def words():
    return [NAMES[code] for code in CODES]


def write_csv(path, codes):
    path.write_text("code\n" + "\n".join(map(str, codes)))
    return path


def corrected(codes=CODES):
    return [OTHER if index == AT else code for index, code in enumerate(codes)]


FORMS = {
    "(x, y) tensors": lambda _: _pair(torch.tensor(CODES)),
    "(x, y) arrays": lambda _: _pair(np.array(CODES)),
    "(x, y) list": lambda _: _pair(list(CODES)),
    "(x, one-hot)": lambda _: _pair(torch.eye(CLASSES)[CODES], torch.eye(CLASSES)[OTHER]),
    "list of (x, y)": lambda _: _list(),
    "TensorDataset": lambda _: _tensors(),
    "self.y list": lambda _: _kept(Kept, y=list(CODES)),
    "self.y array": lambda _: _kept(Kept, y=np.array(CODES)),
    "self.y tensors": lambda _: _kept(Kept, y=[torch.tensor(code) for code in CODES]),
    "self.targets": lambda _: _kept(Targets, targets=list(CODES)),
    "names": lambda _: _kept(Named, value=NAMES[OTHER], words=words(), names=NAMES),
    "parity": lambda _: _kept(
        Transformed, y=list(CODES), target_transform=lambda code: int(code == 1)
    ),
    "target_transform": lambda _: _kept(
        Transformed, y=list(CODES), target_transform=lambda code: 2 - code
    ),
    "frame of codes": lambda _: _frame(Framed, "label", OTHER, label=CODES),
    "frame of names": lambda _: _frame(FramedByName, "animal", NAMES[OTHER], animal=words()),
    "categories": lambda _: _frame(
        FramedByName, "animal", NAMES[OTHER], animal=pd.Categorical(words())
    ),
    "series": lambda _: _kept(Series, annotations=pd.Series(CODES, index=range(100, 100 + N))),
    "dictionary": lambda _: _by_key(),
    "arrow table": lambda _: _arrow(),
    "records": lambda _: _records(),
    "objects": lambda _: _objects(),
    "samples of dictionaries": lambda _: _dictionaries(),
    "fixes beside the labels": lambda _: _fixed(),
    "labels of all splits": lambda _: _flat(),
    "samples": lambda root: _folder(root, Folder(root)),
    "samples, target_transform": lambda root: _folder(root, Folder(root, lambda code: 2 - code)),
    "csv": lambda root: _csv(root / "labels.csv"),
    "csv of files": lambda root: _csv_of_files(root),
    "Subset": lambda _: _nested(lambda kept: Subset(kept, range(3, N))),
    "ConcatDataset": lambda _: _nested(
        lambda kept: ConcatDataset([Kept(y=list(CODES)), Subset(kept, range(3, N))])
    ),
    "wrapper": lambda _: _nested(Wrapper),
    "loader": lambda _: _nested(lambda kept: DataLoader(kept, batch_size=4, shuffle=True)),
}


def _pair(y, value=OTHER):
    return (X.clone(), y), lambda: put(
        y, AT, torch.as_tensor(value) if torch.is_tensor(y) else value
    )


def _list():
    data = [(X[i], CODES[i]) for i in range(N)]
    return data, lambda: put(data, AT, (X[AT], OTHER))


def _tensors():
    data = TensorDataset(X.clone(), torch.tensor(CODES))
    return data, lambda: put(data.tensors[1])


def _kept(kind, value=OTHER, **attributes):
    data = kind(**attributes)
    labels = next(iter(attributes.values()))

    def correct():
        if isinstance(labels, pd.Series):
            labels.iloc[AT] = value
        else:
            put(labels, AT, value)

    return data, correct


def _frame(kind, column, value, **columns):
    data = kind(df=frame(**columns))

    def correct():
        data.df.loc[AT, column] = value

    return data, correct


def _by_key():
    data = ByKey(lookup={f"sample {i}": code for i, code in enumerate(CODES)})
    return data, lambda: put(data.lookup, f"sample {AT}")


def _records():
    data = Records(records=[{"number": i, "label": code} for i, code in enumerate(CODES)])
    return data, lambda: put(data.records[AT], "label")


def _arrow():
    pyarrow = pytest.importorskip("pyarrow")
    data = Arrow(table=pyarrow.table({"label": CODES, "number": range(N)}))

    def correct():
        data.table = pyarrow.table({"label": corrected(), "number": range(N)})

    return data, correct


def _objects():
    data = Objects(entries=[Entry(i, code) for i, code in enumerate(CODES)])
    return data, lambda: setattr(data.entries[AT], "code", OTHER)


def _dictionaries():
    data = Dictionaries(table={"codes": np.array(CODES), "number": np.arange(N)})
    return data, lambda: put(data.table["codes"])


def _fixed():
    data = Fixed(y=list(CODES), fixes={3: 0})
    return data, lambda: put(data.fixes)


def _flat():
    rows = [2 * index for index in range(N)]
    data = Flat(everything=np.repeat(CODES, 2), rows=rows)
    return data, lambda: put(data.everything, 2 * AT)


def _folder(root, data):
    return data, lambda: data.correct(AT, OTHER)


class _Reloaded:
    """A dataset that is made anew before each run."""

    def __init__(self, make):
        self.make = make


def _csv(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, CODES)
    return _Reloaded(lambda: Csv(path)), lambda: write_csv(path, corrected())


class CsvOfFiles(Dataset):
    def __init__(self, path, root):
        self.frame, self.root = pd.read_csv(path), root

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, index):
        name, code = self.frame.iloc[index][["file", "code"]]
        return torch.from_numpy(np.load(self.root / name, allow_pickle=False)), int(code)


def _csv_of_files(root):
    root.mkdir(parents=True, exist_ok=True)
    for index in range(N):
        np.save(root / f"{index}.npy", X[index].numpy())
    files = [f"{index}.npy" for index in range(N)]
    path = root / "labels.csv"

    def write(codes):
        pd.DataFrame({"file": files, "code": codes}).to_csv(path)

    write(CODES)
    return _Reloaded(lambda: CsvOfFiles(path, root)), lambda: write(corrected())


def _nested(wrap):
    kept = Kept(y=list(CODES))
    return wrap(kept), lambda: put(kept.y)


@pytest.mark.parametrize("form", FORMS)
def test_a_corrected_label_is_the_new_one_and_its_features_are_reused(folder, tmp_path, form):
    data, correct = FORMS[form](tmp_path / "data")

    def dataset():
        return data.make() if isinstance(data, _Reloaded) else data

    counted = Counted()
    before = counted.run(dataset(), folder)
    correct()
    after = counted.run(dataset(), folder)
    assert counted.seen == 4
    expected = counted.run(dataset())
    np.testing.assert_array_equal(after.labels, expected.labels)
    assert np.count_nonzero(after.labels != before.labels) == 1
    assert (after.features == before.features).all()


@pytest.mark.parametrize(
    "form", ["self.y list", "names", "frame of codes", "target_transform", "samples"]
)
def test_only_the_samples_of_corrected_labels_are_read_again(folder, tmp_path, form):
    data, correct = FORMS[form](tmp_path)
    Counted().run(data, folder)
    correct()
    data.reads = 0
    Counted().run(data, folder)
    first, corrected_ones, tried = 4, 1, 24
    assert data.reads <= first + corrected_ones + tried < N


def test_a_resumed_run_has_the_labels_of_now_in_its_stored_part(folder):
    data = Kept(y=list(CODES))
    counted = Counted()

    def stop(_module, _args):
        if counted.seen > 32:
            raise KeyboardInterrupt

    hook = counted.model.register_forward_pre_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        counted.run(data, folder)
    hook.remove()
    put(data.y)
    found = counted.run(data, folder)
    assert counted.seen == N - 32 + 4
    assert found.labels.tolist() == corrected()


def test_labels_corrected_twice_and_back_are_those_of_now(folder):
    data, counted = Kept(y=list(CODES)), Counted()
    counted.run(data, folder)
    for code in (OTHER, (OTHER + 1) % CLASSES, CODES[AT], OTHER):
        data.y[AT] = code
        assert counted.run(data, folder).labels[AT] == code
        assert counted.seen == 4


def test_other_code_of_the_same_class_gives_other_labels(folder):
    class Mirrored(Kept):
        def label(self, index):
            return 2 - self.y[index]

    Mirrored.__qualname__, Mirrored.__module__ = Kept.__qualname__, Kept.__module__
    counted = Counted()
    before = counted.run(Kept(y=list(CODES)), folder)
    after = counted.run(Mirrored(y=list(CODES)), folder)
    assert counted.seen == 4
    assert (after.labels == 2 - before.labels).all()


def test_another_target_transform_gives_other_labels(folder):
    counted = Counted()
    counted.run(Transformed(y=list(CODES), target_transform=lambda code: code), folder)
    after = counted.run(Transformed(y=list(CODES), target_transform=lambda code: 2 - code), folder)
    assert counted.seen == 4
    assert after.labels.tolist() == [2 - code for code in CODES]


def test_another_order_of_class_names_gives_other_codes(folder):
    counted = Counted()
    counted.run((X, words()), folder, class_names=NAMES)
    after = counted.run((X, words()), folder, class_names=NAMES[::-1])
    assert counted.seen == 4
    assert after.labels.tolist() == [2 - code for code in CODES]


LABELS_ELSEWHERE = {}


def test_labels_in_a_global_variable_are_read_each_time(folder):
    class Elsewhere(Kept):
        def label(self, index):
            return LABELS_ELSEWHERE["codes"][index]

    LABELS_ELSEWHERE["codes"] = list(CODES)
    counted = Counted()
    counted.run(Elsewhere(), folder)
    LABELS_ELSEWHERE["codes"][AT] = OTHER
    assert counted.run(Elsewhere(), folder).labels.tolist() == corrected()
    assert counted.seen == 4


def test_labels_in_a_file_for_each_sample_are_read_each_time(folder, tmp_path):
    class Sidecar(Kept):
        def label(self, index):
            return int((tmp_path / f"{index}.txt").read_text())

    for index, code in enumerate(CODES):
        (tmp_path / f"{index}.txt").write_text(str(code))
    counted = Counted()
    counted.run(Sidecar(), folder)
    (tmp_path / f"{AT}.txt").write_text(str(OTHER))
    assert counted.run(Sidecar(), folder).labels.tolist() == corrected()
    assert counted.seen == 4


def test_a_label_that_the_dataset_has_no_longer_is_unknown(folder):
    data, counted = Kept(y=list(CODES)), Counted()
    counted.run(data, folder)
    data.y[AT] = None
    assert counted.run(data, folder).labels[AT] == -1
    data.y[AT] = OTHER
    assert counted.run(data, folder).labels[AT] == OTHER


def test_labels_that_are_added_later_are_found(folder):
    class Optional(Kept):
        def __getitem__(self, index):
            return self.x[index] if self.y is None else (self.x[index], self.y[index])

    counted = Counted()
    assert counted.run(Optional(y=None), folder).labels is None
    assert counted.run(Optional(y=list(CODES)), folder).labels.tolist() == CODES
    assert counted.seen == 4
    assert counted.run(Optional(y=None), folder).labels is None
    assert counted.seen == 4


def test_the_features_are_computed_anew_where_labels_make_the_pictures(folder):
    class Drawn(Kept):
        def __getitem__(self, index):
            return self.x[index] + self.y[index], self.y[index]

    data, counted = Drawn(y=list(CODES)), Counted()
    before = counted.run(data, folder)
    data.y[AT] = OTHER
    after = counted.run(data, folder)
    assert after.labels[AT] == OTHER
    assert (after.features[AT] != before.features[AT]).any()


@pytest.mark.parametrize("kind", ["order", "angle"])
def test_whole_numbers_that_choose_the_picture_are_part_of_the_key(folder, kind):
    class Chosen(Kept):
        def __getitem__(self, index):
            if kind == "order":
                return self.x[self.chosen[index]], self.y[index]
            return torch.rot90(self.x[index], self.chosen[index], (1, 2)), self.y[index]

    chosen = list(range(N)) if kind == "order" else [code % 4 for code in range(N)]
    data, counted = Chosen(y=list(CODES), chosen=chosen), Counted()
    counted.run(data, folder, layer="conv1", pool="flatten")
    data.chosen[AT], data.chosen[AT + 1] = data.chosen[AT + 1], data.chosen[AT]
    after = counted.run(data, folder, layer="conv1", pool="flatten")
    assert (after.features == counted.run(data, layer="conv1", pool="flatten").features).all()


def test_a_corrected_label_outside_the_classes_is_an_error(folder):
    data, counted = Kept(y=list(CODES)), Counted()
    counted.run(data, folder)
    data.y[AT] = 9
    with pytest.raises(ValueError, match=f"label 9 of sample {AT} must be"):
        counted.run(data, folder)


class SometimesTorn(Kept):
    """Labels without a column, so that each run reads every sample; some cannot be read."""

    def __getitem__(self, index):
        if index == self.torn:
            raise OSError("truncated")
        return self.x[index], index % CLASSES


def test_a_stored_sample_that_cannot_be_read_any_more_is_an_error_or_skipped(folder):
    data, counted = SometimesTorn(torn=None), Counted()
    counted.run(data, folder)
    counted.run(data, folder, on_error="skip")
    data.torn = AT
    with pytest.raises(ExtractionError, match=rf"dataset\[{AT}\] raised OSError: truncated"):
        counted.run(data, folder)
    found = counted.run(data, folder, on_error="skip")
    assert [entry.id for entry in found.skipped] == [AT]
    assert AT not in found.ids


def test_the_user_s_dataset_is_unchanged_by_a_run_with_a_store(folder, tmp_path):
    data = Folder(tmp_path / "data")
    before = [*data.samples], [*data.targets]
    samples = data.samples
    Counted().run(data, folder)
    assert data.samples is samples
    assert data.imgs is samples
    assert ([*data.samples], [*data.targets]) == before


def test_a_dataset_that_keeps_what_it_read_is_reused(folder):
    class Remembering(Kept):
        def __getitem__(self, index):
            if self.memory[index] is None:
                self.memory[index] = self.x[index] + 1
            self.log.append(index)
            return self.memory[index], self.y[index]

    data, counted = Remembering(y=list(CODES), memory=[None] * N, log=[]), Counted()
    counted.run(data, folder)
    for _ in range(2):
        put(data.y)
        found = counted.run(data, folder)
        assert counted.seen == 4
        assert found.labels.tolist() == corrected()


def test_a_dataset_that_closes_its_file_at_its_end_is_not_copied(folder):
    class Closing(Kept):
        def __del__(self):
            closed.append(self)

    closed = []
    data, counted = Closing(y=list(CODES)), Counted()
    counted.run(data, folder)
    put(data.y)
    assert counted.run(data, folder).labels.tolist() == corrected()
    assert closed == []


def test_labels_are_read_again_also_with_a_key_of_the_caller(folder):
    data, counted = Kept(y=list(CODES)), Counted()
    counted.run(data, folder, dataset_key="v1")
    put(data.y)
    assert counted.run(data, folder, dataset_key="v1").labels.tolist() == corrected()
    assert counted.seen == 4


def test_a_store_of_an_earlier_schema_is_ignored(folder, caplog):
    counted = Counted()
    counted.run((X, CODES), folder)
    (manifest,) = folder.glob("*/manifest.json")
    manifest.write_text(manifest.read_text().replace('"schema": 2', '"schema": 1'))
    counted.run((X, CODES), folder)
    assert counted.seen == N
    assert "has schema 1 and is ignored" in caplog.text


@pytest.mark.parametrize("workers", [0, 1])
def test_labels_of_stored_rows_are_read_by_the_workers_too(folder, workers):
    counted = Counted()
    data = DataLoader(SometimesTorn(torn=None), batch_size=4, num_workers=workers)
    first = counted.run(data, folder)
    second = counted.run(data, folder)
    assert counted.seen == 4
    assert (first.labels == second.labels).all()


@pytest.mark.parametrize("order", ["reversed", "two exchanged"])
def test_labels_in_another_order_than_the_samples_are_those_of_now(folder, order):
    class Ordered(Kept):
        def label(self, index):
            return self.y[self.order[index]]

    places = list(range(N))
    if order == "reversed":
        places.reverse()
    else:  # where nobody looks: neither at the start, nor in the middle, nor at the end
        places[5], places[AT] = AT, 5
    data, counted = Ordered(y=list(CODES), order=places), Counted()
    counted.run(data, folder)
    put(data.y)
    found = counted.run(data, folder)
    assert counted.seen == 4
    assert found.labels.tolist() == [data.y[place] for place in places]


def test_labels_that_cannot_be_read_from_the_middle_sample_are_reused(folder):
    class Torn(Kept):
        def __getitem__(self, index):
            if index == N // 2 - 1:
                raise OSError("truncated")
            return super().__getitem__(index)

    data, counted = Torn(y=list(CODES)), Counted()
    counted.run(data, folder, on_error="skip")
    put(data.y)
    found = counted.run(data, folder, on_error="skip")
    assert counted.seen == 4
    assert found.labels[found.ids == AT].tolist() == [OTHER]


def test_labels_of_pairs_of_samples_are_those_of_now(folder):
    class Twins(Kept):
        def label(self, index):
            return int(self.y[index] == self.y[index - 1])

    data, counted = Twins(y=list(CODES)), Counted()
    counted.run(data, folder)
    put(data.y)
    found = counted.run(data, folder)
    assert found.labels.tolist() == [data.label(index) for index in range(N)]


class TwoLabels(Kept):
    def __getitem__(self, index):
        return {"image": self.x[index], "fine": self.y[index], "coarse": self.y[index] // 2}


def test_another_item_as_the_label_reuses_the_features(folder):
    data, counted = TwoLabels(y=list(CODES)), Counted()
    fine = counted.run(data, folder, label="fine")
    coarse = counted.run(data, folder, label="coarse")
    assert counted.seen == 4
    assert coarse.labels.tolist() == [code // 2 for code in CODES]
    assert counted.run(data, folder, label=None).labels is None
    assert counted.run(data, folder, label="fine").labels.tolist() == fine.labels.tolist() == CODES


def test_another_item_as_the_picture_gives_other_features(folder):
    class TwoPictures(Kept):
        def __getitem__(self, index):
            return {"left": self.x[index], "right": -self.x[index], "label": self.y[index]}

    data, counted = TwoPictures(y=list(CODES)), Counted()
    left = counted.run(data, folder, image="left")
    right = counted.run(data, folder, image="right")
    assert counted.seen == N
    assert (left.features != right.features).any()
