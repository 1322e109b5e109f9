"""A Sobol sequence of fixed scrambling: points that fill the cube evenly, the first 2ⁿ of them too, for every n."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.types import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint32]

# Primitive polynomials and first direction numbers of the second to the 33rd dimension: Joe and Kuo (2008),
# new-joe-kuo-6. The first is van der Corput's.
DIRECTIONS: Final[tuple[tuple[int, tuple[int, ...]], ...]] = (
    (3, (1,)), (7, (1, 3)), (11, (1, 3, 1)), (13, (1, 1, 1)), (19, (1, 1, 3, 3)), (25, (1, 3, 5, 13)),
    (37, (1, 1, 5, 5, 17)), (41, (1, 1, 5, 5, 5)), (47, (1, 1, 7, 11, 19)), (55, (1, 1, 5, 1, 1)),
    (59, (1, 1, 1, 3, 11)), (61, (1, 3, 5, 5, 31)), (67, (1, 3, 3, 9, 7, 49)), (91, (1, 1, 1, 15, 21, 21)),
    (97, (1, 3, 1, 13, 27, 49)), (103, (1, 1, 1, 15, 7, 5)), (109, (1, 3, 1, 15, 13, 25)), (115, (1, 1, 5, 5, 19, 61)),
    (131, (1, 3, 7, 11, 23, 15, 103)), (137, (1, 3, 7, 13, 13, 15, 69)), (143, (1, 1, 3, 13, 7, 35, 63)),
    (145, (1, 3, 5, 9, 1, 25, 53)), (157, (1, 3, 1, 13, 9, 35, 107)), (167, (1, 3, 1, 5, 27, 61, 31)),
    (171, (1, 1, 5, 11, 19, 41, 61)), (185, (1, 3, 5, 3, 3, 13, 69)), (191, (1, 1, 7, 13, 1, 19, 1)),
    (193, (1, 3, 7, 5, 13, 19, 59)), (203, (1, 1, 3, 9, 25, 29, 41)), (211, (1, 3, 5, 13, 23, 1, 55)),
    (213, (1, 3, 7, 3, 13, 59, 17)), (229, (1, 3, 1, 3, 5, 53, 69)),
)  # fmt: skip
BITS: Final = 32
DIMENSIONS: Final = 1 + len(DIRECTIONS)


def sobol(count: int, dimensions: int, source: np.random.PCG64) -> Floats:
    """The first `count` points, (count, dimensions), each coordinate inside (0, 1).

    Scrambled by nested permutations (Owen 1995) as Burley (2020) computes them with the hash of Laine and Karras
    (2011), keyed by the raw stream of `source`.
    """
    seeds = (np.asarray(source.random_raw(dimensions)) >> np.uint64(32)).astype(np.uint32)
    index = np.arange(count, dtype=np.uint32)
    out = np.empty((count, dimensions))
    for d in range(dimensions):
        words = np.zeros(count, dtype=np.uint32)
        for bit, direction in enumerate(_directions(d)[: max(count - 1, 1).bit_length()]):
            words ^= np.where(index >> np.uint32(bit) & np.uint32(1), direction, np.uint32(0))
        out[:, d] = (_scrambled(words, seeds[d]) + 0.5) / 2.0**BITS
    return out


def _directions(dimension: int) -> Words:
    """(BITS,) direction numbers: Bratley and Fox (1988), eq. 2."""
    if dimension == 0:
        return np.array([1 << (BITS - 1 - i) for i in range(BITS)], dtype=np.uint32)
    polynomial, first = DIRECTIONS[dimension - 1]
    degree, found = len(first), list(first)
    for i in range(degree, BITS):
        value = found[i - degree] ^ (found[i - degree] << degree)
        for k in range(1, degree):
            if polynomial >> (degree - k) & 1:
                value ^= found[i - k] << k
        found.append(value)
    return np.array([value << (BITS - 1 - i) for i, value in enumerate(found)], dtype=np.uint32)


def _scrambled(words: Words, seed: np.uint32) -> Words:
    turned = _reversed(words) + seed
    for factor in (0x6C50B47C, 0xB82F1E52, 0xC7AFE638, 0x8D22F6E6):
        turned ^= turned * np.uint32(factor)
    return _reversed(turned)


def _reversed(words: Words) -> Words:
    """The bits in the other order."""
    for shift, mask in ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F), (8, 0x00FF00FF)):
        by, kept = np.uint32(shift), np.uint32(mask)
        words = ((words >> by) & kept) | ((words & kept) << by)
    return np.asarray((words >> np.uint32(16)) | (words << np.uint32(16)), dtype=np.uint32)
