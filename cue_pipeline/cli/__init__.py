"""The command line: thin, over defs and warehouse."""

from cue_pipeline.cli.commands import main

__all__ = ["main"]
