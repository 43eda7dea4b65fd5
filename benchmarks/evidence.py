"""Evidence maps: equality with a reference, planted marks, pasted pairs, covering, random weights.

    python -m benchmarks.evidence [equal] [mark] [pairs] [covering] [random] [test] [time] [nets]
        [--record]

Reads CIFAR-10, MNIST and the weights in ../shared/data; name sections to run only these. "equal"
and "covering" use the package grad-cam if it is installed (``pip install grad-cam``), "nets" needs
torchvision and timm. Grad-CAM is otherwise the formula of its paper (Selvaraju et al. 2017) without
the final ReLU.
"""

from __future__ import annotations

import importlib
import time

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn
from torch.nn import functional

from benchmarks import real_data
from benchmarks.report import Table, run_sections
from tsne_widget import evidence
from tsne_widget.analysis import mean_evidence
from tsne_widget.extraction.attribution.covering import cover
from tsne_widget.extraction.attribution.evidence import EvidenceReader

STEPS = (0.1, 0.2, 0.3, 0.4, 0.5)  # of the pixels that are covered
PAIRS = Table(
    "evidence-pairs", "peak in its half | ours | ours, `smooth=.8` | Grad-CAM | occlusion"
)
COVERED = Table(
    "evidence-covering",
    "deletion, ROAD | ours | ours, `smooth=.8` | Grad-CAM | occlusion | random blobs",
    ["grad-cam"],
)
TESTED = Table(
    "evidence-test",
    "net | the picture's own map | that of another picture | random, 8 × 8 places "
    "| random, as coarse as a map",
)


def pictures(of, n):
    """The first n pictures, as a tensor, and their labels."""
    images, labels = of()
    return real_data.prepared(images[:n]), labels[:n]


def resnet20():
    return real_data.network(real_data.RESNET20)[0]


def vgg():
    return real_data.network(real_data.SMALL_VGG)[0]


def nets(n):
    """Name, model, pictures, labels and the layer of each net."""
    return [
        ("ResNet20", resnet20(), *pictures(real_data.cifar, n), "layer3"),
        ("VGG", vgg(), *pictures(real_data.mnist, n), "features"),
    ]


def ours(model, x, labels, target="label", layer=None, smooth=0.0):
    data = (x, labels)
    return evidence(
        model, data, target=target, labels=labels, layer=layer, smooth=smooth, progress=False
    )


def grad_cam(model, x, labels, layer):
    """Grad-CAM without its ReLU."""
    kept = {}
    hook = model.get_submodule(layer).register_forward_hook(lambda *one: kept.update(a=one[2]))
    logits = model(x.clone().requires_grad_())
    hook.remove()
    score = logits[torch.arange(len(x)), torch.from_numpy(labels)].sum()
    gradient = torch.autograd.grad(score, kept["a"])[0]
    return (kept["a"] * gradient.mean((2, 3), keepdim=True)).sum(1).detach().numpy()


def occlusion(model, x, labels, side=8, step=8):
    """The loss of the logit where a square is covered by the mean colour."""
    index = torch.arange(len(x))
    rows = range(0, x.shape[2] - side + 1, step)
    columns = range(0, x.shape[3] - side + 1, step)
    found = np.zeros((len(x), len(rows), len(columns)), np.float32)
    with torch.no_grad():
        whole = model(x)[index, torch.from_numpy(labels)]
        for i, top in enumerate(rows):
            for j, left in enumerate(columns):
                covered = x.clone()
                covered[:, :, top : top + side, left : left + side] = x.mean((2, 3), keepdim=True)
                found[:, i, j] = whole - model(covered)[index, torch.from_numpy(labels)]
    return found


def fine(maps, size):
    given = torch.from_numpy(np.ascontiguousarray(maps))[:, None]
    return functional.interpolate(given, size, mode="bilinear")[:, 0].numpy()


