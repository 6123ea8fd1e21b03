"""What a cue is: its folder, its fingerprint, its number, its identity."""
