"""All variations: written into a library, and what must become of each cue."""

from pathlib import Path

from cue_pipeline_tests.cases.building import NewCue
from cue_pipeline_tests.cases.reported import Rule
from cue_pipeline_tests.cases.variations_audio import AUDIO
from cue_pipeline_tests.cases.variations_midi import MIDI

WRITERS = AUDIO | MIDI


def write(library: Path) -> dict[str, Rule]:
    """Write every variation as a cue of its name; return the rule of each."""
    return {key: writer(NewCue(library / key)) for key, writer in WRITERS.items()}