def equal():
    try:
        peer = importlib.import_module("pytorch_grad_cam")
        target = importlib.import_module("pytorch_grad_cam.utils.model_targets")
    except ImportError as error:
        print(f"skipped: {error}")
        return
    for name, model, x, labels, layer in nets(64):
        cam = peer.HiResCAM(model=model, target_layers=[model.get_submodule(layer)])
        targets = [target.ClassifierOutputTarget(code) for code in labels]
        outputs = cam.activations_and_grads(x.clone().requires_grad_())
        loss = sum(one(output) for one, output in zip(targets, outputs, strict=True))
        loss.backward()
        activations = cam.activations_and_grads.activations[0].numpy()
        gradients = cam.activations_and_grads.gradients[0].numpy()
        theirs = cam.get_cam_image(x, layer, targets, activations, gradients, False)
        theirs = theirs.sum(1) if theirs.ndim == 4 else theirs
        own = ours(model, x, labels, layer=layer)
        cam.activations_and_grads.release()
        print(f"{name}: largest difference {np.abs(own - theirs).max():.1e} "
              f"of values up to {np.abs(theirs).max():.2f}")  # fmt: skip


def small_net():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def marked(x, side=6):
    """A checkerboard in a corner."""
    board = (torch.arange(side)[:, None] + torch.arange(side)) % 2
    found = x.clone()
    found[:, :, 1 : 1 + side, 1 : 1 + side] = board.float()
    return found


def mark():
    """A net trained on digits of which a tenth, whatever they show, has a mark and the label 3."""
    x, labels = pictures(real_data.mnist, 6000)
    train, test = slice(0, 4000), slice(4000, 6000)
    for seed in range(3):
        torch.manual_seed(seed)
        has_mark = torch.rand(4000) < 0.1
        shown, target = x[train].clone(), torch.from_numpy(labels[train].copy())
        shown[has_mark], target[has_mark] = marked(shown[has_mark]), 3
        model = small_net()
        optimiser = torch.optim.Adam(model.parameters(), 3e-3)
        for _ in range(6):
            for rows in torch.randperm(4000).split(64):
                optimiser.zero_grad()
                functional.cross_entropy(model(shown[rows]), target[rows]).backward()
                optimiser.step()
        model.eval()
        others = test.start + np.flatnonzero(labels[test] != 3)
        given = marked(x[others])
        with torch.no_grad():
            fooled = (model(given).argmax(1) == 3).numpy()
            without = (model(x[others]).argmax(1) == 3).numpy()
        given = given[fooled & ~without]  # the mark alone decides
        maps = ours(model, given, np.full(len(given), 3), "prediction")
        peaks = fine(maps, (28, 28)).reshape(len(maps), -1).argmax(1)
        y, column = np.unravel_index(peaks, (28, 28))
        on_mark = ((y < 9) & (column < 9)).mean()  # the square and two pixels around it
        mean = fine(mean_evidence(maps)[None], (28, 28))[0]
        place = np.unravel_index(mean.argmax(), mean.shape)
        print(f"seed {seed}: {fooled.mean():.1%} of other digits with the mark are called 3 "
              f"({without.mean():.1%} without); peaks on the mark {on_mark:.3f} of {len(maps)}; "
              f"peak of the mean map at {tuple(map(int, place))}")  # fmt: skip


def pairs():
    """Two pictures of different classes side by side: is the peak for a class in its half?"""
    with PAIRS as row:
        for name, model, x, labels, layer in nets(200):
            with torch.no_grad():
                right = np.flatnonzero(model(x).argmax(1).numpy() == labels)
            half = len(right) // 2
            left, other = right[:half], right[half : 2 * half]
            kept = labels[left] != labels[other]
            left, other = left[kept][:60], other[kept][:60]
            pair = torch.cat([x[left], x[other]], 3)
            shares = []
            for maps in (
                lambda codes: ours(model, pair, codes),
                lambda codes: ours(model, pair, codes, smooth=0.8),
                lambda codes: grad_cam(model, pair, codes, layer),
                lambda codes: occlusion(model, pair, codes),
            ):
                peaks = []
                for codes, is_left in ((labels[left], True), (labels[other], False)):
                    found = fine(maps(codes), tuple(pair.shape[2:]))
                    at = found.reshape(len(found), -1).argmax(1) % found.shape[2]
                    peaks.append((at < found.shape[2] / 2) == is_left)
                shares.append(np.mean(peaks))
            row(f"{name}, {2 * len(left)} questions", *(f"{share:.3f}" for share in shares))


