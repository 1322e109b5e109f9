"""A recording played from the command line: keys, requests, the position bar."""
