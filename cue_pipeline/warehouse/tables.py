"""Every table of the warehouse: its columns, what they mean and which asset owns them.

Conventions
-----------
Times are float64 seconds from the start of the MIDI file; ticks are integers; bars and beats
count from 1, a beat is fractional in units of the time signature's denominator. Paths are
relative to the cue's folder, POSIX. Ids are 63-bit integers that the client derives from natural
keys (:func:`cue_pipeline.cue.identity.row_id`).

``table.info["owner"]`` and, where it differs, ``column.info["owner"]`` name the asset that writes:
re-materialising an asset rewrites its own rows and columns and nothing else. Assets that make
features share tables: ``table.info["kinds"]`` says which ``feature_type`` is whose. A new kind of
feature is one entry there. ``column.doc`` is what ``docs/data-model.md`` prints.

``column.info["references"]`` names what a column points at. Where the parent is sure to be
written first and rows are few, a foreign key enforces it (on SQLite and PostgreSQL); event and
chunk tables have none, because a check for every one of a million rows costs more than the load
(the store checks their references batch by batch instead), and neither has Aurora DSQL.
"""

from typing import Any

import sqlalchemy as sa

from cue_pipeline.warehouse.catalogue import (
    column,
    kinds_of,
    link,
    metadata,
    ordered_tables,
    owned_columns,
    owner,
    referred,
    referring,
    scope_column,
    sharing,
    table,
    writers,
)
from cue_pipeline.warehouse.types import Json, Timestamp

__all__ = [
    "CHUNK_BYTES",
    "MEL_SPECTROGRAM",
    "kinds_of",
    "metadata",
    "ordered_tables",
    "owned_columns",
    "owner",
    "referred",
    "referring",
    "scope_column",
    "sharing",
    "writers",
]

CHUNK_BYTES = 512 * 1024
"""Most bytes of a feature chunk: half of what Aurora DSQL takes for one value."""

MEL_SPECTROGRAM = "mel_spectrogram"
"""The ``feature_type`` of mel spectrograms."""

STEM_FEATURES = {MEL_SPECTROGRAM: "mel_features"}
MIX_FEATURES = {MEL_SPECTROGRAM: "final_mix_features"}
"""Kinds of features of stems and of mixes: ``feature_type`` → the asset that makes it."""

_BY_MEL = {"owner": "mel_features"}  # it is the asset that reads every sample


def _id(doc: str) -> sa.Column[Any]:
    return column("id", sa.BigInteger, doc, key=True)


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


def _features(name: str, kinds: dict[str, str], parent: str, parent_id: str) -> sa.Table:
    return table(
        name,
        kinds[MEL_SPECTROGRAM],
        f"One row per feature of a row of `{parent}`: what its chunks hold and how it was made.",
        _id("`row_id(table, first_key, canonical_name, feature_type, channel, profile)`."),
        link(parent_id, f"{parent}.id", "What the feature was made of."),
        column("feature_type", sa.Text, "Kind of feature: `mel_spectrogram`, …"),
        column("channel", sa.Text, "`mono` for the composite, else a channel's label."),
        column("profile", sa.Text, "Name of the set of parameters: `default`, …"),
        column("sample_rate", sa.Integer, "Hz, after resampling."),
        column("hop_length", sa.Integer, "Samples between frames."),
        column("n_mels", sa.Integer, "Columns of the array: mel bands, or what the kind has."),
        column("n_frames", sa.Integer, "Frames: rows of the array."),
        column("dtype", sa.Text, "NumPy type of the array, little-endian: `float16`."),
        column(
            "max_db",
            sa.Double,
            "Largest value, dB; subtract it for dB re maximum. NULL: no frames, or no dB.",
            null=True,
        ),
        column("params", Json, "Every parameter and library version that made it."),
        column("warnings", Json, "Damage met while reading the samples, in words."),
        sa.UniqueConstraint(parent_id, "feature_type", "channel", "profile"),
        kinds=kinds,
    )


def _chunks(name: str, owner: str, parent: str, parent_id: str) -> sa.Table:
    return table(
        name,
        owner,
        f"The arrays of `{parent}`, cut along time so that a window reads one or two rows.",
        link(parent_id, f"{parent}.id", "The feature.", enforced=False, key=True),
        column("chunk_index", sa.Integer, "Place of the chunk, from 0.", key=True),
        column("first_frame", sa.Integer, "Index of its first frame in the whole array."),
        column("n_frames", sa.Integer, "Frames in this chunk."),
        column(
            "data",
            sa.LargeBinary(CHUNK_BYTES),
            "C-order array of shape (n_frames, n_mels), at most 512 KiB.",
        ),
    )


