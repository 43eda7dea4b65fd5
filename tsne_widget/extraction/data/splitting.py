"""Find the picture, further inputs of the model and the label in a sample or batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tsne_widget._datasets import IMAGE_KEYS
from tsne_widget._notes import Notes
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.data.choice import AUTO, Choice, as_mapping, chosen
from tsne_widget.extraction.data.fields import Fields
from tsne_widget.extraction.data.items import (
    CODES,
    described,
    is_pil,
    kind_of,
    looks_like_batch,
    of_one_sample,
)
from tsne_widget.extraction.data.label_keys import LABEL_KEYS, label_in, label_key
from tsne_widget.extraction.data.tuples import is_usual, label_position, picture_at

_NO_BATCH_LINE = "torch.utils.data.DataLoader(data, batch_size=None)"


class Splitter:
    """Splits samples or batches into :class:`Fields`.

    Parameters
    ----------
    keywords : frozenset of str
        Parameters of ``model.forward``. Entries of a dictionary with such a name are inputs.
    choice : Choice
        What the caller says about the items.

    Attributes
    ----------
    notes : Notes
        What was inferred in this process and may be wrong.
    """

    def __init__(
        self, keywords: frozenset[str] = frozenset(), choice: Choice | None = None
    ) -> None:
        self.keywords = keywords
        self.choice = choice or Choice()
        self.notes = Notes()
        self._is_auto = self.choice == Choice()
        self._is_checked = False
        self._plans: dict[tuple[Any, ...], _Plan] = {}
        self._noted: set[tuple[int, int | None, int | None]] = set()

    def split(
        self, item: Any, where: str, *, batched: bool = False, samples: Sequence[Any] | None = None
    ) -> Fields:
        """The fields of a sample or batch.

        Parameters
        ----------
        item : tensor, array, (x, y, …), named tuple, dataclass or dictionary
        where : str
            The sample or batch, for messages: "sample 3".
        batched : bool
            Whether the item is a batch.
        samples : sequence, optional
            The samples of the batch; a ``label=`` function is called with each.

        Raises
        ------
        ExtractionError
            If there is no picture; the message lists the items.
        InvalidInputError
            If several items could be the label, or the caller's choice does not fit.
        """
        if self._is_checked and self._is_auto:
            if type(item) is tuple and len(item) > 1 and is_usual(item, batched):
                return Fields(item[0], {}, item[1])
            if type(item) is dict and tuple(item) in self._plans:
                return self._plans[tuple(item)].fields(item, where)
        if item is None:
            raise ExtractionError(f"{where} is None")
        if samples is not None and callable(self.choice.label):
            labels = [self._given_label(sample, where) for sample in samples]
            without = Splitter(self.keywords, Choice(self.choice.image, None))
            return without.split(item, where, batched=True)._replace(label=labels)
        fields = self._split(item, where, batched=batched)
        if not self._is_checked and not batched:
            _check_single(fields, where)
        self._is_checked = True
        return fields

    def rivals(self, item: Any) -> list[int]:
        """The items of a tuple beyond ``(x, y)`` that could be the label instead of y."""
        if not self._is_auto or not isinstance(item, (tuple, list)) or len(item) < 3:
            return []
        kinds = [kind_of(part) for part in item]
        if kinds[0] not in ("picture", "vector") or kinds[1] not in CODES:
            return []
        return [at for at in range(2, len(item)) if kinds[at] == "code"]

    def _split(self, item: Any, where: str, *, batched: bool) -> Fields:
        fields = as_mapping(item)
        if isinstance(fields, Mapping) and (
            isinstance(item, Mapping)
            or not isinstance(item, tuple)
            or set(fields) & (set(IMAGE_KEYS) | self.choice.names)
        ):
            return self._of_mapping(fields, item, where, batched=batched)
        if isinstance(item, (tuple, list)):
            if not item:
                raise ExtractionError(f"{where} is an empty {type(item).__name__}")
            return self._of_tuple(item, where, batched=batched)
        image = (
            item if self.choice.image == AUTO else chosen("image", self.choice.image, item, where)
        )
        return Fields(image, {}, self._given_label(item, where))

    def _given_label(self, item: Any, where: str) -> Any:
        """The label that ``label=`` names, or None."""
        key = self.choice.label
        if key is None or key == AUTO:
            return None
        label = chosen("label", key, item, where)
        return label_in(label, where) if isinstance(label, Mapping) else label

    # Tuples

    def _of_tuple(self, item: Sequence[Any], where: str, *, batched: bool) -> Fields:
        parts = [of_one_sample(part, batched=batched) for part in item]
        kinds = [kind_of(part) for part in parts]
        if self.choice.image != AUTO:
            image = chosen("image", self.choice.image, item, where)
            at = self.choice.image if isinstance(self.choice.image, int) else 0
            at, inner = at % len(item), None
        else:
            at, inner = picture_at(item, parts, kinds, where)
            image = item[at] if inner is None else item[at][inner]
        others: dict[str, Any] = {}
        if isinstance(image, Mapping):
            image, others = self._nested(image, where, batched=batched)
        is_first = at == 0 and inner is None
        label_at = None
        if self.choice.label != AUTO:
            label = self._given_label(item, where)
        else:
            label_at = label_position(item, kinds, at, where)
            label = None if label_at is None else item[label_at]
            if isinstance(label, Mapping):
                label = label_in(label, where)
        if not is_first or label_at not in (None, 1):
            self._note_taken(item, at, inner, label_at, batched=batched)
        return Fields(image, others, label)

    def _note_taken(
        self, item: Any, at: int, inner: int | None, label_at: int | None, *, batched: bool
    ) -> None:
        if (at, inner, label_at) in self._noted:
            return
        self._noted.add((at, inner, label_at))
        position = f"[{at}]" if inner is None else f"[{at}][{inner}]"
        taken: list[str] = []
        settle: list[str] = []
        if self.choice.image == AUTO and (at, inner) != (0, None):
            taken.append(f"item {position} is taken as the picture")
            settle.append(
                f"image={at}" if inner is None else f"image=lambda sample: sample{position}"
            )
        if label_at is not None:
            verb = "" if taken else "is taken "
            taken.append(f"item [{label_at}] {verb}as the label")
            settle.append(f"label={label_at}")
        if taken:
            kind = "batches" if batched else "samples"
            text = described(item, batched=batched)
            self.notes.add(
                f"{kind} are {text}: {' and '.join(taken)}; pass {', '.join(settle)} to confirm, "
                "or other items"
            )

    # Dictionaries

    def _of_mapping(
        self, item: Mapping[Any, Any], whole: Any, where: str, *, batched: bool
    ) -> Fields:
        image_key: Any = None
        image: Any = None
        if self.choice.image == AUTO:
            image_key = self._image_key(item, where, batched=batched)
        elif isinstance(self.choice.image, str) and self.choice.image in item:
            image_key = self.choice.image
        else:
            image = chosen("image", self.choice.image, whole, where)
        if image_key is not None:
            image = item[image_key]
        inner: dict[str, Any] = {}
        is_nested = isinstance(image, Mapping)
        if is_nested and image_key is not None:  # {"inputs": {…}, "label": 3}
            image, inner = self._nested(image, where, batched=batched)
        key, label, doubt, is_single = None, None, "", False
        if self.choice.label == AUTO:
            parts = {
                name: of_one_sample(value, batched=batched)
                for name, value in item.items()
                if name != image_key
            }
            key, doubt, is_single = label_key(parts, self.keywords, where)
            if doubt:
                self.notes.add(doubt)
            label = item.get(key)
            label = label_in(label, where) if isinstance(label, Mapping) else label
        else:
            label = self._given_label(whole, where)
            key = self.choice.label
        others = {**self._others(item, {image_key, key}), **inner}
        if type(whole) is dict and is_single and not is_nested:
            self._plans[tuple(whole)] = _Plan(
                image_key, key, tuple(others), self._is_keyword(image_key, others)
            )
        if self._is_keyword(image_key, others):
            return Fields(None, {image_key: image, **others}, label)
        if image is None and self.choice.image == AUTO:
            return Fields(None, others, label)  # the model takes all of them by name
        return Fields(image, others, label)

    def _nested(
        self, item: Mapping[Any, Any], where: str, *, batched: bool
    ) -> tuple[Any, dict[str, Any]]:
        """The picture and the other inputs in the dictionary of ``({"image": x, …}, y)``."""
        if item and set(item) <= {"bytes", "path"}:
            return item, {}  # an encoded file
        key = self._image_key(item, where, batched=batched)
        others = self._others(item, {key})
        if key is None:
            return None, others
        if self._is_keyword(key, others):
            return None, {key: item[key], **others}
        return item[key], others

    def _is_keyword(self, key: Any, others: Mapping[str, Any]) -> bool:
        return isinstance(key, str) and key in self.keywords and len(others) > 0

    def _others(self, item: Mapping[Any, Any], without: set[Any]) -> dict[str, Any]:
        return {
            str(key): value
            for key, value in item.items()
            if key in self.keywords
            and key not in LABEL_KEYS
            and value is not None
            and not any(key is other or key == other for other in without)
        }

    def _image_key(self, item: Mapping[Any, Any], where: str, *, batched: bool) -> Any:
        """The key of the picture; None if only parameters of ``forward`` name the inputs."""
        by_name = {str(key).lower(): key for key in reversed(list(item))}
        known = [by_name[name] for name in IMAGE_KEYS if name in by_name]
        kinds = {key: _image_kind(item[key], batched=batched) for key in known}
        best = [key for key in known if kinds[key] == "array"] or known
        by_model = [key for key in best if key in self.keywords]
        if len(best) > 1 and len(by_model) != 1:
            self.notes.add(
                f"samples have the keys {', '.join(map(repr, best))}: {best[0]!r} is taken as the "
                f"picture; pass image={best[0]!r} to confirm, or another key"
            )
        if best:
            return by_model[0] if len(by_model) == 1 else best[0]
        named = [key for key in item if key in self.keywords and key not in LABEL_KEYS]
        if any(_image_kind(item[key], batched=batched) == "array" for key in named):
            return None
        arrays = [key for key in item if _image_kind(item[key], batched=batched) != "other"]
        example = repr(arrays[0] if arrays else next(iter(item), "photo"))
        raise ExtractionError(
            f"{where} has the keys {', '.join(map(repr, item))}, but no image key "
            f"({', '.join(IMAGE_KEYS[:7])}, …); pass image={example}, or a function of the sample"
        )


class _Plan(NamedTuple):
    """Where the fields are in all dictionaries with the same keys."""

    image_key: Any
    label_key: Any
    others: tuple[str, ...]
    is_by_name: bool

    def fields(self, item: dict[Any, Any], where: str) -> Fields:
        """The fields of a sample or batch."""
        label = item.get(self.label_key)
        label = label_in(label, where) if isinstance(label, Mapping) else label
        others = {name: item[name] for name in self.others}
        image = None if self.image_key is None else item[self.image_key]
        if self.is_by_name:
            return Fields(None, {self.image_key: image, **others}, label)
        return Fields(image, others, label)


def _image_kind(value: Any, *, batched: bool) -> str:
    part = of_one_sample(value, batched=batched)
    if is_pil(part):
        return "pil"
    return "array" if kind_of(part) in ("picture", "vector") else "other"


def _check_single(fields: Fields, where: str) -> None:
    """Check the first sample.

    Raises
    ------
    InvalidInputError
        If the "sample" is a ready batch.
    ExtractionError
        If its picture is a path or an encoded file.
    """
    image = next(iter(fields.others.values()), None) if fields.image is None else fields.image
    if isinstance(image, Mapping) or kind_of(image) in ("path", "name"):
        raise ExtractionError(
            f"{where} has {described(image)} as the picture; open or decode it in the dataset, or "
            "pass image=, a function from the sample to the model's input, such as "
            "lambda sample: transform(PIL.Image.open(…)) with the transform of the training"
        )
    if looks_like_batch(image, fields.label):
        shape = tuple(getattr(image, "shape", ()))
        raise InvalidInputError(
            f"the samples of data look like ready batches: a picture of shape {shape} comes with "
            f"{shape[0]} labels; pass them as batches: {_NO_BATCH_LINE}"
        )
