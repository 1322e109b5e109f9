"""Airspace as states publish it (OpenAir, ED-269, ED-318) into zones."""
