"""What skypicket's alerts are worth beside two ways to make them: a straight line, and all that can be known."""

from __future__ import annotations

SMOKE, SHORT = 4, 200  # encounters; the 2000: `python -m benchmarks.alerts`
SEED = 1


def run(*, smoke: bool) -> None:
    """Print the table over some encounters, for `python -m benchmarks`."""
    from benchmarks.alerts.compared import compare, scores, table
    from replay.encounters.campaign import spread

    count = SMOKE if smoke else SHORT
    print("\n".join(f"   {line}" for line in table(scores(spread(compare, SEED, range(count), 1 if smoke else 2)))))
