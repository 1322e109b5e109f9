"""Tracks for other programs: tables (Parquet, CSV) and maps (GeoJSON, KML)."""
