"""Tables of a cue's MIDI files, parts and events."""

from typing import Any

import sqlalchemy as sa

from cue_pipeline.warehouse.catalogue import column, link, row_key, table
from cue_pipeline.warehouse.types import Json


def _events(name: str, doc: str, *columns: sa.Column[Any], end: tuple[Any, ...] = ()) -> sa.Table:
    """Return a table of events of a track, keyed by their place in it."""
    return table(
        name,
        "midi_events",
        doc,
        link(
            "midi_track_id",
            "midi_tracks.id",
            "The track that holds the event.",
            enforced=False,
            key=True,
        ),
        column("event_index", sa.Integer, "Place among all events of the track, from 0.", key=True),
        column("channel", sa.SmallInteger, "MIDI channel, 0 to 15."),
        *columns,
        *end,
        # The key is the table: 30 % smaller, and a track's events lie together.
        sqlite_with_rowid=False,
    )


def _moment() -> tuple[sa.Column[Any], ...]:
    return (
        column("tick", sa.BigInteger, "When, in ticks from the start of the file."),
        column("time", sa.Double, "When, in seconds from the start of the file."),
        *_place("it"),
    )


def _place(what: str) -> tuple[sa.Column[Any], ...]:
    return (
        column("bar", sa.BigInteger, f"Bar in which {what} falls, from 1."),
        column("beat", sa.Double, "Beat in that bar, from 1, in units of the denominator."),
    )


midi_files = table(
    "midi_files",
    "tempo_map",
    "One row per MIDI file of a cue.",
    row_key("`row_id('midi_files', first_key, file_path)`."),
    link("cue_id", "cues.id", "The cue."),
    column("file_path", sa.Text, "Relative to the cue's folder, POSIX."),
    column("sha256", sa.Text, "Of the file's bytes; NULL: it cannot be read.", null=True),
    column("format", sa.Integer, "SMF type: 0, 1 or 2; NULL: unusable.", null=True),
    column("division", sa.Integer, "The header's 16-bit division word.", null=True),
    column("sequence", sa.Integer, "Of a type 2 file, from 0; it has a row each.", null=True),
    column(
        "ticks_per_beat",
        sa.Integer,
        "Ticks per quarter note; for SMPTE time see `docs/timing.md`.",
        null=True,
    ),
    column("duration_seconds", sa.Double, "To the last event; NULL: unusable.", null=True),
    column("tempo_map", Json, "`[[time, tick, microseconds_per_quarter], …]`."),
    column("time_signature_map", Json, "`[[time, tick, numerator, denominator], …]`."),
    column("key_signature_map", Json, '`[[time, tick, fifths, "major" or "minor"], …]`.'),
    column("markers", Json, "`[[time, tick, text], …]`."),
    column("cue_points", Json, "`[[time, tick, text], …]`.", null=True),
    column("lyrics", Json, "`[[time, tick, text], …]`.", null=True),
    column("texts", Json, "`[[time, tick, text], …]`: text and copyright.", null=True),
    column("smpte_offset", Json, "Where the file starts on the film's clock.", null=True),
    column(
        "time_codes",
        Json,
        "Every time code it writes: `[[time, tick, seconds since midnight, text], …]`.",
        null=True,
    ),
    column(
        "clock_from",
        sa.Text,
        "`file_path` of the file whose tempo map this one follows; NULL: its own.",
        null=True,
    ),
    column(
        "same_as",
        sa.Text,
        "`file_path` of the file that holds the same music and counts in its place; NULL: none.",
        null=True,
    ),
    column("clock_doubt", sa.Text, "Why its times are in doubt; NULL: they are not.", null=True),
    column(
        "charset",
        sa.Text,
        "Character set of its texts, as Python names it; UTF-8 proves itself.",
        null=True,
    ),
    column(
        "charset_confidence",
        sa.Double,
        "0 to 1: how surely they read so and not otherwise; 1 if stated.",
        null=True,
    ),
    column("warnings", Json, "Damage that was read around, in words."),
    sa.UniqueConstraint("cue_id", "file_path"),
)


