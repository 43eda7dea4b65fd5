"""The class names of a run: those of the labels, those of the model's outputs, and their match."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._class_codes import MAX_UNNAMED_CLASSES, UNKNOWN
from tsne_widget._class_sources import (
    Named,
    are_recoded,
    check_targets,
    is_hidden,
    listed,
    names_of_dataset,
    names_of_model,
    plain,
)
from tsne_widget._notes import Notes
from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction.data.choice import AUTO


@dataclass
class ClassNames:
    """The class names of a run, and whether they cover the logits.

    The codes of the labels are positions in the dataset's names, the codes of the predictions are
    outputs of the model. The two differ if the model was trained with another order of the
    classes, with fewer or with more of them. The labels then become codes of outputs by name.

    Attributes
    ----------
    given : tuple of str or None
        From the caller: they name labels and outputs.
    of_dataset, of_model : Named or None
        From the dataset and from the model. The model's are used if it has as many outputs.
    """

    given: tuple[str, ...] | None = None
    of_dataset: Named | None = None
    of_model: Named | None = None
    _width: int | None = field(default=None, init=False)
    _covers: bool = field(default=True, init=False)

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the labels' codes. If there are none, the first batch sets "0", "1", …."""
        if self._of_labels is not None:
            return self._of_labels.names
        if self._width is None or not self._covers:
            return None
        model = self._model_names()
        return tuple(map(str, range(self._width))) if model is None else model.names

    def covers(self, width: int) -> bool:
        """Whether every logit of this width has a name; if not, warn once.

        Raises
        ------
        InvalidInputError
            If the caller gave fewer class names than there are logits.
        """
        if self._width is None:
            self._width = width
            self._covers = self._check(width)
        return self._covers

    def settle(
        self,
        labels: NDArray[np.int64] | None,
        predictions: NDArray[np.int64] | None,
        *,
        dataset: Any,
        ids: NDArray[np.int64],
        notes: Notes,
    ) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
        """The labels as codes of the outputs, and the names of these codes.

        Parameters
        ----------
        labels : (n,) int64 array or None
            Codes that came from the dataset.
        predictions : (n,) int64 array or None
            Codes of the outputs; None if the model has none.
        dataset : object
        ids : (n,) int64 array
            Indices of the rows in the dataset.
        notes : Notes
            Gets a note if names of two sources differ.
        """
        if self.of_dataset and labels is not None and are_recoded(dataset, ids, labels):
            self.of_dataset = None
        source = self._of_labels
        outputs = None if predictions is None else self._output_names()
        if source is None or outputs is None:
            found = outputs or source
            return labels, () if found is None else found.names
        recoding = _recoding(source.names, outputs.names)
        if recoding is None:
            notes.add(
                f"{source} and {outputs} name the classes differently; the names are those of "
                f"{outputs.source}, in the order of the outputs; pass class_names= if the labels "
                "have another order"
            )
        if recoding is None or np.array_equal(recoding, np.arange(len(recoding))):
            return labels, outputs.names
        if labels is None:
            return None, outputs.names
        return _recoded(labels, predictions, recoding, (source, outputs), notes)

    @property
    def _of_labels(self) -> Named | None:
        return self.of_dataset if self.given is None else Named(self.given, "class_names")

    def _output_names(self) -> Named | None:
        """Names of the outputs; None if they have none."""
        model, source = self._model_names(), self._of_labels
        if model is not None or source is None:
            return model
        visible = tuple(name for name in source.names if not is_hidden(name))
        return Named(visible, source.source) if len(visible) == self._width else source

    def _model_names(self) -> Named | None:
        """The model's names, if there is one for each output and the labels fit."""
        if self.given is not None or self.of_model is None:
            return None
        if len(self.of_model.names) != self._width:
            return None
        if self.of_dataset is None or len(self.of_dataset.names) == self._width:
            return self.of_model
        matched = _recoding(self.of_dataset.names, self.of_model.names) is not None
        return self.of_model if matched else None

    def _check(self, width: int) -> bool:
        if self._model_names() is not None:
            return True
        source = self._of_labels
        if source is None:
            if width <= MAX_UNNAMED_CLASSES:
                return True
            reason = f"the model gives {width} outputs without class names"
        elif width <= len(source.names):
            return True
        else:
            reason = f"the model gives {width} outputs, but class_names has {len(source.names)}"
            if self.given is not None:
                raise InvalidInputError(f"{reason}; name each output")
            reason += " (from the dataset's classes)"
        warnings.warn(
            f"{reason}: there will be no predictions; pass class_names for all outputs to get them",
            stacklevel=2,
        )
        return False


