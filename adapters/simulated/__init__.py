"""Flights, and the radars and cameras that see them, from a scenario file and a seed: frames and truth."""
