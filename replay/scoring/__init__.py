"""How good tracks are, against truth."""
