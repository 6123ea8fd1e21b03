"""What does runs: started, watched, told to end, and recorded when they died."""

PRELOAD = "cue_pipeline.defs.runs.worker:modules_of_runs"
"""What a fork server for runs imports; named here, so that nobody imports it to say so."""
