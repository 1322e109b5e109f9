"""What alerts were worth against truth: `judge` one run, `pool` many; definitions in docs/scoring.md."""
