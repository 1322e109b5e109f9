"""Campaigns: grids of simulated runs, tracked and scored on Ray, and the search for a tracker's parameters."""
