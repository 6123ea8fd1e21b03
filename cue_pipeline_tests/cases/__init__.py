"""Cues as people reported them, and what must become of each."""
