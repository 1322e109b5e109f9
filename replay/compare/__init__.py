"""Two runs on one recording: what is better in which, and whether that is more than chance."""