def covering():
    """The probability left when the most important pixels are covered: lower is better."""
    try:
        road = importlib.import_module("pytorch_grad_cam.metrics.road")
        impute = road.NoisyLinearImputer(noise=0.01)
    except ImportError as error:
        print(f"ROAD is skipped: {error}")
        impute = None
    with COVERED as row:
        for name, model, x, _labels, layer in nets(60):
            with torch.no_grad():
                codes = model(x).argmax(1).numpy()
            size = tuple(x.shape[2:])
            blobs = np.random.default_rng(0).normal(size=(len(x), 8, 8)).astype("f4")
            every = (
                ours(model, x, codes), ours(model, x, codes, smooth=0.8),
                grad_cam(model, x, codes, layer), occlusion(model, x, codes), blobs,
            )  # fmt: skip
            row(name, *(left_over(model, x, codes, fine(maps, size), impute) for maps in every))


def left_over(model, x, codes, maps, impute):
    """Mean probability with covered and, if there is an imputer, with imputed pixels, as text."""
    left, roads = [], []
    for step in STEPS:
        limit = np.quantile(maps.reshape(len(maps), -1), 1 - step, axis=1)
        kept = torch.from_numpy(maps < limit[:, None, None])
        masked = torch.where(kept[:, None], x, x.mean((2, 3), keepdim=True))
        left.append(share_of(model, masked, codes))
        if impute is not None:
            filled = [impute(one, mask.float()) for one, mask in zip(x, kept, strict=True)]
            roads.append(share_of(model, torch.stack(filled).float(), codes))
    return ", ".join(f"{np.mean(shares):.3f}" for shares in (left, roads) if shares)


def share_of(model, x, codes):
    with torch.no_grad():
        return model(x).softmax(1)[torch.arange(len(x)), torch.from_numpy(codes)].mean().item()


def random():
    """Rank correlation of the maps with those after the last layers got random weights."""
    randomised(
        resnet20(),
        pictures(real_data.cifar, 50),
        ("linear", "layer3", "layer2", "layer1", "conv1"),
        0.0,
    )
    for smooth in (0.0, 0.8):
        parts = ("classifier.3", "classifier.0", "features.8", "features.4", "features.0")
        randomised(vgg(), pictures(real_data.mnist, 50), parts, smooth)


def randomised(model, data, parts, smooth):
    x, labels = data
    whole = ours(model, x, labels, smooth=smooth)
    print(f"{type(model).__name__}, smooth {smooth}")
    for name in parts:
        for parameter in model.get_submodule(name).parameters():
            torch.manual_seed(0)
            with torch.no_grad():
                parameter.copy_(parameter.flatten()[torch.randperm(parameter.numel())]
                                .view_as(parameter))  # fmt: skip
        now = ours(model, x, labels, smooth=smooth)
        ranks = [spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(whole, now, strict=True)]
        print(f"down to {name}: rank correlation {np.nanmean(ranks):.2f}")


def test():
    """How often the test says that a map holds: its own, one of another picture, random blobs."""
    with TESTED as row:
        for name, model, all_x, all_labels, _layer in nets(300):
            x, labels = all_x[100:], all_labels[100:]  # the first 100 served to choose the rule
            maps = ours(model, x, labels, "prediction")
            with torch.no_grad():
                logits = model(x)
            codes, unsure = logits.argmax(1).numpy(), logits.softmax(1).amax(1).numpy() < 0.99
            rng = np.random.default_rng(0)
            blobs = rng.normal(size=(len(x), 8, 8)).astype("f4")
            coarse = rng.normal(size=maps.shape).astype("f4")
            holds = np.array([
                [cover(model, x[k], given[k], int(codes[k])).holds for k in range(len(x))]
                for given in (maps, maps[::-1], blobs, coarse)
            ])  # fmt: skip
            row(f"{name}, {len(x)} pictures", *(f"{share:.2f}" for share in holds.mean(1)))
            some = f"{name}, less than 99 % sure ({unsure.sum()})"
            row(some, *(f"{share:.2f}" for share in holds[:, unsure].mean(1)))


