"""How many notes of the score there are, by what is decided of their tracks."""

from collections import Counter
from collections.abc import Collection

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import reading

REPEATS = "repeats"
UNMAPPED = "unmapped"


def count_notes(engine: sa.Engine, keys: Collection[str]) -> Counter[str]:
    """Return the notes of some cues, each counted once.

    Returns
    -------
    Counter
        By state of the track's mapping; :data:`UNMAPPED` where it has none, and :data:`REPEATS` for
        all of MIDI files that repeat another one of their cue (``midi_files.same_as``).
    """
    notes, tracks, files = t.midi_notes.c, t.midi_tracks.c, t.midi_files.c
    found: Counter[str] = Counter()
    with reading(engine) as connection:
        for part in in_parts(sorted(keys)):
            ids = (
                sa.select(tracks.id)
                .join(t.midi_files, files.id == tracks.midi_file_id)
                .join(t.cues, t.cues.c.id == files.cue_id)
                .where(t.cues.c.cue_key.in_(part))
            )
            counted = (
                sa.select(notes.midi_track_id, sa.func.count().label("n"))
                .where(notes.midi_track_id.in_(ids))
                .group_by(notes.midi_track_id)
                .subquery()
            )
            query = (
                sa.select(
                    files.same_as.is_not(None), t.track_mappings.c.state, sa.func.sum(counted.c.n)
                )
                .select_from(counted)
                .join(t.midi_tracks, tracks.id == counted.c.midi_track_id)
                .join(t.midi_files, files.id == tracks.midi_file_id)
                .outerjoin(t.track_mappings, t.track_mappings.c.midi_track_id == tracks.id)
                .group_by(files.same_as.is_not(None), t.track_mappings.c.state)
            )
            for repeats, state, n in connection.execute(query):
                found[REPEATS if repeats else state or UNMAPPED] += int(n)
    return found
