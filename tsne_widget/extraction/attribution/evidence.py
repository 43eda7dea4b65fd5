"""Evidence: how much each place of a picture speaks for a class, from a model and a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from tsne_widget._calls import explained
from tsne_widget._notes import Notes
from tsne_widget._probabilities import Activation
from tsne_widget._validation import row_blocks
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.arguments import Progress, request_by_index
from tsne_widget.extraction.attribution.covering import Covered
from tsne_widget.extraction.attribution.maps import FIRST_SAMPLES, Found, MapMaker, Maps
from tsne_widget.extraction.attribution.scores import Target, check_smooth, check_target
from tsne_widget.extraction.data.batches import Batch
from tsne_widget.extraction.data.choice import AUTO, Image, Key
from tsne_widget.extraction.data.labels import label_codes
from tsne_widget.extraction.data.sources import Indexed
from tsne_widget.extraction.model.capture import eval_mode, on_device, random_state_kept
from tsne_widget.extraction.model.forward import parameter_names
from tsne_widget.extraction.model.outputs import Output
from tsne_widget.extraction.progress import progress_counter


@explained(
    "write evidence(model, dataset) or evidence(model, dataset, ids), and pass the rest by name: "
    "target=, layer=, …"
)
def evidence(
    model: nn.Module,
    data: Any,
    ids: ArrayLike | None = None,
    *,
    target: Target = "difference",
    labels: ArrayLike | None = None,
    layer: str | None = None,
    smooth: float = 0.0,
    batch_size: int = 32,
    device: str | torch.device | None = None,
    num_workers: int = 0,
    image: Image = AUTO,
    label: Key = AUTO,
    output: Output = None,
    progress: Progress = True,
) -> NDArray[np.float32]:
    """How much each place of a picture speaks for a class.

    Each value is gradient × activation, summed over the channels (HiResCAM, Draelos & Carin 2020,
    arXiv:2011.08891). Positive values speak for the class. If the model averages the map and a
    Linear layer follows, the values of a picture sum to the score without the bias. The model runs
    in eval mode and is left unchanged, as by :func:`tsne_widget.extract`.

    Parameters
    ----------
    model : torch.nn.Module
        A trained classifier.
    data : Dataset, DataLoader, array, (x, y), …
        As in :func:`tsne_widget.extract`, with samples that can be read by their index.
    ids : (m,) array of int, optional
        Indices of the samples in the dataset. Default: all.
    target : {"difference", "prediction", "label"}
        The score: the logit of the predicted class, that of the label, or the difference of the
        two. If prediction and label agree, or there is no label, the difference is that of the
        prediction and the second most probable class.
    labels : (m,) array of int, optional
        Class code of each sample, −1 for none. Default: the labels of the dataset.
    layer : str, optional
        Dotted name of the module whose output is the activation; "name:input" for its input,
        "input" for the picture itself. Default: the last activation that has places of the picture
        through which the logits change. Of a transformer it is the last layer where the tokens of
        the patches still count; the class token is left out. For a model without such an
        activation it is the picture.
    smooth : float
        0 … 1: how far the gradient of each place moves towards the mean over all places. 0 is
        HiResCAM, 1 is Grad-CAM (Selvaraju et al. 2017) without its ReLU. It changes nothing if the
        model averages the map and a Linear layer follows. Of a model with weights for each place,
        .8 points better in pictures of several objects, and covering then matters less.
    batch_size : int
        Samples per forward and backward pass.
    device : str or torch.device, optional
        Device to run the model on; it is moved back afterwards. Default: its own device.
    num_workers, image, label, output
        As in :func:`tsne_widget.extract`.
    progress : bool or callable
        True shows a tqdm bar; a callable gets ``(done, total)`` in samples.

    Returns
    -------
    (m, h, w) float32 array
        h × w are the places of the activation, such as 7 × 7, and not the pixels of the picture.
        Row i belongs to ``ids[i]``. In units of the logits. All zero for the target "label" of an
        unlabelled sample.

    Raises
    ------
    InvalidInputError
        If an argument is invalid, or the samples cannot be read by their index.
    LayerNotFoundError
        If the layer is not in the model.
    ExtractionError
        If the model or the dataset fails, the model gives no logits, or the layer has no places.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 3))
    >>> evidence(model, torch.randn(2, 3, 4, 4), progress=False).shape
    (2, 4, 4)
    """
    check_target(target)
    reader = EvidenceReader(
        model,
        data,
        layer,
        smooth=smooth,
        batch_size=batch_size,
        device=device,
        num_workers=num_workers,
        image=image,
        label=label,
        output=output,
    )
    rows = reader.ids_of(ids)
    codes = _codes(labels, len(rows))
    if codes is None and target == "label" and label is None:
        raise InvalidInputError("target='label' requires labels; pass labels= or label=")
    found: list[NDArray[np.float32]] = []
    with progress_counter(progress, len(rows), "", "Computing evidence") as advance:
        for part in reader.maps(rows, codes, target):
            found.append(part.values)
            advance(len(part.values))
    return stacked(found)


def stacked(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The maps of all batches as one (m, h, w) array.

    Raises
    ------
    ExtractionError
        If maps differ in shape.
    """
    if len({part.shape[1:] for part in parts}) > 1:
        shapes = ", ".join(str(part.shape[1:]) for part in parts[:3])
        raise ExtractionError(
            f"the maps differ in shape ({shapes}, …) because the pictures do; resize the pictures "
            "in the dataset's transform, or pass ids of pictures of one shape"
        )
    return np.concatenate(parts) if parts else np.zeros((0, 0, 0), np.float32)