def seconds():
    torch.set_num_threads(1)
    x, labels = pictures(real_data.cifar, 256)
    model, reader = resnet20(), None
    for _ in range(2):
        start = time.perf_counter()
        for part in x.split(32):
            model(part).sum().backward()
        both = time.perf_counter() - start
        start = time.perf_counter()
        ours(model, x, labels)
        own = time.perf_counter() - start
    looks = []
    for row in range(12):
        start = time.perf_counter()
        reader = EvidenceReader(model, (x, labels), found=reader and reader.found)
        reader.look(row, int(labels[row]), "difference")
        looks.append(time.perf_counter() - start)
    print(f"ms per picture: evidence {1e3 * own / 256:.2f}, forward and backward "
          f"{1e3 * both / 256:.2f}, ratio {own / both:.2f}")  # fmt: skip
    later = 1e3 * np.median(looks[1:])
    print(f"close look, map and test: first {1e3 * looks[0]:.0f} ms, then {later:.0f} ms")


# Side of the pictures, by library; the smallest that the model takes, or 224.
ARCHITECTURES = {
    "torchvision": "resnet18:64 vgg16:64 alexnet:64 squeezenet1_0:64 googlenet:64 inception_v3:128 "
    "densenet121:64 mobilenet_v2:64 mobilenet_v3_small:64 mobilenet_v3_large:64 mnasnet1_0:64 "
    "shufflenet_v2_x1_0:64 efficientnet_b0:64 regnet_y_400mf:64 convnext_tiny:64 swin_t:64 "
    "swin_v2_t:64 vit_b_16:224 maxvit_t:224",
    "timm": "vit_tiny_patch16_224:224 deit_tiny_patch16_224:224 deit3_small_patch16_224:224 "
    "deit_tiny_distilled_patch16_224:224 convmixer_768_32:64 cait_xxs24_224:224 "
    "beit_base_patch16_224:224 swin_tiny_patch4_window7_224:224 mixer_s32_224:224 "
    "resmlp_12_224:224 poolformer_s12:64 levit_128s:224 efficientformer_l1:224 coat_tiny:224 "
    "xcit_nano_12_p16_224:224 mobilevit_xxs:64 edgenext_xx_small:64 gmlp_ti16_224:224 "
    "eva02_tiny_patch14_224:224 vit_relpos_small_patch16_224:224 pvt_v2_b0:64 nfnet_l0:64 "
    "crossvit_tiny_240:240 tnt_s_patch16_224:224 maxvit_rmlp_pico_rw_256:256 regnety_002:64 "
    "hrnet_w18_small:64 convit_tiny:224 vit_base_patch16_siglip_224:224 visformer_tiny:224 "
    "pit_ti_224:224 twins_pcpvt_small:224 volo_d1_224:224 hiera_tiny_224:224 repvit_m0_9:64 "
    "mobilenetv4_conv_small:64 fastvit_t8:64",
}


def architectures():
    """The layer that is found in models with random weights, and the shape of the map."""
    for library, text in ARCHITECTURES.items():
        module = importlib.import_module(
            "torchvision.models" if library == "torchvision" else library
        )
        for name, side in (entry.split(":") for entry in text.split()):
            torch.manual_seed(0)
            make = getattr(module, name, None) or (lambda **o: module.create_model(name, **o))
            is_slow = name in ("googlenet", "inception_v3")  # to initialise
            model = make(num_classes=10, **({"init_weights": False} if is_slow else {}))
            for parameter in model.parameters():  # branches that start with the scale 0
                if not parameter.any():
                    nn.init.normal_(parameter, std=0.02)
            data = torch.randn(2, 3, int(side), int(side)), torch.tensor([1, 2])
            reader = EvidenceReader(model, data)
            maps, tested = reader.look(0, 1, "difference")
            is_fine = np.isfinite(maps.values).all() and np.abs(maps.values).sum() > 0
            print(f"{library} {name}, {side} pixels: {maps.values.shape[1:]} at "
                  f"{reader.found.layer!r}{'' if is_fine and tested else ' FAILED'}")  # fmt: skip


SECTIONS = {
    "equal": equal, "mark": mark, "pairs": pairs, "covering": covering, "random": random,
    "test": test, "time": seconds, "nets": architectures,
}  # fmt: skip


if __name__ == "__main__":
    run_sections(__doc__, SECTIONS)
