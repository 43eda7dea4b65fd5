"""KL divergence and trustworthiness of our maps and of scikit-learn's, on many kinds of data.

    python -m benchmarks.quality [--sets digits blobs …] [--seeds 5] [--peer-seeds 3] [--record]

Both engines run with their defaults, perplexity 30 (less for few rows), one thread, and each seed
sees the rows in another order. KL is exact and uses one P for both: that of our exact neighbours.
Scikit-learn's maps are kept in the folder for temporary files, so that each is computed once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.report import Table, parser
from benchmarks.tsne import CACHE, DATA, PERPLEXITY, features

QUALITY = Table(
    "quality-sets",
    "set | rows | KL, ours | KL, scikit-learn | trust., ours | trust., scikit-learn",
    ["scikit-learn"],
)
# Rows whose trustworthiness is measured.
SAMPLE = 1_000
NEIGHBORS = 15


def _gaussian(n: int, d: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d))


def _clusters(n: int, d: int, count: int, distance: float) -> np.ndarray:
    """Equal clusters whose centres are ``distance`` standard deviations apart along each axis."""
    random = np.random.default_rng(0)
    centres = distance * random.normal(size=(count, d))
    return centres[random.integers(count, size=n)] + random.normal(size=(n, d))


def _unequal_blobs() -> np.ndarray:
    """Seven overlapping clusters of 35 to 2,240 rows, the largest ones the widest."""
    random = np.random.default_rng(0)
    parts = [
        2 * random.normal(size=10) + 0.5 * 1.25**i * random.normal(size=(35 * 2**i, 10))
        for i in range(7)
    ]
    return np.concatenate(parts)


def _sparse_binary() -> np.ndarray:
    return (np.random.default_rng(0).random((1_500, 300)) < 0.03).astype(np.float64)


def _duplicates() -> np.ndarray:
    return np.repeat(_gaussian(300, 10), 5, axis=0)


def _line() -> np.ndarray:
    """Equally spaced points of a line in three dimensions."""
    return np.linspace(0, 1, 1_000)[:, None] * np.array([1.0, 2.0, -1.0])


def _roll() -> np.ndarray:
    from sklearn.datasets import make_swiss_roll

    return make_swiss_roll(3_000, noise=0.3, random_state=0)[0]


def _circles() -> np.ndarray:
    random = np.random.default_rng(0)
    angle, radius = 2 * np.pi * random.random(1_000), 1 + (np.arange(1_000) % 2)
    flat = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return flat + 0.05 * random.normal(size=flat.shape)


def _tree() -> np.ndarray:
    """A random walk that branches: 20 branches of 100 steps in 30 dimensions."""
    random = np.random.default_rng(0)
    points = [np.zeros(30)]
    for _ in range(20):
        place = points[random.integers(len(points))]
        for _ in range(100):
            place = place + random.normal(size=30)
            points.append(place)
    return np.array(points)


def _resnet(rows: int, depth: int = 20) -> np.ndarray:
    """Penultimate features of a trained ResNet on CIFAR-10's test images, (rows, 64)."""
    import torch
    from safetensors.torch import load_file

    sys.path.insert(0, str(DATA))
    from models import CifarResNet

    net = CifarResNet((depth - 2) // 6)
    net.load_state_dict(load_file(DATA / "weights" / f"cifar10_resnet{depth}.safetensors"))
    net.eval()
    net.linear = torch.nn.Identity()
    images = np.load(DATA / "cifar10" / "cifar10_test_0_4999.npz")["images"][:rows]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((torch.from_numpy(images) / 255.0 - mean) / std).permute(0, 3, 1, 2)
    with torch.no_grad():
        return torch.cat([net(part) for part in x.split(200)]).numpy()


def _fashion() -> np.ndarray:
    images = np.load(DATA / "fashion_mnist" / "fashion_mnist_sprite900.npz")["images"]
    return images.reshape(900, -1) / 255.0


def _named(name: str) -> np.ndarray:
    found = features(name)
    assert found is not None
    return found[0]


SETS: dict[str, tuple[str, Callable[[], np.ndarray]]] = {
    "fifty": ("Gaussian, few rows", lambda: _gaussian(50, 5)),
    "plane": ("Gaussian in the plane", lambda: _gaussian(80, 2)),
    "digits200": ("digits, first 200", lambda: _named("digits")[:200]),
    "resnet500": ("ResNet20 features, first 500", lambda: _resnet(500)),
    "fashion": ("Fashion-MNIST, pixels", _fashion),
    "line": ("a line", _line),
    "circles": ("two circles", _circles),
    "duplicates": ("each row five times", _duplicates),
    "binary": ("sparse binary", _sparse_binary),
    "digits": ("digits", lambda: _named("digits")),
    "uniform": ("uniform", lambda: np.random.default_rng(0).random((2_000, 50))),
    "tree": ("a branching walk", _tree),
    "clustered": ("10 distant clusters", lambda: _clusters(2_000, 20, 10, 5.0)),
    "overlapping": ("10 overlapping clusters", lambda: _clusters(2_000, 20, 10, 0.8)),
    "heavy": (
        "heavy tails, Student's t",
        lambda: np.random.default_rng(0).standard_t(2, (2_000, 20)),
    ),
    "roll": ("a rolled sheet", _roll),
    "gaussian": ("Gaussian", lambda: _gaussian(3_000, 20)),
    "cnn": ("VGG features of MNIST", lambda: _named("cnn")),
    "unequal": ("7 clusters, unequal size and density", _unequal_blobs),
    "resnet": ("ResNet20 features of CIFAR-10", lambda: _resnet(5_000)),
    "resnet56": ("ResNet56 features of CIFAR-10", lambda: _resnet(5_000, 56)),
    "mnist": ("MNIST, pixels", lambda: _named("mnist")),
    "augmented": ("augmented MNIST, 50 components", lambda: _named("augmented")),
}


def data(name: str) -> np.ndarray:
    """The rows of a set, (n, d) float32, from the cache if they are there."""
    file = CACHE / "quality" / f"{name}.npy"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.asarray(SETS[name][1](), np.float32))
    return np.load(file)


