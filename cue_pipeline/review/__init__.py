"""The page on which people decide by eye and ear which track is heard in which stem.

A server of its own beside Dagster's (`cue-pipeline review`), of which Dagster knows nothing: it
reads the tables through the Python door, makes sound of the cue's files, and keeps decisions where
`cue-pipeline mappings set` keeps them.
"""