midi_tracks = table(
    "midi_tracks",
    "midi_events",
    "One row per part: a track chunk of a MIDI file, or what it sends on one port and channel "
    "where its notes are on several; two parts of one name stay two.",
    row_key(
        "`row_id('midi_tracks', first_key, file_path, track_index)`, then port and channel if any."
    ),
    link("midi_file_id", "midi_files.id", "The file."),
    column("track_index", sa.Integer, "Place of the track in the file, from 0."),
    column("port", sa.SmallInteger, "Its port; NULL: the track is one part.", null=True),
    column(
        "part_channel",
        sa.SmallInteger,
        "Its channel, 0 to 15 (of an MPE zone the manager's); NULL: the track is one part.",
        null=True,
    ),
    column("track_name", sa.Text, "The best of its names, decoded; empty: none.", null=True),
    column("raw_name", sa.LargeBinary, "The name's bytes as they stand in the file.", null=True),
    column("all_names", Json, "Every name of the part and its track: `[text, …]`.", null=True),
    column(
        "sounds",
        Json,
        "What its notes are played with: `[[program, bank_msb, bank_lsb, notes], …]`, "
        "programs of set-up tracks counted; null: not said.",
        null=True,
    ),
    column(
        "drum_kit",
        sa.Text,
        "What says that its notes are strokes on a drum kit: channel 10, a bank, a SysEx; "
        "NULL: they are pitches.",
        null=True,
    ),
    column(
        "stray_note_offs",
        Json,
        "Note-offs of no note: `[[event_index, tick, channel, note, velocity], …]`.",
        null=True,
    ),
    column(
        "sounding_seconds",
        sa.Double,
        "How long one of its notes or more sounds, by the lengths of keys; NULL: not counted yet.",
        null=True,
    ),
    column(
        "instrument_category",
        sa.Text,
        "One of the fixed list; NULL: undecided.",
        null=True,
        owner="llm_mappings",
    ),
    link(
        "assigned_audio_file_id",
        "audio_files.id",
        "The stem in which the track is heard; NULL: none.",
        null=True,
        owner="llm_mappings",
        vanish="clear",
    ),
    sa.Index(None, "midi_file_id", "track_index", "port", "part_channel", unique=True),
    sa.Index(None, "assigned_audio_file_id"),
    sa.Index(None, "instrument_category"),
)


cue_sketches = table(
    "cue_sketches",
    "midi_events",
    "A sample of the music of each cue, by which cues are compared: see `docs/data-model.md`.",
    link("cue_id", "cues.id", "The cue.", key=True),
    column("n_shingles", sa.Integer, "Different runs of seven intervals in its parts."),
    column(
        "sketch",
        sa.LargeBinary,
        "The 512 smallest of their hashes, ascending: `uint64`, little-endian.",
    ),
)


midi_notes = _events(
    "midi_notes",
    "Every note, with its length.",
    column("note", sa.SmallInteger, "Pitch, 0 to 127; 60 is middle C."),
    column("velocity", sa.SmallInteger, "1 to 127."),
    column("release_velocity", sa.SmallInteger, "0 to 127; NULL: not sent.", null=True),
    column("start_tick", sa.BigInteger, "Ticks from the start of the file."),
    column("end_tick", sa.BigInteger, "Ticks from the start of the file."),
    column("start_time", sa.Double, "Seconds from the start of the file."),
    column("duration", sa.Double, "Seconds."),
    end=(
        *_place("it starts"),
        column(
            "flags", sa.SmallInteger, "Bits: 1 unterminated, 2 overlaps its pitch, 4 zero length."
        ),
        column(
            "end_event_index",
            sa.Integer,
            "The `event_index` of the note's end; NULL: unterminated.",
            null=True,
        ),
    ),
)


midi_cc = _events(
    "midi_cc",
    "Every control change.",
    column("cc_number", sa.SmallInteger, "Controller, 0 to 127."),
    column("cc_value", sa.SmallInteger, "0 to 127."),
    end=_moment(),
)


midi_program_changes = _events(
    "midi_program_changes",
    "Every program change.",
    column("program", sa.SmallInteger, "0 to 127."),
    end=(
        *_moment(),
        column("bank_msb", sa.SmallInteger, "Last CC 0 before it; NULL: none.", null=True),
        column("bank_lsb", sa.SmallInteger, "Last CC 32 before it; NULL: none.", null=True),
    ),
)


midi_pitch_bends = _events(
    "midi_pitch_bends",
    "Every pitch bend.",
    column("value", sa.SmallInteger, "−8192 to 8191; 0 is the centre."),
    end=_moment(),
)


midi_aftertouch = _events(
    "midi_aftertouch",
    "Every aftertouch message, of a key or of the channel.",
    column("note", sa.SmallInteger, "Pitch; NULL: the whole channel.", null=True),
    column("value", sa.SmallInteger, "Pressure, 0 to 127."),
    end=_moment(),
)
