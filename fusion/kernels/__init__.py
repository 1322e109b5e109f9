"""Compiled loops over the track store, one module a step of the recursion."""
