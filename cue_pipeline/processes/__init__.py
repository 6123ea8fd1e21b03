"""Processes of the operating system: forked from a warm one, named, and told alive from dead.

Neither Dagster nor cues are known here: what a process does is named by whoever asks for it.
"""
