"""The search for a tracker's parameters on recordings with truth, and what it gains on recordings held out."""
