"""Scores as HTML pages that a person can send on: one file, nothing loaded, light or dark."""
