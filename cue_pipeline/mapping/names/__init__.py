"""What names of tracks and stems say."""
