"""Objects of which a direction is all that is known."""
