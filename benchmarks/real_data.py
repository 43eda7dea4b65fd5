"""Pictures and trained networks of ../shared/data, which several benchmarks read."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
IS_THERE = (DATA / "cifar10").is_dir()
CIFAR = DATA / "cifar10" / "cifar10_test_0_4999.npz"
RESNET20, SMALL_VGG = "cifar10_resnet20", "mnist_smallvgg512"


def cifar() -> tuple[np.ndarray, np.ndarray]:
    """Half of CIFAR-10's test pictures, (5000, 32, 32, 3) uint8, and their int64 labels."""
    return _stored(CIFAR)


def fashion() -> tuple[np.ndarray, np.ndarray]:
    """Pictures of Fashion-MNIST, (900, 28, 28) uint8, and their int64 labels."""
    return _stored(DATA / "fashion_mnist" / "fashion_mnist_sprite900.npz")


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """MNIST's test pictures, (10000, 28, 28) uint8, and their int64 labels."""
    images, labels = (
        np.frombuffer(gzip.decompress((DATA / "mnist" / name).read_bytes()), np.uint8, offset=start)
        for name, start in (("t10k-images-idx3-ubyte.gz", 16), ("t10k-labels-idx1-ubyte.gz", 8))
    )
    return images.reshape(-1, 28, 28), labels.astype(np.int64)


def _stored(file: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(file) as stored:
        return stored["images"], stored["labels"].astype(np.int64)


def network(name: str) -> tuple[Any, Any]:
    """A trained network in eval mode, and its last Linear layer.

    RESNET20 has 81 % accuracy on CIFAR-10 and 64 features, SMALL_VGG 98.8 % on MNIST and 512.
    """
    sys.path.insert(0, str(DATA))
    from models import CifarResNet, SmallVGG
    from safetensors.torch import load_file

    is_resnet = name == RESNET20
    net = CifarResNet(3) if is_resnet else SmallVGG(10, 1, (16, "M", 32, "M", 64, "M"), 512)
    net.load_state_dict(load_file(DATA / "weights" / f"{name}.safetensors"))
    return net.eval(), net.linear if is_resnet else net.classifier[3]


def prepared(images: np.ndarray) -> Any:
    """Pictures as the networks take them, a float32 tensor."""
    import torch

    if images.ndim == 3:
        return torch.from_numpy(images[:, None] / np.float32(255))
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    return (x - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)


def outputs(net: Any, last: Any, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and features of pictures: what the last layer returns and takes."""
    import torch

    features: list[Any] = []
    handle = last.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    blocks = [images[start : start + 500] for start in range(0, len(images), 500)]
    with torch.inference_mode():
        logits = torch.cat([net(prepared(block)) for block in blocks])
    handle.remove()
    return logits.numpy(), torch.cat(features).numpy()
