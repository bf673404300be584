"""Readouts: what an instrument, a reader or a registry reports of a patient. Nothing here changes a state."""