def find_class_names(
    given: tuple[str, ...] | None, model: Any, dataset: Any, label: Any, notes: Notes
) -> ClassNames:
    """The class names of a run, from the caller, the dataset and the model.

    Parameters
    ----------
    given : tuple of str or None
        The caller's, which are used in any case.
    label : object
        The key of the label in a sample of the dataset, if the caller named one.
    notes : Notes
        Gets a note if the caller and the dataset order the same names differently.

    Raises
    ------
    InvalidInputError
        If the caller gives no names and concatenated datasets have different ones, or if a target
        of the dataset has no name.
    """
    key = None if label == AUTO else label
    if given is None:
        found = ClassNames(None, names_of_dataset(dataset, key), names_of_model(model))
    else:
        found = ClassNames(given)
        _compare(given, dataset, key, notes)
    if label == AUTO:
        check_targets(dataset, found.names)
    return found


def _compare(given: tuple[str, ...], dataset: Any, label: Any, notes: Notes) -> None:
    try:
        named = names_of_dataset(dataset, label)
    except InvalidInputError:  # concatenated datasets: the caller's names settle it
        return
    if named is None or named.names == given or sorted(named.names) != sorted(given):
        return
    notes.add(
        f"class_names ({listed(given)}) has another order than {named}: the labels are read as "
        "positions in class_names; pass labels and names in one order"
    )


def _recoded(
    labels: NDArray[np.int64],
    predictions: NDArray[np.int64] | None,
    recoding: NDArray[np.int64],
    sources: tuple[Named, Named],
    notes: Notes,
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels matched with the outputs by name, unless more predictions are right without."""
    source, outputs = sources
    matched = np.append(recoding, UNKNOWN)[labels]  # −1 stays −1
    as_is, by_name = (np.count_nonzero(codes == predictions) for codes in (labels, matched))
    if as_is > by_name and len(source.names) >= len(outputs.names):
        if source.source != outputs.source:
            notes.add(
                f"{source} and {outputs} differ in the order of the classes; the predictions fit "
                f"the order of {source.source}, which is used; pass class_names= in the order of "
                "the outputs"
            )
        return labels, source.names
    if source.source == outputs.source:
        hidden = next(name for name in source.names if is_hidden(name))
        notes.add(
            f"{source.source} has the hidden folder {hidden!r}, for which the model has no output: "
            f"its samples are unlabelled, and the others have the codes 0 … "
            f"{len(outputs.names) - 1}; delete the folder, or pass class_names="
        )
    else:
        notes.add(
            f"{source} and {outputs} differ in the order or number of the classes: labels are "
            f"matched by name with {outputs.source}, the order of the outputs; pass class_names= "
            "if that is wrong"
        )
    return matched, outputs.names


def _recoding(names: Sequence[str], outputs: Sequence[str]) -> NDArray[np.int64] | None:
    """(c,) int64 code of the output with the name of each class; None if one has no output.

    The code of a hidden folder without an output is −1. An output may list synonyms, such as
    "tench, Tinca tinca".
    """
    if tuple(names) == tuple(outputs):
        return np.arange(len(names))
    words = _codes_by_word(outputs, plain)
    if len(words) < len(outputs):  # names that only differ in case
        words = _codes_by_word(outputs, str)
    synonyms = _codes_by_word(outputs, lambda name: plain(name.strip()), split=True)
    codes = []
    for name in names:
        found = words.get(plain(name)) or words.get(name) or synonyms.get(plain(name)) or []
        if len(found) != 1 and not is_hidden(name):
            return None
        codes.append(found[0] if len(found) == 1 else UNKNOWN)
    used = [code for code in codes if code != UNKNOWN]
    return np.array(codes, dtype=np.int64) if len(set(used)) == len(used) else None


def _codes_by_word(
    names: Sequence[str], normal: Callable[[str], str], *, split: bool = False
) -> dict[str, list[int]]:
    """The codes of the classes with each name or, with ``split``, with each synonym."""
    found: dict[str, list[int]] = {}
    for code, name in enumerate(names):
        for word in {normal(word) for word in (name.split(",") if split else [name])}:
            found.setdefault(word, []).append(code)
    return found
