"""Tables of clocks: where MIDI files are heard in stems and mixes, and who says so."""

from typing import Any

import sqlalchemy as sa

from cue_pipeline.warehouse.catalogue import column, link, table
from cue_pipeline.warehouse.types import Json, Timestamp


def _clock(file: str) -> list[sa.Column[Any]]:
    """Return the columns that say how a score stands in a file."""
    return [
        column(
            "lag_seconds",
            sa.Double,
            f"{file}'s time less MIDI time, in the middle of its wander, or as stated; NULL: "
            "nothing tells it.",
            null=True,
        ),
        column(
            "knots",
            Json,
            "`[[score_seconds, audio_seconds], …]`, rising in both, even in between, at the "
            "score's tempo before the first and after the last; NULL: nothing tells them.",
            null=True,
        ),
        column(
            "method",
            sa.Text,
            "What tells it: `stated`, `sound`, `time_code`, `bext` or `none`.",
        ),
        column("confidence", sa.Double, "How far to believe it, 0 to 1."),
        column(
            "spread_ms",
            sa.Double,
            "How far onsets scatter around their places; NULL: too few are heard, or not measured.",
            null=True,
        ),
        column(
            "reason",
            sa.Text,
            "What tells it, in words, and what else agrees or is refused; NULL: not made since "
            "there is this column.",
            null=True,
        ),
    ]


stem_alignments = table(
    "stem_alignments",
    "match_evidence",
    "Where in each stem the notes of each MIDI file are heard: the file's clock there.",
    link("midi_file_id", "midi_files.id", "The MIDI file.", key=True),
    link("audio_file_id", "audio_files.id", "The stem.", key=True),
    *_clock("Stem"),
    sa.Index(None, "audio_file_id"),
)


alignment_segments = table(
    "alignment_segments",
    "match_evidence",
    "The knots of `stem_alignments` for SQL: what of the score runs evenly.",
    link("midi_file_id", "midi_files.id", "The MIDI file.", key=True),
    link("audio_file_id", "audio_files.id", "The stem.", key=True),
    column("segment_index", sa.Integer, "From 0.", key=True),
    column("score_from", sa.Double, "Score's time where it begins; the first has no beginning."),
    column("score_until", sa.Double, "Score's time before which it ends; the last has no end."),
    column("score_seconds", sa.Double, "A moment of the score …"),
    column("audio_seconds", sa.Double, "… and where it is heard in the stem."),
    column("slope", sa.Double, "Seconds of the stem for a second of the score."),
    sa.Index(None, "audio_file_id"),
)


mix_alignments = table(
    "mix_alignments",
    "match_evidence",
    "Where in each mix the notes of each MIDI file are heard.",
    link("midi_file_id", "midi_files.id", "The MIDI file.", key=True),
    link("final_mix_id", "final_mixes.id", "The mix.", key=True),
    *_clock("Mix"),
    sa.Index(None, "final_mix_id"),
)


alignment_overrides = table(
    "alignment_overrides",
    "people",
    "What people say of a cue's clock; no run ever deletes a row.",
    column("cue_key", sa.Text, "The cue.", key=True, references="cues.cue_key"),
    column("midi_file", sa.Text, "The MIDI file's path; empty: every one.", key=True),
    column("stem", sa.Text, "The stem or mix; empty: all, by the earliest stem.", key=True),
    column(
        "lag_seconds",
        sa.Double,
        "Where in it the score's beginning is heard, seconds; NULL: no say.",
        null=True,
    ),
    column(
        "tempo",
        Json,
        "`[[quarters, microseconds_per_quarter], …]` that were played to; NULL: no say.",
        null=True,
    ),
    column("tempo_from", sa.Text, "The file from which `tempo` is.", null=True),
    column("note", sa.Text, "Why, in a person's words.", null=True),
    column("created_at", Timestamp, "When.", made_by="warehouse"),
    column("decided_by", sa.Text, "Who."),
    column("stem_content", sa.Text, "`content_hash` of the stem, then.", null=True),
)


alignment_history = table(
    "alignment_history",
    "people",
    "Every change of what people say of a clock; no run ever deletes a row.",
    column("id", sa.BigInteger, "A random number.", key=True),
    column("change_id", sa.BigInteger, "The same for all that one command changed."),
    column("cue_key", sa.Text, "The cue.", references="cues.cue_key"),
    column("midi_file", sa.Text, "As in `alignment_overrides`."),
    column("stem", sa.Text, "As in `alignment_overrides`."),
    column("action", sa.Text, "`set`, `unset`, `undo` or `move`."),
    column("lag_seconds", sa.Double, "As stated since; NULL: no say.", null=True),
    column("tempo_from", sa.Text, "As stated since.", null=True),
    column("note", sa.Text, "As stated since.", null=True),
    column("before", Json, "The row of `alignment_overrides` until then; NULL: none.", null=True),
    column("decided_by", sa.Text, "Who."),
    column("decided_at", Timestamp, "When.", made_by="warehouse"),
    sa.Index(None, "cue_key"),
)
