"""Where a track came from: its path smoothed, back through its first detection."""
