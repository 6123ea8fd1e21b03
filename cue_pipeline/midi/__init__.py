"""Standard MIDI Files: bytes to tempo map, meter, tracks and every channel voice message."""
