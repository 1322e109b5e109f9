"""Rows of the track store, moved and cleared in one go. The store is one block of words, column after column.

block: (capacity × words a row,).  widths: (columns,) words in a row of each column, whatever they mean.
Places in a block are unsigned: a signed one may count from the end, which is asked of every word, and is six times
as slow.
"""

from __future__ import annotations

import numpy as np

from fusion.kernels.jit import apart, entry


@apart
def _capacity(block, widths):  # type: ignore[no-untyped-def]
    words = 0
    for c in range(widths.size):
        words += widths[c]
    return block.size // words


@entry("void(i8[::1], i8[::1], i8, i8)")
def clear(block, widths, begin, end):  # type: ignore[no-untyped-def]
    """Zero the rows from `begin` to before `end`."""
    capacity, at = _capacity(block, widths), 0
    for c in range(widths.size):
        for i in range(np.uint64(at + begin * widths[c]), np.uint64(at + end * widths[c])):
            block[i] = 0
        at += capacity * widths[c]


@entry("i8[::1](i8[::1], i8[::1], b1[::1])")
def keep(block, widths, mask):  # type: ignore[no-untyped-def]
    """Close the gaps that the rows leave which are False in `mask`; returns the rows that moved, in order."""
    capacity, at, first, count = _capacity(block, widths), 0, 0, 0
    while first < mask.size and mask[first]:
        first += 1
    moved = np.empty(mask.size - first, np.int64)
    for row in range(first, mask.size):
        if mask[row]:
            moved[count] = row
            count += 1
    for c in range(widths.size):
        width = np.uint64(widths[c])
        for k in range(count):
            to, begin = np.uint64(at) + np.uint64(first + k) * width, np.uint64(at) + np.uint64(moved[k]) * width
            for i in range(width):
                block[to + i] = block[begin + i]
        at += capacity * widths[c]
    return moved[:count]


@entry("void(i8[::1], i8[::1], i8[::1], i8[::1], i8)")
def put(source, target, widths, rows, begin):  # type: ignore[no-untyped-def]
    """Copy `rows` of one block to another's rows from `begin` on."""
    here, there, one, other = _capacity(source, widths), _capacity(target, widths), 0, 0
    for c in range(widths.size):
        width = np.uint64(widths[c])
        for k in range(rows.size):
            from_, to = np.uint64(one) + np.uint64(rows[k]) * width, np.uint64(other) + np.uint64(begin + k) * width
            for i in range(width):
                target[to + i] = source[from_ + i]
        one, other = one + here * widths[c], other + there * widths[c]
