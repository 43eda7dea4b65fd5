"""Samples with the same picture, or with nearly the same.

Pictures are compared here. :func:`near_duplicates` compares features: what the model takes for the
same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis.duplicates import groups_of_pairs, numbered_groups

# Hashes of nearly equal pictures differ in at most so many bits.
MAX_BITS = 4
# Simple pictures can have the same hash by chance, so each pair is verified: the frequencies that
# the hash summarises must differ by at most this share of their norm.
MAX_DIFFERENCE = 0.1

_HASH_BITS = 63
_PAIRS = 500_000  # pairs that are verified at a time


def equal_pictures(*keys: ArrayLike) -> NDArray[np.int64]:
    """(n,) int64 number of each row's group of equal pictures; −1 for a picture without equals.

    Parameters
    ----------
    *keys : (n,) array of numbers
        Pictures are equal if all keys are, such as checksum, width and height.

    Returns
    -------
    (n,) int64 array
        Groups are numbered from 0 by their first row. Time O(n log n), memory O(n).

    Examples
    --------
    >>> equal_pictures([7, 3, 7, 9, 3], [8, 8, 8, 8, 4]).tolist()
    [0, -1, 0, -1, -1]
    """
    group = np.zeros(len(np.asarray(keys[0])), dtype=np.int64)
    for key in keys:
        values, code = np.unique(key, return_inverse=True)
        group = np.unique(group * len(values) + code, return_inverse=True)[1]
    return numbered_groups(group)


def similar_pictures(hashes: ArrayLike, frequencies: ArrayLike) -> NDArray[np.int64]:
    """(n,) int64 number of each row's group of similar pictures; −1 for a picture without any.

    Two pictures are similar if their hashes differ in at most 4 of 63 bits, and the frequencies
    that the hashes summarise differ by at most 10 % of their norm: a copy that was scaled,
    compressed, or made a little brighter. A mirrored or cropped copy is not. A chain of similar
    pictures is one group.

    Parameters
    ----------
    hashes : (n,) uint64 array
        Perceptual hashes; 0 for a picture that has none, which is similar to no other.
    frequencies : (n, 63) array of float
        The frequencies from which the hashes were computed.

    Returns
    -------
    (n,) int64 array
        Groups are numbered from 0 by their first row. Hashes that differ in at most 4 bits agree in
        one of 5 bands of bits, so only rows with such a band are compared. Time O(n log n + p) for
        p such pairs, about n² / 1,600 for hashes that are evenly spread; memory O(n).

    Examples
    --------
    >>> waves = np.random.default_rng(0).normal(size=(3, 63))
    >>> waves[2] = 1.01 * waves[0]
    >>> similar_pictures([0b1011, 0b1011, 0b1111], waves).tolist()
    [0, -1, 0]
    """
    codes = np.asarray(hashes, dtype=np.uint64)
    waves = np.asarray(frequencies)
    rows = np.flatnonzero(codes)
    norms = np.linalg.norm(waves.astype(np.float32), axis=1)
    found = [np.empty((0, 2), dtype=np.int64)]
    for pairs in _candidates(codes[rows]):
        first, second = rows[pairs[:, 0]], rows[pairs[:, 1]]
        near = _bits(codes[first] ^ codes[second]) <= MAX_BITS
        first, second = first[near], second[near]
        gap = np.linalg.norm(waves[first].astype(np.float32) - waves[second], axis=1)
        same = gap <= MAX_DIFFERENCE * np.minimum(norms[first], norms[second])
        found.append(np.stack([first[same], second[same]], axis=1))
    return groups_of_pairs(np.concatenate(found), len(codes))


def conflicting(groups: ArrayLike, codes: ArrayLike | None) -> NDArray[np.bool_]:
    """(n,) bool: the row's group has two different labels, so at least one of them is wrong.

    Parameters
    ----------
    groups : (n,) array of int
        From :func:`equal_pictures`.
    codes : (n,) array of int or None
        Labels; −1 for an unknown one, which contradicts none.

    Returns
    -------
    (n,) bool array
        Time O(n), memory O(n).

    Examples
    --------
    >>> conflicting([0, 0, 1, 1, -1], [3, 4, 2, 2, 5]).tolist()
    [True, True, False, False, False]
    """
    group = np.asarray(groups, dtype=np.int64)
    if codes is None or not (group >= 0).any():
        return np.zeros(len(group), dtype=bool)
    labels = np.asarray(codes, dtype=np.int64)
    known = (group >= 0) & (labels >= 0)
    low = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
    high = np.full(len(low), -1)
    np.minimum.at(low, group[known], labels[known])
    np.maximum.at(high, group[known], labels[known])
    return np.asarray((low < high)[group] & (group >= 0))


def _candidates(codes: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """(m, 2) pairs of codes that agree in a band of bits, block by block."""
    edges = np.linspace(0, _HASH_BITS, MAX_BITS + 2).astype(np.uint64)
    for low, high in pairwise(edges):
        band = codes >> low & (np.uint64(1) << high - low) - np.uint64(1)
        order = np.argsort(band, kind="stable")
        ends = np.flatnonzero(np.diff(band[order], append=band.max(initial=0) + np.uint64(1)))
        # The partners of place i in the sorted order are the later places up to the band's end.
        last = np.repeat(ends, np.diff(ends, prepend=-1))
        partners = last - np.arange(len(order))
        yield from _pairs_of(order, partners)


def _pairs_of(order: NDArray[np.int64], partners: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """(m, 2) pairs of each element of the order with as many of those that follow it."""
    total = np.cumsum(partners)
    start = 0
    while start < len(order):
        done = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + _PAIRS, side="right")))
        counts = partners[start:stop]
        first = np.repeat(np.arange(start, stop), counts)
        offset = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
        yield np.stack([order[first], order[first + 1 + offset]], axis=1)
        start = stop


def _bits(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Number of bits that are set; numpy 1 has no bitwise_count."""
    pairs = values - (values >> np.uint64(1) & np.uint64(0x5555555555555555))
    fours = (pairs & np.uint64(0x3333333333333333)) + (
        pairs >> np.uint64(2) & np.uint64(0x3333333333333333)
    )
    bytes_ = fours + (fours >> np.uint64(4)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    counts: NDArray[np.uint8] = (bytes_ * np.uint64(0x0101010101010101) >> np.uint64(56)).astype(
        np.uint8
    )
    return counts
