"""Files that people write, `site.toml` and zones, into checked configuration; every mistake with its place."""
