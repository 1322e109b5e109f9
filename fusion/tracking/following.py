"""Watching single tracks through the recursion: what each look made of them. Costs nothing where nobody watches."""

from __future__ import annotations

from typing import Protocol

from fusion.tracking.sensors import Look
from fusion.tracking.tracks import TrackStore
from fusion.types import Floats, Ints


class Follower(Protocol):
    """Called once a look, when every track it touched is updated and the new ones stand at the end of the store.

    A look that is taken again, after a late frame, is shown again.
    """

    def __call__(
        self, look: Look, store: TrackStore, rows: Ints, swept: Floats, pairs: tuple[Ints, Ints], paired: Floats
    ) -> None:
        """rows: of the store that the look touched.  swept: (rows,) P(inside what was swept).

        pairs: (place in rows, detection).  paired: (pairs,) their probabilities. Nothing may be changed.
        """
