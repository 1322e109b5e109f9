"""The live service: one loop over its sockets, and what stands round it."""
