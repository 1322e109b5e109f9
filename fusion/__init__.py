"""The core: frames in, events out. It opens no socket or file, reads no clock, draws no random number."""
