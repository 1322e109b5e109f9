"""The door for everything that comes in: received, checked, counted, or refused with a reason."""
