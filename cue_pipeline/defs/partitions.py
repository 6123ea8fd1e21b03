"""The one partition dimension: every cue is a dynamic partition."""

import dagster as dg

cues = dg.DynamicPartitionsDefinition(name="cues")
"""Keys are ``cues.cue_key``: the folder's path relative to the library's root."""
