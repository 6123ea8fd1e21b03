"""``python -m cue_pipeline.cli``: the same as ``cue-pipeline``."""

from cue_pipeline.cli import main

if __name__ == "__main__":
    main()
