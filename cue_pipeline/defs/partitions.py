"""The one partition dimension: every cue is a dynamic partition."""

import dagster as dg

PARTITIONS_NAME = "cues"

cues = dg.DynamicPartitionsDefinition(name=PARTITIONS_NAME)
"""Keys are ``cues.cue_key``: the folder's path relative to the library's root."""
