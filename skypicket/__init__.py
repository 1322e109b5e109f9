"""The face: the command line, the live service and the demo. Nothing imports it."""

__version__ = "0.1.0"
