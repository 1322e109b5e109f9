"""Where a track may go: sampled paths, entries, corridors, and what it did lately."""
