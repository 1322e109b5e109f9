"""Everything outside the core: the wire, ZeroMQ, files of configuration, the alert journal, simulated sensors."""
