"""What does runs: started, watched, told to end, and recorded when they died."""

PRELOAD = "cue_pipeline.defs.runs.worker:modules_of_runs"
"""What a fork server for runs imports; named here, so that nobody imports it to say so."""

WORK = "cue_pipeline.defs.runs.worker:work"
RECORD_ENDS = "cue_pipeline.defs.runs.worker:record_ends"
"""What the processes of :func:`cue_pipeline.library.pool.run_plans` are forked to do."""
