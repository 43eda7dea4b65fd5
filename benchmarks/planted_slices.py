"""Data sets with one planted group of mistakes, for `benchmarks.groups`.

Three kinds of groups, after dcbench (Eyuboglu et al. 2022):

rare
    A cluster of similar pictures inside one or two classes, 3 % of all rows, is spoilt (blur,
    darkness, rotation, occlusion, colour) and run through the model.
correlation
    The model's last layer learns that a patch goes with one class. The group are the pictures of
    one or two other classes that carry the patch, 3 % of all rows.
noisy
    A share of the labels of a cluster of similar pictures, 3 % of all rows, is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from benchmarks import real_data

DATASETS = ("cifar", "mnist", "fashion")
SPOILERS = ("blur", "darkness", "rotation", "occlusion", "colour")
SHARE = 0.03
FOLDS = 10
EXCESS = 0.10
TRIES = 20


class Planted(NamedTuple):
    """What a method sees, and the rows that it should find."""

    features: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    slice: np.ndarray
    """(n,) bool: the planted rows."""

    @property
    def predictions(self) -> np.ndarray:
        return self.logits.argmax(axis=1)

    @property
    def error_rate(self) -> float:
        """Share of the planted rows that the model gets wrong."""
        return float((self.predictions != self.labels)[self.slice].mean())

    @property
    def rest_error_rate(self) -> float:
        """Share of the other rows that the model gets wrong."""
        return float((self.predictions != self.labels)[~self.slice].mean())


class Setting(NamedTuple):
    """One way to plant a group; the seed draws classes, pictures and strength."""

    dataset: str
    kind: str
    detail: str
    classes: int

    @property
    def name(self) -> str:
        return f"{self.dataset}/{self.kind}/{self.detail}/{self.classes}"


class Source(NamedTuple):
    """Pictures and the model that judges them."""

    images: np.ndarray
    labels: np.ndarray
    features: np.ndarray
    run: Callable[[np.ndarray], np.ndarray]
    """Pictures → features."""
    logits: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """Features and their rows → logits."""


def settings() -> list[Setting]:
    """The 100 settings."""
    found = []
    for dataset in DATASETS:
        for classes in (1, 2):
            found += [
                Setting(dataset, "rare", f"{spoiler}-{strength}", classes)
                for spoiler in SPOILERS
                for strength in ("mild", "strong")
            ]
    for dataset, count in zip(DATASETS, (7, 7, 6), strict=True):
        found += [Setting(dataset, "correlation", f"patch-{i}", 1 + i % 2) for i in range(count)]
        noises = [f"{to}-{share}" for to in ("one", "any") for share in ("some", "most")] * 2
        found += [
            Setting(dataset, "noisy", f"{noises[i]}-{i // 4}", 1 + i // 4) for i in range(count)
        ]
    return found


def plant(setting: Setting, seed: int) -> Planted:
    """The data of one setting; the same seed draws the same data.

    A group that the model handles as well as the rest is nothing to find: classes, pictures and
    strength are drawn again until the group errs by 10 points more.
    """
    random = np.random.default_rng([seed, *setting.name.encode()])
    source = load(setting.dataset)
    makers = {"rare": _rare, "correlation": _correlation, "noisy": _noisy}
    for _ in range(TRIES):
        made = makers[setting.kind](source, setting, random)
        if made.error_rate >= made.rest_error_rate + EXCESS:
            break
    return made


def _cluster(source: Source, among: np.ndarray, count: int, random: np.random.Generator):
    """Rows of a cluster: those nearest to a random one."""
    centre = source.features[random.choice(among)]
    far = ((source.features[among] - centre) ** 2).sum(axis=1)
    return among[np.argsort(far, kind="stable")[:count]]


def _members(source: Source, setting: Setting, random: np.random.Generator) -> np.ndarray:
    chosen = random.choice(10, setting.classes, replace=False)
    count = round(SHARE * len(source.labels) / setting.classes)
    return np.concatenate(
        [_cluster(source, np.flatnonzero(source.labels == c), count, random) for c in chosen]
    )


def _rare(source: Source, setting: Setting, random: np.random.Generator) -> Planted:
    rows = _members(source, setting, random)
    spoiler, strength = setting.detail.split("-")
    level = random.uniform(0.3, 0.6) if strength == "mild" else random.uniform(0.6, 1.0)
    features = source.features.copy()
    features[rows] = source.run(spoilt(source.images[rows], spoiler, level, random))
    planted = np.isin(np.arange(len(features)), rows)
    logits = source.logits(features, np.arange(len(features)))
    return Planted(features, source.labels, logits, planted)


def _noisy(source: Source, setting: Setting, random: np.random.Generator) -> Planted:
    rows = _members(source, setting, random)
    to, share, _ = setting.detail.split("-")
    rate = random.uniform(0.3, 0.6) if share == "some" else random.uniform(0.6, 0.95)
    changed = rows[random.random(len(rows)) < rate]
    labels = source.labels.copy()
    shift = random.integers(1, 10) if to == "one" else random.integers(1, 10, len(changed))
    labels[changed] = (labels[changed] + shift) % 10
    planted = np.isin(np.arange(len(labels)), rows)
    logits = source.logits(source.features, np.arange(len(labels)))
    return Planted(source.features, labels, logits, planted)


def _correlation(source: Source, setting: Setting, random: np.random.Generator) -> Planted:
    n = len(source.labels)
    half = random.permutation(n) < n // 2
    target, *others = random.choice(10, 1 + setting.classes, replace=False)
    strength = random.uniform(0.9, 1.0)
    is_target = source.labels == target
    patched = np.where(is_target, random.random(n) < strength, random.random(n) < 0.002)
    tested = np.flatnonzero(~half)
    patched[tested[~is_target[tested]]] = False
    for other in others:
        among = tested[source.labels[tested] == other]
        count = round(SHARE * len(tested) / len(others))
        patched[random.choice(among, min(count, len(among)), replace=False)] = True
    features = source.features.copy()
    images = with_patch(source.images[patched], random)
    features[patched] = source.run(images)
    scale = features[half].std()
    head = LogisticRegression(C=0.1, max_iter=300, tol=1e-2)
    head.fit(features[half] / scale, source.labels[half])
    logits = head.decision_function(features[tested] / scale)
    planted = (patched & ~is_target)[tested]
    return Planted(features[tested], source.labels[tested], logits, planted)


def with_patch(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Pictures with a small square in one corner."""
    size = images.shape[1] // 3
    colour = random.integers(0, 256, images.shape[3:])
    if images.ndim == 3:
        colour = np.array(255)
    top, left = random.integers(0, 2, 2) * (images.shape[1] - size)
    patched = images.copy()
    patched[:, top : top + size, left : left + size] = colour
    return patched