def perplexity_of(n: int) -> float:
    return min(float(PERPLEXITY), (n - 1) / 3)


def order_of(n: int, seed: int) -> np.ndarray:
    """The order of the rows for a seed; seed 0 leaves them as they are."""
    return np.arange(n) if seed == 0 else np.random.default_rng(seed).permutation(n)


def fitted(X: np.ndarray, estimator: object, seed: int) -> np.ndarray:
    """The map of an estimator that saw the rows in the order of ``seed``, in the order of X."""
    order = order_of(len(X), seed)
    out = np.empty((len(X), 2), np.float32)
    out[order] = estimator.fit_transform(X[order])
    return out


def theirs(name: str, seed: int) -> np.ndarray:
    """scikit-learn's map with its defaults, computed once."""
    file = CACHE / "quality" / f"{name}-sklearn-{seed}.npy"
    if not file.exists():
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits

        X = data(name)
        start = time.process_time()
        with threadpool_limits(1):
            y = fitted(X, TSNE(perplexity=perplexity_of(len(X)), random_state=seed, n_jobs=1), seed)
        (CACHE / "quality" / "seconds.txt").open("a").write(
            f"{name} {seed} {time.process_time() - start:.2f}\n"
        )
        np.save(file, y)
    return np.load(file)


def ours(name: str, seed: int) -> np.ndarray:
    from tsne_widget.projection import TSNE

    X = data(name)
    return fitted(X, TSNE(perplexity=perplexity_of(len(X)), random_state=seed, n_jobs=1), seed)


def measure(name: str, maps: list[np.ndarray]) -> np.ndarray:
    """KL divergence and trustworthiness of each map, (maps, 2)."""
    from tsne_widget.analysis import faithfulness
    from tsne_widget.projection.quality import affinities, kl_divergence

    X = data(name)
    P = affinities(X, perplexity_of(len(X)), n_jobs=1)
    rows = np.linspace(0, len(X) - 1, min(SAMPLE, len(X))).astype(int)
    return np.array(
        [
            (
                kl_divergence(P, y),
                faithfulness(X, y, NEIGHBORS, rows=rows).trustworthiness.mean(dtype=np.float64),
            )
            for y in maps
        ]
    )


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    given.add_argument("--seeds", type=int, default=5)
    given.add_argument("--peer-seeds", type=int, default=3)
    given.add_argument("--only-peer", action="store_true", help="fill the cache of peer's maps")
    options = given.parse_args()
    if options.only_peer:
        for name in options.sets:
            for seed in range(options.peer_seeds):
                theirs(name, seed)
        return
    with QUALITY as row:
        for name in options.sets:
            n, d = data(name).shape
            found = [
                measure(name, [engine(name, seed) for seed in range(seeds)])
                for engine, seeds in ((ours, options.seeds), (theirs, options.peer_seeds))
            ]
            cells = [
                f"{each[:, column].mean():.4f} ({np.ptp(each[:, column]):.4f})"
                for column in (0, 1)
                for each in found
            ]
            row(SETS[name][0], f"{n:,} × {d:,}", *cells)


if __name__ == "__main__":
    main()
