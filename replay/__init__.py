"""Recorded time: recordings, the player, offline tracking, scores and pictures."""