class EvidenceReader:
    """Reads samples of a dataset and makes their maps of evidence.

    Parameters
    ----------
    model, data, layer
        As in :func:`evidence`.
    found : Found, optional
        What an earlier reader of the same model has found.
    smooth : float
        As in :func:`evidence`.
    **options
        ``batch_size``, ``device`` and other options of :func:`tsne_widget.extract`.

    Attributes
    ----------
    found : Found or None
    """

    def __init__(
        self, model: nn.Module, data: Any, layer: str | None = None, *, found: Found | None = None,
        smooth: float = 0.0, **options: Any,
    ) -> None:  # fmt: skip
        self._smooth = check_smooth(smooth)
        self.request = request_by_index(model, data, layer, options)
        self.found = found
        self._output = options.get("output")

    @property
    def source(self) -> Indexed:
        """The samples."""
        assert isinstance(self.request.source, Indexed)  # noqa: S101 - checked above
        return self.request.source

    def ids_of(self, ids: ArrayLike | None) -> list[int]:
        """The ids to read; all for None.

        Raises
        ------
        InvalidInputError
            If an id is not a whole number within the dataset.
        """
        if ids is None:
            return list(self.source.ids)
        given = np.atleast_1d(np.asarray(ids))
        n = len(self.source.dataset)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise InvalidInputError(
                f"ids must be a sequence of whole numbers, got {given.dtype} of shape {given.shape}"
            )
        outside = given[(given < 0) | (given >= n)]
        if outside.size:
            raise InvalidInputError(
                f"ids has {int(outside[0])}, but the dataset has the samples 0 … {n - 1}"
            )
        return [int(id_) for id_ in given]

    def maps(
        self, ids: Sequence[int], labels: NDArray[np.int64] | None, target: Target
    ) -> Iterator[Maps]:
        """The maps of these samples, one batch at a time; a caller may stop between them."""
        with self.prepared() as maker:
            done = 0
            for batch in self.batches(ids):
                assert batch.inputs is not None  # noqa: S101 - errors are raised
                own = self._labels_of(batch, maker) if labels is None else None
                given = own if labels is None else labels[done : done + len(batch.ids)]
                yield maker(batch.inputs, batch.ids, given, target)
                done += len(batch.ids)

    def look(
        self, id_: int, label: int, target: Target, activation: Activation = "softmax"
    ) -> tuple[Maps, Covered | None]:
        """The map of one sample, and the test of it; None if the sample is no picture.

        Parameters
        ----------
        id_ : int
        label : int
            Class code, −1 for none.
        target : {"difference", "prediction", "label"}
        activation : {"softmax", "sigmoid"}
            Turns logits into probabilities.
        """
        with self.prepared() as maker:
            batch = next(iter(self.batches([id_])))
            assert batch.inputs is not None  # noqa: S101 - errors are raised
            made = maker(batch.inputs, batch.ids, np.array([label]), target)
            return made, maker.covered(batch.inputs, made, activation)

    @contextmanager
    def prepared(self) -> Iterator[MapMaker]:
        """A block in which the model is ready; it is left as it was.

        Raises
        ------
        ExtractionError
            If another thread trains the model meanwhile.
        """
        request = self.request
        layer = request.reading.layers[0]
        with (
            random_state_kept(request.device),
            on_device(request.model, request.moves_to),
            eval_mode(request.model),
        ):
            maker = MapMaker(request.model, layer, self._output, self.found, self._smooth)
            if self.found is None:
                first = next(iter(self.batches(list(self.source.ids[:FIRST_SAMPLES]))))
                assert first.inputs is not None  # noqa: S101 - errors are raised
                self.found = maker.learn(first.inputs, first.ids)
            yield maker
            if request.model.training:
                raise ExtractionError(
                    "another thread called model.train() while the evidence was computed, so the "
                    "maps are not those of the trained model; ask again between two epochs"
                )

    def batches(self, ids: Sequence[int]) -> Iterator[Batch]:
        """The pictures of these samples."""
        size = self.source.loading.batch_size
        groups = [list(ids[block]) for block in row_blocks(len(ids), size)]
        keywords = parameter_names(self.request.model)
        return self.source.batches(groups, keywords, skip_errors=False)

    def _labels_of(self, batch: Batch, maker: MapMaker) -> NDArray[np.int64] | None:
        """The labels of a batch as codes of the outputs, matched by name."""
        labels, names = batch.labels, self.request.class_names
        if labels is None or (isinstance(labels, list) and all(one is None for one in labels)):
            return None
        if maker.found is not None:
            names.covers(maker.found.classes)
        codes = label_codes(labels, batch.ids, names.names)
        nothing = np.full(len(codes), -2)
        return names.settle(
            codes, nothing, dataset=self.request.dataset, ids=np.array(batch.ids), notes=Notes()
        )[0]


def _codes(labels: ArrayLike | None, m: int) -> NDArray[np.int64] | None:
    if labels is None:
        return None
    codes = np.asarray(labels)
    if codes.shape != (m,) or codes.dtype.kind not in "iu" or (codes.size and codes.min() < -1):
        raise InvalidInputError(
            f"labels must be {m} class codes, one for each of ids and −1 for none, got "
            f"{codes.dtype} of shape {codes.shape}"
        )
    return codes.astype(np.int64)
