"""ZeroMQ: what goes out, what is asked and answered, and following it all without losing anything."""
