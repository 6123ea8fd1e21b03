"""What a library is trained on: aligned windows, and data sets on disk."""
