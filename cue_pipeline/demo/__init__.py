"""Demonstration cues, synthesised by code."""
