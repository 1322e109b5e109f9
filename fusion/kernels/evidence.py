"""What the numbers of a track say after a look, as codes of `fusion.tracking.lifecycle`."""

from __future__ import annotations

from fusion.kernels.jit import entry
from fusion.types import COASTING, CONFIRMED, SECOND_NS, TENTATIVE

NOTHING, PROVEN, UNSEEN, SEEN, DOUBTED = range(5)

# Detections that each say little never lift a track to `confirmed_existence`, as objects also end: lasting does.
LASTING_EXISTENCE, LASTING_HITS, LASTING_S = 0.99, 10, 60.0
DOUBTED_TENTATIVE = 5e-5  # below what a new one must have: a lone detection survives about one miss
UNSEEN_LOOKS = 1.5  # expected detections missed: more than one unlucky look
SILENT_S = 60.0  # a sensor's outage is survived for so long: beyond it a prediction says next to nothing


@entry(
    "void(i8[::1], i8, i8[::1], f8[::1], f8[::1], i8[::1], i8[::1], i8[::1], i8[:,::1], f8[:,::1], f8, i8, f8, b1,"
    " i8[::1])"
)
def evidence(  # type: ignore[no-untyped-def]
    rows, now_ns, status, existence, owed, hits, created_ns, moved, covered_ns, visible, proven_existence, proven_hits,
    ended_existence, still_objects, said,
):  # fmt: skip
    """Writes `said` (rows,); the gravest wins.

    A track is doubted by existence × P(at least one sensor can see it), of those that looked where it was within
    `SILENT_S`: an object that nobody can see may well exist, but nobody tracks it.
    """
    for k in range(rows.size):
        row = rows[k]
        said[k] = NOTHING
        if status[row] == TENTATIVE:
            proven = existence[row] >= proven_existence and hits[row] >= proven_hits
            lasting = now_ns - created_ns[row] >= LASTING_S * SECOND_NS and hits[row] >= LASTING_HITS
            if (proven or (lasting and existence[row] >= LASTING_EXISTENCE)) and (still_objects or moved[row] == 1):
                said[k] = PROVEN
            if existence[row] < DOUBTED_TENTATIVE:
                said[k] = DOUBTED
            continue
        if status[row] == CONFIRMED and owed[row] >= UNSEEN_LOOKS:
            said[k] = UNSEEN
        if status[row] == COASTING and owed[row] < UNSEEN_LOOKS:
            said[k] = SEEN
        unseen = 1.0
        for s in range(visible.shape[1]):
            if now_ns - covered_ns[row, s] <= SILENT_S * SECOND_NS:
                unseen *= 1.0 - visible[row, s]
        if existence[row] * (1.0 - unseen) < ended_existence:
            said[k] = DOUBTED
