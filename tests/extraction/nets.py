"""Small models with the structure of well-known architectures, and datasets, for tests."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

CLASSES = 3


class Vgg(nn.Module):
    """Convolutions with BatchNorm and in-place ReLU, then a classifier in a Sequential."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(6 * 16, 12),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(12, 10),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(10, CLASSES),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


class AlexNet(nn.Module):
    """Dropout before each Linear of the classifier, the last one bare (Krizhevsky et al. 2012)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=2, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(2)
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(32, 12),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(12, 10),
            nn.ReLU(inplace=True),
            nn.Linear(10, CLASSES),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class EfficientNet(nn.Module):
    """Inverted residual with squeeze-and-excitation by convolutions (Tan & Le 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.SiLU(inplace=True)
        )
        self.expand = nn.Sequential(nn.Conv2d(4, 8, 1), nn.BatchNorm2d(8), nn.SiLU(inplace=True))
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 2, 1), nn.SiLU(), nn.Conv2d(2, 8, 1), nn.Sigmoid()
        )
        self.project = nn.Sequential(nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4))
        self.head = nn.Sequential(nn.Conv2d(4, 14, 1), nn.BatchNorm2d(14), nn.SiLU(inplace=True))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2, inplace=True), nn.Linear(14, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        wide = self.depthwise(self.expand(x))
        x = x + self.project(wide * self.squeeze(wide))
        return self.classifier(torch.flatten(self.avgpool(self.head(x)), 1))


class ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)  # called twice per forward pass

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(ResidualBlock(6), ResidualBlock(6))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.avgpool(self.layer1(self.conv1(x))).flatten(1))


class DenseNet(nn.Module):
    """Concatenated features, a functional ReLU and pool before the classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.classifier = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv0(x)
        x = torch.cat([x, self.conv1(x)], dim=1)
        x = functional.relu(self.norm(x), inplace=True)
        return self.classifier(functional.adaptive_avg_pool2d(x, 1).flatten(1))


class MobileNet(nn.Module):
    """Depthwise convolutions with squeeze-and-excitation by Linear layers, then a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Conv2d(3, 8, 1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.squeeze = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8), nn.Sigmoid())
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(8, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.silu(self.depthwise(self.expand(x)))
        x = x * self.squeeze(x.mean((2, 3)))[:, :, None, None]
        return self.classifier(x.mean((2, 3)))


class ConvNeXt(nn.Module):
    """Channels last inside the block, a LayerNorm and a Flatten before the classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.norm = nn.LayerNorm(8)
        self.pointwise = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.classifier = nn.Sequential(nn.LayerNorm(8), nn.Flatten(1), nn.Linear(8, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        x = x + self.pointwise(self.norm(x))
        return self.classifier(x.mean((1, 2)))


class Swin(nn.Module):
    """Maps of shape (n, h, w, c)."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 4, stride=4)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.patches(x).permute(0, 2, 3, 1)).mean((1, 2)))


class Vit(nn.Module):
    """Patches, a class token, an encoder of torch's own, and a head on the class token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(block, 1, enable_nested_tensor=False)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        return self.head(self.encoder(x)[:, 0])


class SqueezeNet(nn.Module):
    """No Linear: a 1×1 convolution classifies, then the map is averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 7, 3), nn.ReLU(inplace=True))
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Conv2d(7, CLASSES, 1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x)).flatten(1)


class Sequence(nn.Module):
    """Rows of the picture through an LSTM and an attention layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(24, 5, batch_first=True)
        self.attention = nn.MultiheadAttention(5, 1, batch_first=True)
        self.head = nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x, _ = self.lstm(x.transpose(1, 2).flatten(2))
        x, _ = self.attention(x, x, x)
        return self.head(x.mean(1))


class WithFeatures(nn.Module):
    """Returns (output, features) itself."""

    def __init__(self, width: int = 5) -> None:
        super().__init__()
        self.body = nn.Linear(192, width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = torch.tanh(self.body(x.flatten(1)))
        return self.head(features), features


ARCHITECTURES = {
    "Vgg": (Vgg, "classifier.6:input", 10),
    "AlexNet": (AlexNet, "classifier.6:input", 10),
    "ResNet": (ResNet, "fc:input", 6),
    "DenseNet": (DenseNet, "classifier:input", 8),
    "MobileNet": (MobileNet, "classifier.1:input", 8),
    "EfficientNet": (EfficientNet, "classifier.1:input", 14),
    "ConvNeXt": (ConvNeXt, "classifier.2:input", 8),
    "Swin": (Swin, "head:input", 6),
    "Vit": (Vit, "head:input", 8),
    "SqueezeNet": (SqueezeNet, "classifier.1:input[pool=mean]", 7),
    "Sequence": (Sequence, "head:input", 5),
    "WithFeatures": (WithFeatures, "output[1]", 5),
}


class Pictures(Dataset):
    """n random pictures (3, 8, 8) with labels i mod 3; sample i is the same each time."""

    def __init__(self, n: int = 20, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 3, 8, 8, generator=generator)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.x[index], index % CLASSES


class Sample(NamedTuple):
    image: Tensor
    label: int


def made(kind: type[nn.Module]) -> nn.Module:
    """A model of this kind in train mode, with fixed weights, and BatchNorm statistics near those
    of the pictures."""
    torch.manual_seed(0)
    model = kind().train()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.normal_(norm.bias)
        norm.momentum = 1.0
    if norms:
        with torch.no_grad():
            model(Pictures().x)
    for norm in norms:
        norm.momentum = 0.1
        norm.running_mean += torch.randn_like(norm.running_mean)
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.7, 1.5)
    return model
