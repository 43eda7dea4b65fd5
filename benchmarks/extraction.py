"""Images per second of ``extract``, compared with a loop that only runs the model.

    python -m benchmarks.extraction [--samples 4096] [--rounds 5] [--threads 2] [--device cpu]
        [--models resnet50 …] [--record]

"model alone" is the forward pass over batches that are on the device already. The bare loop runs
the forward pass in ``torch.inference_mode`` with the same DataLoader and copies the output to the
host; it stores nothing. The hook script is the usual hand-written code: ``eval()``, a forward hook
that appends ``.cpu()`` copies, and a final ``cat``. Rounds alternate between the ways. The result
of each way is its best round, because other work on the machine only slows a round down. The
ratio of CPU seconds is less sensitive to other work. "prefetch", on a GPU only, copies the next
batch while the model computes, from pinned memory and on a stream of its own: ``extract`` does not,
and this shows whether it should.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.report import Table, parser
from tsne_widget import extract
from tsne_widget.extraction.data import sources
from tsne_widget.extraction.data.batches import Batch

COLUMNS = (
    "model | way | images/s | ratio to the bare loop | ratio of CPU seconds | extra start-up, s"
)
WAYS = {"cpu": Table("extraction-cpu", COLUMNS), "cuda": Table("extraction-gpu", COLUMNS)}


class VggLike(nn.Module):
    """VGG (Simonyan & Zisserman 2015) with batch norm for 32 × 32 images; 512 features."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 3
        for entry in (32, 32, "M", 64, 64, "M", 128, 128, "M"):
            if entry == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [
                    nn.Conv2d(width, int(entry), 3, padding=1),
                    nn.BatchNorm2d(int(entry)),
                    nn.ReLU(inplace=True),
                ]
                width = int(entry)
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(128 * 16, 512), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(512, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


class Block(nn.Module):
    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = (
            nn.Identity() if stride == 1 else nn.Conv2d(width, out, 1, stride, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNetLike(nn.Module):
    """ResNet with 20 layers for CIFAR (He et al. 2016); 64 features."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [Block(16, 16, 1) for _ in range(3)]
        blocks += [Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1)]
        blocks += [Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1)]
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1), *blocks)
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x).mean((2, 3)))


def bare_loop(model: nn.Module, loader: DataLoader, device: torch.device) -> None:
    model.eval()
    with torch.inference_mode():
        for x, _ in loader:
            model(x.to(device)).cpu()


def model_alone(model: nn.Module, batches: list[Tensor]) -> None:
    model.eval()
    with torch.inference_mode():
        for x in batches:
            out = model(x)
    out[:1].cpu()  # waits for the device


def hook_script(model: nn.Module, loader: DataLoader, device: torch.device) -> None:
    model.eval()
    features, labels = [], []
    head = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    handle = head.register_forward_hook(lambda _, args, out: features.append(args[0].cpu()))
    with torch.no_grad():
        for x, y in loader:
            model(x.to(device)).cpu()
            labels.append(y)
    handle.remove()
    torch.cat(features).numpy()
    torch.cat(labels).numpy()


def prefetched(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches on the device; each is copied while the one before it is in use."""
    side = torch.cuda.Stream(device)

    def copied(batch: Batch) -> Batch:
        inputs = batch.pin_memory().inputs
        with torch.cuda.stream(side):
            args = tuple(tensor.to(device, non_blocking=True) for tensor in inputs.args)
        return replace(batch, inputs=replace(inputs, args=args))

    ahead: Batch | None = None
    for batch in batches:
        # An event marks the end of this copy alone, so that the next one is not waited for.
        current, ahead = ahead, copied(batch)
        event = side.record_event()
        if current is not None:
            yield current
        torch.cuda.current_stream(device).wait_event(event)
        for tensor in ahead.inputs.args:
            tensor.record_stream(torch.cuda.current_stream(device))
    if ahead is not None:
        yield ahead


def extract_prefetching(model: nn.Module, loader: DataLoader, device: torch.device) -> None:
    plain = sources.Indexed.batches

    def batches(self: sources.Indexed, *args: object, **kwargs: object) -> Iterator[Batch]:
        return prefetched(plain(self, *args, **kwargs), device)

    with mock.patch.object(sources.Indexed, "batches", batches):
        extract(model, loader, progress=False)


def ways(
    model: nn.Module, loader: DataLoader, device: torch.device
) -> dict[str, Callable[[], None]]:
    batches = [x.to(device) for x, _ in loader]
    found: dict[str, Callable[[], None]] = {
        "model alone": lambda: model_alone(model, batches),
        "bare loop": lambda: bare_loop(model, loader, device),
        "forward-hook script": lambda: hook_script(model, loader, device),
        "extract": lambda: extract(model, loader, progress=False) and None,
        "extract, store": lambda: stored(model, loader),
    }
    if device.type == "cuda":
        found["extract, prefetch"] = lambda: extract_prefetching(model, loader, device)
    return found


def stored(model: nn.Module, loader: DataLoader) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        extract(model, loader, store=folder, progress=False)
    finally:
        shutil.rmtree(folder)


def seconds(run: Callable[[], None]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


OURS = {"VggLike": VggLike, "ResNetLike": ResNetLike}


def of_torchvision(name: str) -> nn.Module:
    import torchvision

    return getattr(torchvision.models, name)(weights=None)


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--samples", type=int, default=4096)
    given.add_argument("--batch-size", type=int, default=64)
    given.add_argument("--rounds", type=int, default=5)
    given.add_argument(
        "--size", type=int, default=32, help="width and height of an image in pixels"
    )
    given.add_argument(
        "--models", nargs="+", help="ours, or torchvision's with random weights; by default ours"
    )
    given.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = given.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    with WAYS[device.type] as row:
        for name in options.models or OURS:
            measure(name, options, device, row)


def measure(
    name: str, options: argparse.Namespace, device: torch.device, row: Callable[..., None]
) -> None:
    """A row for each way to run a model."""
    torch.manual_seed(0)
    model = (OURS[name]() if name in OURS else of_torchvision(name)).to(device)
    x = torch.randn(options.samples, 3, options.size, options.size)
    y = torch.randint(10, (options.samples,))
    loader = DataLoader(TensorDataset(x, y), options.batch_size)
    first = DataLoader(
        TensorDataset(x[: options.batch_size], y[: options.batch_size]), options.batch_size
    )
    all_ways, one_batch = ways(model, loader, device), ways(model, first, device)
    for run in all_ways.values():
        run()
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in all_ways}
    starts: dict[str, list[tuple[float, float]]] = {way: [] for way in all_ways}
    for _ in range(options.rounds):
        for way in all_ways:
            times[way].append(seconds(all_ways[way]))
            starts[way].append(seconds(one_batch[way]))
    best = {way: [min(column) for column in zip(*t, strict=True)] for way, t in times.items()}
    start = {way: min(wall for wall, _ in taken) for way, taken in starts.items()}
    for way, (wall, processor) in best.items():
        ratios = best["bare loop"][0] / wall, best["bare loop"][1] / processor
        row(
            name, way, f"{options.samples / wall:,.0f}", *(f"{ratio:.3f}" for ratio in ratios),
            f"{start[way] - start['bare loop']:.3f}",
        )  # fmt: skip


if __name__ == "__main__":
    main()
