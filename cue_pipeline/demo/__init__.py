"""Demonstration cues, synthesised by code.

Four short cues of original music (free to use, as the program is) that together show what
scoring sessions hold. Audio is made from the very events that are written as MIDI.
"""

from cue_pipeline.demo.writing import write_demo

__all__ = ["write_demo"]