cues = table(
    "cues",
    "scan",
    "One row per cue folder ever seen below a library's root.",
    _id("`row_id('cues', first_key)`."),
    column("cue_key", sa.Text, "Partition key: path below the root, POSIX, NFC.", unique=True),
    column("root", sa.Text, "The library's base folder, absolute."),
    column(
        "folder",
        sa.Text,
        "The cue's folder below `root`, POSIX, spelt as on disk; NULL: not scanned since there is "
        "this column.",
        null=True,
    ),
    column(
        "project",
        sa.Text,
        "By `CUE_PROJECT_PATTERN`, the top folder, or what stands before the number.",
        null=True,
    ),
    column("reel", sa.Integer, "Reel, from the folder's name.", null=True),
    column("cue_number", sa.Integer, "Number within the reel.", null=True),
    column("cue_suffix", sa.Text, "Letter of a cue inserted later: `a`; NULL: none.", null=True),
    column("is_source", sa.Boolean, "Source music, heard by the characters.", null=True),
    column(
        "title",
        sa.Text,
        "What the folder's name says after the number, but the version.",
        null=True,
    ),
    column(
        "version",
        sa.Text,
        "What the names say of the version: `2`, `R`, `alt`, `old`, a date; NULL: nothing.",
        null=True,
    ),
    column(
        "work_id",
        sa.BigInteger,
        "The same in all versions of a work; NULL: not compared yet.",
        null=True,
    ),
    column(
        "is_latest",
        sa.Boolean,
        "Whether it is the latest version of its work; NULL: nothing says which is.",
        null=True,
    ),
    column("duplicate_of", sa.Text, "`cue_key` of the cue that it repeats; NULL: none.", null=True),
    column(
        "duplicate_share",
        sa.Double,
        "How much of the smaller of the two is in the other, 0.15 to 1.",
        null=True,
    ),
    column("duplicate_why", sa.Text, "What they have in common, in words.", null=True),
    column(
        "verdict",
        sa.Text,
        "Why it was not up to date when a sensor last looked; empty: it was; NULL: not looked.",
        null=True,
    ),
    column("verdict_told", sa.Text, "What the UI was told of that, and by whom.", null=True),
    column("state", sa.Text, "`present` or `missing`."),
    column("fingerprint", sa.Text, "SHA-256 over both fingerprints below."),
    column("midi_fingerprint", sa.Text, "Changes with any MIDI file."),
    column("audio_fingerprint", sa.Text, "Changes with any audio file."),
    column(
        "midi_seen",
        sa.Text,
        "The fingerprint by the dates of today, of files that hold what those of "
        "`midi_fingerprint` held; NULL: the same.",
        null=True,
    ),
    column("audio_seen", sa.Text, "The same of `audio_fingerprint`.", null=True),
    column(
        "first_key",
        sa.Text,
        "The key under which it was first registered, from which its ids derive (with `//2` where "
        "another cue had that before); NULL: `cue_key`.",
        null=True,
    ),
    column("moved_from", sa.Text, "Its key before it was last moved; NULL: never.", null=True),
    column("moved_at", Timestamp, "When that was.", null=True),
    column("first_seen_at", Timestamp, "When a scan first found it.", made_by="warehouse"),
    column("last_seen_at", Timestamp, "When a scan last found it.", made_by="warehouse"),
    sa.Index(None, "project", "reel", "cue_number"),
)

cue_assets = table(
    "cue_assets",
    "warehouse",
    "The ledger: what of a cue is whole. Readers trust rows whose asset is `ready` here.",
    link("cue_id", "cues.id", "The cue.", key=True),
    column("asset", sa.Text, "The asset's name.", key=True),
    column("state", sa.Text, "`loading`, `ready` or `failed`."),
    column(
        "fingerprint",
        sa.Text,
        "Of the inputs that were read; NULL after rows went with a vanished parent: stale.",
        null=True,
    ),
    column("code_version", sa.Text, "Of the code that made the rows.", null=True),
    column("data_version", sa.Text, "Of the rows, as Dagster records it.", null=True),
    column("row_count", sa.BigInteger, "Rows written, over all its tables."),
    column("error", sa.Text, "Why it failed; NULL otherwise.", null=True),
    column("started_at", Timestamp, "When the work began."),
    column("finished_at", Timestamp, "When it ended; NULL while loading.", null=True),
)

