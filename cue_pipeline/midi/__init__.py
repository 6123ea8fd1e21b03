"""SMF bytes to tempo map, meter, tracks and events."""
