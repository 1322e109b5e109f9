"""Which numbered messages of one sender have been there: duplicates, and gaps that late ones close again."""

from __future__ import annotations

BLOCK = 64  # seqs in one block
BLOCKS = 256  # blocks kept: the last 16 384 seqs of an orderly sender, at most 40 kB for a disorderly one
NEAR = 1024  # a refused message further than this from the others says nothing about what is missing


class SeenNumbers:
    """A set of whole numbers with bounded memory: the oldest-begun blocks are forgotten first.

    By blocks, not by distance from the highest: one absurd number does not push out the good ones.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, int] = {}

    def __contains__(self, number: int) -> bool:
        block, bit = divmod(number, BLOCK)
        return bool(self._blocks.get(block, 0) >> bit & 1)

    def add(self, number: int) -> bool:
        """Remember `number`. False when it was there already."""
        block, bit = divmod(number, BLOCK)
        bits = self._blocks.get(block, 0)
        if bits >> bit & 1:
            return False
        self._blocks[block] = bits | 1 << bit
        if len(self._blocks) > BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        return True


class Stream:
    """The `seq` of one source, topic and epoch, in any order of arrival.

    A gap is a `seq` between the lowest and the highest that arrived. A refused message did arrive: it is no
    gap, but its `seq` stays free, so that junk never shuts out the good message of that number.
    """

    def __init__(self) -> None:
        self._accepted = SeenNumbers()
        self._arrived = SeenNumbers()
        self._count = 0
        self._lowest: int | None = None
        self._highest = 0

    @property
    def gaps(self) -> int:
        """How many are missing by now; a late one lowers it."""
        return 0 if self._lowest is None else max(self._highest - self._lowest + 1 - self._count, 0)

    def is_duplicate(self, seq: int) -> bool:
        return seq in self._accepted

    def accept(self, seq: int) -> None:
        self._accepted.add(seq)
        self._arrive(seq)

    def refuse(self, seq: int) -> None:
        """Note a refused message, where its `seq` is believable."""
        if self._lowest is not None and self._lowest <= seq <= self._highest + NEAR:
            self._arrive(seq)

    def _arrive(self, seq: int) -> None:
        if not self._arrived.add(seq):
            return
        self._count += 1
        self._highest = seq if self._lowest is None else max(self._highest, seq)
        self._lowest = seq if self._lowest is None else min(self._lowest, seq)