cue_contents = table(
    "cue_contents",
    "warehouse",
    "What a cue's files hold: by this a cue is known again that was moved, or restored under new "
    "dates.",
    link("cue_id", "cues.id", "The cue.", key=True),
    column("kind", sa.Text, "`midi` or `audio`.", key=True),
    column("fingerprint", sa.Text, "Of the files when they were read."),
    column(
        "files",
        Json,
        "`[[path, bytes, modified in ns, inode, hash or null], …]`: of MIDI the SHA-256 of the "
        "file, of audio `xxh3:` and XXH3-128 of it.",
    ),
)

cue_writers = table(
    "cue_writers",
    "warehouse",
    "Who is loading a cue now, on engines whose loads span transactions (Aurora DSQL).",
    link("cue_id", "cues.id", "The cue.", key=True),
    column("writer", sa.Text, "A random name of one load."),
    column("asset", sa.Text, "What it loads."),
    column("heartbeat_at", Timestamp, "Its last sign of life."),
)

midi_files = table(
    "midi_files",
    "tempo_map",
    "One row per MIDI file of a cue.",
    _id("`row_id('midi_files', first_key, file_path)`."),
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
    _id(
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

audio_files = table(
    "audio_files",
    "channel_groups",
    "One row per group of channels that belong together: a mono file, or L and R of one stem.",
    _id("`row_id('audio_files', first_key, canonical_name)`."),
    link("cue_id", "cues.id", "The cue."),
    column("file_path", sa.Text, "The group's first channel."),
    column("canonical_name", sa.Text, "The group's name, without channel and extension."),
    column("layout", sa.Text, "`mono`, `stereo`, `lcr`, `quad`, `5.1`, `7.1`, …"),
    column("channels", Json, "Label, file, channel index, frames, rate, subtype of each."),
    column("sample_rate", sa.Integer, "Hz, of the first channel."),
    column("frames", sa.BigInteger, "Sample frames of the longest channel."),
    column("duration_seconds", sa.Double, "Of the longest channel."),
    column(
        "time_reference",
        sa.BigInteger,
        "Start, in samples since midnight; NULL: none, or not believed.",
        null=True,
    ),
    column(
        "start_offset_seconds",
        sa.Double,
        "Start, after the earliest of the cue's audio; NULL: not known.",
        null=True,
    ),
    column("peak_dbfs", sa.Double, "Sample peak; NULL: digital silence.", null=True, **_BY_MEL),
    column("rms_dbfs", sa.Double, "Of the composite; NULL: digital silence.", null=True, **_BY_MEL),
    column(
        "levels",
        Json,
        "Of each channel: peak, RMS, DC, clipped samples, silence; correlation, damage.",
        null=True,
        **_BY_MEL,
    ),
    column(
        "content_hash",
        sa.Text,
        "Of its samples, not its names (XXH3-128): the same stem elsewhere, in WAV or FLAC, has "
        "the same; NULL: not read whole. Each channel's is in `levels`.",
        null=True,
        **_BY_MEL,
    ),
    column(
        "grouping",
        Json,
        "Which evidence grouped the channels; `identity_doubt`: why it may be no stem.",
    ),
    column("warnings", Json, "What is odd about the files, in words."),
    column(
        "instrument_category",
        sa.Text,
        "One of the fixed list; NULL: undecided.",
        null=True,
        owner="llm_mappings",
    ),
    sa.UniqueConstraint("cue_id", "canonical_name"),
    sa.Index(None, "instrument_category"),
)

audio_features = _features("audio_features", STEM_FEATURES, "audio_files", "audio_file_id")
audio_feature_chunks = _chunks(
    "audio_feature_chunks", "mel_features", "audio_features", "audio_feature_id"
)

final_mixes = table(
    "final_mixes",
    "final_mix_features",
    "The mixes of the whole cue, one row per group of channels.",
    _id("`row_id('final_mixes', first_key, canonical_name)`."),
    link("cue_id", "cues.id", "The cue."),
    link(
        "midi_file_id",
        "midi_files.id",
        "The cue's MIDI file; NULL where it has several, or none.",
        null=True,
        enforced=False,
        vanish="clear",
    ),
    column("file_path", sa.Text, "The mix's first channel."),
    column("canonical_name", sa.Text, "Its name, without channel and extension."),
    column(
        "role", sa.Text, "`mix`, `fold-down`, `old mix`; NULL: not made again since.", null=True
    ),
    column(
        "known_by",
        sa.Text,
        "How: `name`, `sum`, `name and sum`, `sound`, `name and sound`.",
        null=True,
    ),
    column("layout", sa.Text, "`stereo`, `5.1`, …"),
    column("channels", Json, "As in `audio_files`."),
    column("sample_rate", sa.Integer, "Hz, of the first channel."),
    column("frames", sa.BigInteger, "Sample frames of the longest channel."),
    column("duration_seconds", sa.Double, "Of the longest channel."),
    column(
        "time_reference",
        sa.BigInteger,
        "Start, in samples since midnight; NULL: none, or not believed.",
        null=True,
    ),
    column(
        "start_offset_seconds",
        sa.Double,
        "Start, after the earliest of the cue's audio; NULL: not known.",
        null=True,
    ),
    column("peak_dbfs", sa.Double, "Sample peak; NULL: digital silence.", null=True),
    column("rms_dbfs", sa.Double, "Of the composite; NULL: digital silence.", null=True),
    column("levels", Json, "As in `audio_files`.", null=True),
    column("content_hash", sa.Text, "As in `audio_files`.", null=True),
    column(
        "residual_db",
        sa.Double,
        "Power of the mix less the sum of the stems, dB re the mix; NULL: not computed.",
        null=True,
    ),
    column("residual", Json, "How that was computed, or why not.", null=True),
    column("grouping", Json, "Which evidence grouped the channels."),
    column("warnings", Json, "What is odd about the files, in words."),
    sa.UniqueConstraint("cue_id", "canonical_name"),
    sa.Index(None, "midi_file_id"),
)

final_mix_features = _features("final_mix_features", MIX_FEATURES, "final_mixes", "final_mix_id")
final_mix_feature_chunks = _chunks(
    "final_mix_feature_chunks", "final_mix_features", "final_mix_features", "final_mix_feature_id"
)

match_evidence = table(
    "match_evidence",
    "match_evidence",
    "How well each track fits each stem by ear.",
    link("midi_track_id", "midi_tracks.id", "The track.", key=True),
    link("audio_file_id", "audio_files.id", "The stem.", key=True),
    column("onset_score", sa.Double, "Onsets against spectral flux.", null=True),
    column("activity_score", sa.Double, "Where notes sound and where sound is.", null=True),
    column("pitch_score", sa.Double, "Piano roll against the mel; NULL for drums.", null=True),
    column("score", sa.Double, "All of them in one.", null=True),
    column("lag_seconds", sa.Double, "Audio time less MIDI time at the best fit.", null=True),
    column(
        "level_db",
        sa.Double,
        "How loud the track is heard in the stem, dB re the loudest stem's peak.",
        null=True,
    ),
    column("abstained", sa.Text, "Why `score` is NULL; NULL where there is a score.", null=True),
    column("n_notes", sa.Integer, "Notes that were compared."),
    column(
        "clock_doubt",
        sa.Text,
        "Why the sound gives no faith in the file's tempo map; NULL: it does, or cannot tell.",
        null=True,
    ),
    sa.Index(None, "audio_file_id"),
)

track_mappings = table(
    "track_mappings",
    "llm_mappings",
    "Which stem each track is heard in, how that was decided and how sure it is.",
    link("midi_track_id", "midi_tracks.id", "The track.", key=True),
    link("audio_file_id", "audio_files.id", "The stem; NULL: none.", null=True),
    column("instrument_category", sa.Text, "One of the fixed list; NULL: undecided.", null=True),
    column("state", sa.Text, "`auto`, `confirmed`, `review` or `unmatched`."),
    column("method", sa.Text, "`override`, `llm`, `names` or `evidence`.", null=True),
    column("confidence", sa.Double, "Of the stem, 0 to 1.", null=True),
    column("category_confidence", sa.Double, "Of the category; NULL: none.", null=True),
    column("name_score", sa.Double, "Likeness of the names, 0 to 1.", null=True),
    column("evidence_score", sa.Double, "From `match_evidence`.", null=True),
    column("evidence_margin", sa.Double, "Distance to the best rival.", null=True),
    column("model", sa.Text, "The model asked; NULL: none.", null=True),
    column("prompt_sha256", sa.Text, "Of the question asked, in `llm_calls`.", null=True),
    column("reason", sa.Text, "Why, in words.", null=True),
    column("candidates", Json, "The best stems with their scores, best first.", null=True),
    sa.Index(None, "audio_file_id"),
    sa.Index(None, "state"),
)

stem_alignments = table(
    "stem_alignments",
    "match_evidence",
    "Where in each stem the notes of each MIDI file are heard: the file's clock there.",
    link("midi_file_id", "midi_files.id", "The MIDI file.", key=True),
    link("audio_file_id", "audio_files.id", "The stem.", key=True),
    column(
        "lag_seconds",
        sa.Double,
        "Stem's time less MIDI time, in the middle of its wander; NULL: nothing tells it.",
        null=True,
    ),
    column(
        "knots",
        Json,
        "`[[score_seconds, audio_seconds], …]`, rising in both, even in between, at the score's "
        "tempo before the first and after the last; NULL: as `lag_seconds`.",
        null=True,
    ),
    column("method", sa.Text, "What tells it: `sound`, `time_code` or `none`."),
    column("confidence", sa.Double, "How far to believe it, 0 to 1."),
    column(
        "spread_ms",
        sa.Double,
        "How far onsets scatter around their places; NULL: too few are heard.",
        null=True,
    ),
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

mapping_overrides = table(
    "mapping_overrides",
    "people",
    "What people decided; no run ever deletes a row.",
    column("cue_key", sa.Text, "The cue.", key=True, references="cues.cue_key"),
    column("track", sa.Text, "The track's name, or `#index`.", key=True),
    column("canonical_name", sa.Text, "The stem; `-`: none; NULL: no say.", null=True),
    column("instrument_category", sa.Text, "One of the fixed list; NULL: no say.", null=True),
    column("note", sa.Text, "Why, in a person's words.", null=True),
    column("created_at", Timestamp, "When.", made_by="warehouse"),
    column("decided_by", sa.Text, "Who; NULL: decided before that was kept.", null=True),
    column("track_name", sa.Text, "Name of the track when last found.", null=True),
    column("track_notes", sa.Text, "Digest of its pitches in order, then.", null=True),
    column("stem_content", sa.Text, "`content_hash` of the stem, then.", null=True),
    column(
        "bound_to",
        sa.Text,
        "Where the last run found the track: `MIDI/1m02.mid#3`; empty: nowhere; NULL: not looked.",
        null=True,
    ),
)

mapping_history = table(
    "mapping_history",
    "people",
    "Every change of a decision: who, when, what it was before; no run ever deletes a row.",
    column("id", sa.BigInteger, "A random number.", key=True),
    column("change_id", sa.BigInteger, "The same for all that one command changed."),
    column("cue_key", sa.Text, "The cue.", references="cues.cue_key"),
    column("track", sa.Text, "As in `mapping_overrides`."),
    column(
        "action",
        sa.Text,
        "`set`, `import`, `unset`, `undo`, `move`; by the program: `found again`, `orphaned`.",
    ),
    column("canonical_name", sa.Text, "As decided since; all NULL: taken back.", null=True),
    column("instrument_category", sa.Text, "As decided since.", null=True),
    column("note", sa.Text, "As decided since.", null=True),
    column("before", Json, "The row of `mapping_overrides` until then; NULL: none.", null=True),
    column("undoes", sa.BigInteger, "The `id` of the change that it took back.", null=True),
    column("decided_by", sa.Text, "Who."),
    column("decided_at", Timestamp, "When.", made_by="warehouse"),
    sa.Index(None, "cue_key"),
)

llm_calls = table(
    "llm_calls",
    "llm_mappings",
    "Every question asked of a chat model and its answer: the same one is paid for once.",
    column("prompt_sha256", sa.Text, "Of the request.", key=True),
    column("model", sa.Text, "The model asked.", key=True),
    column("request", Json, "What was asked."),
    column("response", Json, "What it answered.", null=True),
    column("prompt_version", sa.Text, "Version of the prompt's wording.", null=True),
    column("prompt_tokens", sa.Integer, "Tokens of the request, as billed.", null=True),
    column("completion_tokens", sa.Integer, "Tokens of the answer, as billed.", null=True),
    column("created_at", Timestamp, "When.", made_by="warehouse"),
    append=True,
)

llm_batches = table(
    "llm_batches",
    "warehouse",
    "Batches of questions handed to a chat model's server, to be answered at half the price.",
    column("submission", sa.Text, "A random name, which the batch bears at the server.", key=True),
    column("batch_id", sa.Text, "As the server calls it; NULL: not told yet.", null=True),
    column("server", sa.Text, "Host of the model's server."),
    column("model", sa.Text, "The model asked."),
    column("n_questions", sa.Integer, "Questions in it."),
    column("submitted_at", Timestamp, "When it was begun."),
    column("ended_at", Timestamp, "When its last question ceased to wait.", null=True),
)

llm_waiting = table(
    "llm_waiting",
    "warehouse",
    "Questions that wait for their answer in a batch; with it they move to `llm_calls`.",
    column("prompt_sha256", sa.Text, "Of the request.", key=True),
    column("model", sa.Text, "The model asked.", key=True),
    column("submission", sa.Text, "The batch's row in `llm_batches`."),
    column("cue_key", sa.Text, "The cue for which it is asked, or the first of several."),
    column("request", Json, "What was asked."),
    column("response_format", sa.Text, "`json_schema` or `json_object`."),
    column("prompt_version", sa.Text, "Version of the prompt's wording."),
)
