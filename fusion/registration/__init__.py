"""Sensors that are off: their biases, from the objects that several of them see."""
