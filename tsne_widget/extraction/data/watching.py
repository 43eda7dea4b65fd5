"""The transform of a dataset, found by watching the dataset read one sample."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

from tsne_widget._datasets import wrapped_datasets


class Step(NamedTuple):
    """One call of a transform: what it got, and what it made of it.

    ``key`` is "" for ``transform(picture)``, and "image" for the style
    ``transform(image=picture)["image"]``.
    """

    transform: Callable[..., Any]
    key: str
    taken: Any
    made: Any

    def __call__(self, picture: Any) -> Any:
        """The picture, transformed in the same way."""
        if not self.key:
            return self.transform(picture)
        return self.transform(**{self.key: picture})[self.key]


def transform_steps(dataset: Any, id_: int) -> list[Step]:
    """The transforms through which the picture of one sample goes, in order; [] for none.

    They are the ``transform`` of the dataset and of the datasets that it wraps. While
    ``dataset[id_]`` runs, a function that watches is in their place. Transforms that the dataset
    keeps elsewhere are not found, so the caller has to verify the result.

    Parameters
    ----------
    dataset : object with ``__getitem__``
    id_ : int
        Index of the sample.
    """
    seen: list[Step] = []
    with ExitStack() as stack:
        for owner in _owners(dataset):
            stack.enter_context(_watched(owner, seen))
        dataset[id_]
    steps = seen[-1:]
    for step in reversed(seen[:-1]):  # a step takes what the one before it made
        if steps[0].taken is step.made:
            steps.insert(0, step)
    return steps


def _owners(dataset: Any) -> list[Any]:
    """The objects that may have a transform, each once."""
    found = {}
    for owner in wrapped_datasets(dataset):
        # torchvision's datasets call self.transform(x), or self.transforms(x, y), which has it.
        for holder in (owner, getattr(owner, "transforms", None)):
            if callable(getattr(holder, "transform", None)):
                found[id(holder)] = holder
    return list(found.values())


@contextmanager
def _watched(owner: Any, seen: list[Step]) -> Iterator[None]:
    """A block in which the calls of ``owner.transform`` in this thread are noted."""
    transform, thread = owner.transform, threading.get_ident()

    def watching(*given: Any, **named: Any) -> Any:
        made = transform(*given, **named)
        if threading.get_ident() == thread and len(given) + len(named) == 1:
            key = next(iter(named), "")
            with suppress(LookupError, TypeError):  # an output without the picture is no step
                seen.append(Step(transform, key, (*given, *named.values())[0],
                                 made[key] if key else made))  # fmt: skip
        return made

    is_method = "transform" not in getattr(owner, "__dict__", {}) and callable(
        getattr(type(owner), "transform", None)
    )
    try:
        owner.transform = watching
    except Exception:  # read-only: its calls cannot be watched
        yield
        return
    try:
        yield
    finally:
        if is_method:
            del owner.transform
        else:
            owner.transform = transform