def spoilt(images: np.ndarray, spoiler: str, level: float, random: np.random.Generator):
    """Pictures that are spoilt at a level of 0 … 1."""
    values = images.astype(np.float32)
    side = images.shape[1]
    if spoiler == "blur":
        sigma = [0, side * 0.1 * level, side * 0.1 * level] + [0] * (images.ndim - 3)
        values = ndimage.gaussian_filter(values, sigma)
    elif spoiler == "darkness":
        values *= 1 - 0.95 * level
    elif spoiler == "rotation":
        values = ndimage.rotate(values, 90 * level, axes=(2, 1), reshape=False, order=1)
    elif spoiler == "occlusion":
        size = round(side * 0.75 * level)
        top, left = random.integers(0, side - size + 1, 2)
        values[:, top : top + size, left : left + size] = 128
    elif images.ndim == 4:
        gains = np.array([1.0, 1 - level, 1 - level])[random.permutation(3)]
        values = values * gains + 255 * (1 - gains[::-1]) * 0.5 * level
    else:  # grey pictures have no colour: they turn into their negative
        values = values + level * (255 - 2 * values)
    return np.clip(values, 0, 255).astype(np.uint8)


@cache
def load(dataset: str) -> Source:
    """The pictures of a data set, with their model."""
    if dataset == "cifar":
        return _trained(real_data.RESNET20, *real_data.cifar())
    return _trained(real_data.SMALL_VGG, *real_data.mnist()) if dataset == "mnist" else _fashion()


def _trained(name: str, images: np.ndarray, labels: np.ndarray) -> Source:
    net, last = real_data.network(name)
    weight, bias = last.weight.detach().numpy(), last.bias.detach().numpy()

    def run(given: np.ndarray) -> np.ndarray:
        return real_data.outputs(net, last, given)[1]

    def logits(features: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return features @ weight.T + bias

    return Source(images, labels, run(images), run, logits)


def _fashion() -> Source:
    """The network for MNIST, with last layers that learn on nine tenths and judge the tenth."""
    source = _trained(real_data.SMALL_VGG, *real_data.fashion())
    features, labels = source.features, source.labels
    scale = features.std()
    fold = np.empty(len(labels), dtype=np.int64)
    heads = []
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(features, labels)
    for number, (fitted, judged) in enumerate(folds):
        fold[judged] = number
        head = LogisticRegression(C=0.1, max_iter=300, tol=1e-2)
        heads.append(head.fit(features[fitted] / scale, labels[fitted]))

    def logits(new: np.ndarray, rows: np.ndarray) -> np.ndarray:
        every = np.stack([head.decision_function(new / scale) for head in heads])
        return every[fold[rows], np.arange(len(rows))]

    return source._replace(logits=logits)
