"""The code location, assembled once; nothing else happens here."""

from cue_pipeline.defs.location import build_defs
from cue_pipeline.settings import read_settings

defs = build_defs(read_settings())
