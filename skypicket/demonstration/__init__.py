"""The whole job on one machine, as `skypicket demo` shows it."""
