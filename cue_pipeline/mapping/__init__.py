"""Which MIDI track is which stem, and what both are."""
