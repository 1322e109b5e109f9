"""Recordings played into a running service."""
