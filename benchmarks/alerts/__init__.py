"""What skypicket's alerts are worth beside two ways to make them: a straight line, and all that can be known."""
