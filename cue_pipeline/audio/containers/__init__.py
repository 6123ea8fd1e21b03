"""Containers of audio: what their headers say, held against what the file really holds."""
