"""Recordings as files: `.mcap` and `.jsonl` behind one interface, written, read, recorded."""
