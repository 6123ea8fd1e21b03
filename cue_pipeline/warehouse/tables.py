"""Every table of the warehouse: its columns, what they mean and which asset owns them.

Conventions
-----------
Times are float64 seconds from the start of the MIDI file; ticks are integers; bars and beats
count from 1, a beat is fractional in units of the time signature's denominator. Paths are
relative to the cue's folder, POSIX. Ids are 63-bit integers that the client derives from natural
keys (:func:`cue_pipeline.cue.identity.row_id`).

``table.info["owner"]`` and, where it differs, ``column.info["owner"]`` name the asset that writes:
re-materialising an asset rewrites its own rows and columns and nothing else. ``column.doc`` is
what ``docs/data-model.md`` prints.

``column.info["references"]`` names what a column points at. Where the parent is sure to be
written first and rows are few, a foreign key enforces it (on SQLite and PostgreSQL); event and
chunk tables have none, because a check for every one of a million rows costs more than the load
(the store checks their references batch by batch instead), and neither has Aurora DSQL.
"""

from typing import Any

import sqlalchemy as sa

from cue_pipeline.warehouse.types import Json, Timestamp

CHUNK_BYTES = 512 * 1024
"""Most bytes of a feature chunk: half of what Aurora DSQL takes for one value."""

_BY_MEL = {"owner": "mel_features"}  # it is the asset that reads every sample

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _column(name: str, type_: Any, doc: str, **options: Any) -> sa.Column[Any]:
    """Return a column; ``key`` marks the primary key, ``null`` allows NULL."""
    info = {k: options.pop(k) for k in ("owner", "references", "vanish", "made_by") if k in options}
    return sa.Column(
        name,
        type_,
        primary_key=options.pop("key", False),
        nullable=options.pop("null", False),
        autoincrement=False,
        doc=doc,
        info=info,
        **options,
    )


def _link(name: str, target: str, doc: str, *, enforced: bool = True, **options: Any) -> Any:
    """Return a column that holds the id of a row of ``target`` (``table.column``)."""
    column = _column(name, sa.BigInteger, doc, references=target, **options)
    if enforced:
        column.append_foreign_key(sa.ForeignKey(target))
    return column


def _id(doc: str) -> sa.Column[Any]:
    return _column("id", sa.BigInteger, doc, key=True)


def _table(name: str, owner: str, doc: str, *parts: Any, **options: Any) -> sa.Table:
    info = {"owner": owner, "doc": doc, "append": options.pop("append", False)}
    return sa.Table(name, metadata, *parts, info=info, **options)


def _events(name: str, doc: str, *columns: sa.Column[Any], end: tuple[Any, ...] = ()) -> sa.Table:
    """Return a table of events of a track, keyed by their place in it."""
    return _table(
        name,
        "midi_events",
        doc,
        _link(
            "midi_track_id",
            "midi_tracks.id",
            "The track that holds the event.",
            enforced=False,
            key=True,
        ),
        _column("event_index", sa.Integer, "Place among the track's events, from 0.", key=True),
        _column("channel", sa.SmallInteger, "MIDI channel, 0 to 15."),
        *columns,
        *end,
        # The key is the table: 30 % smaller, and a track's events lie together.
        sqlite_with_rowid=False,
    )


def _moment() -> tuple[sa.Column[Any], ...]:
    return (
        _column("tick", sa.BigInteger, "When, in ticks from the start of the file."),
        _column("time", sa.Double, "When, in seconds from the start of the file."),
        *_place("it"),
    )


def _place(what: str) -> tuple[sa.Column[Any], ...]:
    return (
        _column("bar", sa.BigInteger, f"Bar in which {what} falls, from 1."),
        _column("beat", sa.Double, "Beat in that bar, from 1, in units of the denominator."),
    )


def _features(name: str, owner: str, parent: str, link: str) -> sa.Table:
    return _table(
        name,
        owner,
        f"One row per feature of a row of `{parent}`: what its chunks hold and how it was made.",
        _id("`row_id(table, cue_key, canonical_name, feature_type, channel, profile)`."),
        _link(link, f"{parent}.id", "What the feature was made of."),
        _column("feature_type", sa.Text, "`mel_spectrogram`."),
        _column("channel", sa.Text, "`mono` for the composite, else a channel's label."),
        _column("profile", sa.Text, "Name of the set of parameters: `default`, …"),
        _column("sample_rate", sa.Integer, "Hz, after resampling."),
        _column("hop_length", sa.Integer, "Samples between frames."),
        _column("n_mels", sa.Integer, "Mel bands: columns of the array."),
        _column("n_frames", sa.Integer, "Frames: rows of the array."),
        _column("dtype", sa.Text, "NumPy type of the array, little-endian: `<f2`."),
        _column(
            "max_db",
            sa.Double,
            "Largest value of the array, dB; subtract it for dB re maximum. NULL: no frames.",
            null=True,
        ),
        _column("params", Json, "Every parameter and library version that made it."),
        _column("warnings", Json, "Damage met while reading the samples, in words."),
        sa.UniqueConstraint(link, "feature_type", "channel", "profile"),
    )


def _chunks(name: str, owner: str, parent: str, link: str) -> sa.Table:
    return _table(
        name,
        owner,
        f"The arrays of `{parent}`, cut along time so that a window reads one or two rows.",
        _link(link, f"{parent}.id", "The feature.", enforced=False, key=True),
        _column("chunk_index", sa.Integer, "Place of the chunk, from 0.", key=True),
        _column("first_frame", sa.Integer, "Index of its first frame in the whole array."),
        _column("n_frames", sa.Integer, "Frames in this chunk."),
        _column(
            "data",
            sa.LargeBinary(CHUNK_BYTES),
            "C-order array of shape (n_frames, n_mels), at most 512 KiB.",
        ),
    )


cues = _table(
    "cues",
    "scan",
    "One row per cue folder ever seen below a library's root.",
    _id("`row_id('cues', cue_key)`."),
    _column("cue_key", sa.Text, "Partition key: path below the root, POSIX, NFC.", unique=True),
    _column("root", sa.Text, "The library's base folder, absolute."),
    _column("project", sa.Text, "Project, from the folder's name.", null=True),
    _column("reel", sa.Integer, "Reel, from the folder's name.", null=True),
    _column("cue_number", sa.Integer, "Number within the reel.", null=True),
    _column("cue_suffix", sa.Text, "Letter of a cue inserted later: `a`; NULL: none.", null=True),
    _column("is_source", sa.Boolean, "Source music, heard by the characters.", null=True),
    _column("title", sa.Text, "What the folder's name says after the number.", null=True),
    _column("version", sa.Text, "Version, from the folder's name.", null=True),
    _column("state", sa.Text, "`present` or `missing`."),
    _column("fingerprint", sa.Text, "SHA-256 over both fingerprints below."),
    _column("midi_fingerprint", sa.Text, "Changes with any MIDI file."),
    _column("audio_fingerprint", sa.Text, "Changes with any audio file."),
    _column("first_seen_at", Timestamp, "When a scan first found it.", made_by="warehouse"),
    _column("last_seen_at", Timestamp, "When a scan last found it.", made_by="warehouse"),
    sa.Index(None, "project", "reel", "cue_number"),
)

cue_assets = _table(
    "cue_assets",
    "warehouse",
    "The ledger: what of a cue is whole. Readers trust rows whose asset is `ready` here.",
    _link("cue_id", "cues.id", "The cue.", key=True),
    _column("asset", sa.Text, "The asset's name.", key=True),
    _column("state", sa.Text, "`loading`, `ready` or `failed`."),
    _column(
        "fingerprint",
        sa.Text,
        "Of the inputs that were read; NULL after rows went with a vanished parent: stale.",
        null=True,
    ),
    _column("code_version", sa.Text, "Of the code that made the rows.", null=True),
    _column("data_version", sa.Text, "Of the rows, as Dagster records it.", null=True),
    _column("row_count", sa.BigInteger, "Rows written, over all its tables."),
    _column("error", sa.Text, "Why it failed; NULL otherwise.", null=True),
    _column("started_at", Timestamp, "When the work began."),
    _column("finished_at", Timestamp, "When it ended; NULL while loading.", null=True),
)

cue_writers = _table(
    "cue_writers",
    "warehouse",
    "Who is loading a cue now, on engines whose loads span transactions (Aurora DSQL).",
    _link("cue_id", "cues.id", "The cue.", key=True),
    _column("writer", sa.Text, "A random name of one load."),
    _column("asset", sa.Text, "What it loads."),
    _column("heartbeat_at", Timestamp, "Its last sign of life."),
)

midi_files = _table(
    "midi_files",
    "tempo_map",
    "One row per `.mid` or `.midi` file of a cue.",
    _id("`row_id('midi_files', cue_key, file_path)`."),
    _link("cue_id", "cues.id", "The cue."),
    _column("file_path", sa.Text, "Relative to the cue's folder, POSIX."),
    _column("sha256", sa.Text, "Of the file's bytes; NULL: it cannot be read.", null=True),
    _column("format", sa.Integer, "SMF type: 0, 1 or 2; NULL: unusable.", null=True),
    _column("division", sa.Integer, "The header's 16-bit division word.", null=True),
    _column("sequence", sa.Integer, "Of a type 2 file, from 0; it has a row each.", null=True),
    _column(
        "ticks_per_beat",
        sa.Integer,
        "Ticks per quarter note; for SMPTE time see `docs/timing.md`.",
        null=True,
    ),
    _column("duration_seconds", sa.Double, "To the last event; NULL: unusable.", null=True),
    _column("tempo_map", Json, "`[[time, tick, microseconds_per_quarter], …]`."),
    _column("time_signature_map", Json, "`[[time, tick, numerator, denominator], …]`."),
    _column("key_signature_map", Json, '`[[time, tick, fifths, "major" or "minor"], …]`.'),
    _column("markers", Json, "`[[time, tick, text], …]`."),
    _column("cue_points", Json, "`[[time, tick, text], …]`.", null=True),
    _column("lyrics", Json, "`[[time, tick, text], …]`.", null=True),
    _column("texts", Json, "`[[time, tick, text], …]`: text and copyright.", null=True),
    _column("smpte_offset", Json, "Where the file starts on the film's clock.", null=True),
    _column("warnings", Json, "Damage that was read around, in words."),
    sa.UniqueConstraint("cue_id", "file_path"),
)

midi_tracks = _table(
    "midi_tracks",
    "midi_events",
    "One row per track chunk of a MIDI file; two tracks of one name stay two.",
    _id("`row_id('midi_tracks', cue_key, file_path, track_index)`."),
    _link("midi_file_id", "midi_files.id", "The file."),
    _column("track_index", sa.Integer, "Place of the track in the file, from 0."),
    _column("track_name", sa.Text, "Decoded name; empty: none.", null=True),
    _column("raw_name", sa.LargeBinary, "The name's bytes as they stand in the file.", null=True),
    _column(
        "stray_note_offs",
        Json,
        "Note-offs of no note: `[[event_index, tick, channel, note, velocity], …]`.",
        null=True,
    ),
    _column(
        "instrument_category",
        sa.Text,
        "One of the fixed list; NULL: undecided.",
        null=True,
        owner="llm_mappings",
    ),
    _link(
        "assigned_audio_file_id",
        "audio_files.id",
        "The channel group in which the track is heard; NULL: none.",
        null=True,
        owner="llm_mappings",
        vanish="clear",
    ),
    sa.UniqueConstraint("midi_file_id", "track_index"),
    sa.Index(None, "assigned_audio_file_id"),
    sa.Index(None, "instrument_category"),
)

midi_notes = _events(
    "midi_notes",
    "Every note, with its length.",
    _column("note", sa.SmallInteger, "Pitch, 0 to 127; 60 is middle C."),
    _column("velocity", sa.SmallInteger, "1 to 127."),
    _column("release_velocity", sa.SmallInteger, "0 to 127; NULL: not sent.", null=True),
    _column("start_tick", sa.BigInteger, "Ticks from the start of the file."),
    _column("end_tick", sa.BigInteger, "Ticks from the start of the file."),
    _column("start_time", sa.Double, "Seconds from the start of the file."),
    _column("duration", sa.Double, "Seconds."),
    end=(
        *_place("it starts"),
        _column(
            "flags", sa.SmallInteger, "Bits: 1 unterminated, 2 overlaps its pitch, 4 zero length."
        ),
        _column(
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
    _column("cc_number", sa.SmallInteger, "Controller, 0 to 127."),
    _column("cc_value", sa.SmallInteger, "0 to 127."),
    end=_moment(),
)

midi_program_changes = _events(
    "midi_program_changes",
    "Every program change.",
    _column("program", sa.SmallInteger, "0 to 127."),
    end=(
        *_moment(),
        _column("bank_msb", sa.SmallInteger, "Last CC 0 before it; NULL: none.", null=True),
        _column("bank_lsb", sa.SmallInteger, "Last CC 32 before it; NULL: none.", null=True),
    ),
)

midi_pitch_bends = _events(
    "midi_pitch_bends",
    "Every pitch bend.",
    _column("value", sa.SmallInteger, "−8192 to 8191; 0 is the centre."),
    end=_moment(),
)

midi_aftertouch = _events(
    "midi_aftertouch",
    "Every aftertouch message, of a key or of the channel.",
    _column("note", sa.SmallInteger, "Pitch; NULL: the whole channel.", null=True),
    _column("value", sa.SmallInteger, "Pressure, 0 to 127."),
    end=_moment(),
)

audio_files = _table(
    "audio_files",
    "channel_groups",
    "One row per group of channels that belong together: a mono file, or L and R of one stem.",
    _id("`row_id('audio_files', cue_key, canonical_name)`."),
    _link("cue_id", "cues.id", "The cue."),
    _column("file_path", sa.Text, "The group's first channel."),
    _column("canonical_name", sa.Text, "The group's name, without channel and extension."),
    _column("layout", sa.Text, "`mono`, `stereo`, `lcr`, `quad`, `5.1`, `7.1`, …"),
    _column("channels", Json, "Label, file, channel index, frames, rate, subtype of each."),
    _column("sample_rate", sa.Integer, "Hz, of the first channel."),
    _column("frames", sa.BigInteger, "Sample frames of the longest channel."),
    _column("duration_seconds", sa.Double, "Of the longest channel."),
    _column("time_reference", sa.BigInteger, "Start, in samples since midnight (bext).", null=True),
    _column(
        "start_offset_seconds",
        sa.Double,
        "Start, after the earliest time reference of the cue's audio.",
        null=True,
    ),
    _column("peak_dbfs", sa.Double, "Sample peak; NULL: digital silence.", null=True, **_BY_MEL),
    _column(
        "rms_dbfs", sa.Double, "Of the composite; NULL: digital silence.", null=True, **_BY_MEL
    ),
    _column(
        "levels",
        Json,
        "Of each channel: peak, RMS, DC, clipped samples, silence; correlation, damage.",
        null=True,
        **_BY_MEL,
    ),
    _column("grouping", Json, "Which evidence grouped the channels."),
    _column("warnings", Json, "What is odd about the files, in words."),
    _column(
        "instrument_category",
        sa.Text,
        "One of the fixed list; NULL: undecided.",
        null=True,
        owner="llm_mappings",
    ),
    sa.UniqueConstraint("cue_id", "canonical_name"),
    sa.Index(None, "instrument_category"),
)

audio_features = _features("audio_features", "mel_features", "audio_files", "audio_file_id")
audio_feature_chunks = _chunks(
    "audio_feature_chunks", "mel_features", "audio_features", "audio_feature_id"
)

final_mixes = _table(
    "final_mixes",
    "final_mix_features",
    "The mixes of the whole cue, one row per group of channels.",
    _id("`row_id('final_mixes', cue_key, canonical_name)`."),
    _link("cue_id", "cues.id", "The cue."),
    _link(
        "midi_file_id",
        "midi_files.id",
        "The cue's MIDI file; NULL where it has several, or none.",
        null=True,
        enforced=False,
        vanish="clear",
    ),
    _column("file_path", sa.Text, "The mix's first channel."),
    _column("canonical_name", sa.Text, "Its name, without channel and extension."),
    _column("layout", sa.Text, "`stereo`, `5.1`, …"),
    _column("channels", Json, "As in `audio_files`."),
    _column("sample_rate", sa.Integer, "Hz, of the first channel."),
    _column("frames", sa.BigInteger, "Sample frames of the longest channel."),
    _column("duration_seconds", sa.Double, "Of the longest channel."),
    _column("time_reference", sa.BigInteger, "Start, in samples since midnight (bext).", null=True),
    _column(
        "start_offset_seconds",
        sa.Double,
        "Start, after the earliest time reference of the cue's audio.",
        null=True,
    ),
    _column("peak_dbfs", sa.Double, "Sample peak; NULL: digital silence.", null=True),
    _column("rms_dbfs", sa.Double, "Of the composite; NULL: digital silence.", null=True),
    _column("levels", Json, "As in `audio_files`.", null=True),
    _column(
        "residual_db",
        sa.Double,
        "Power of the mix less the sum of the stems, dB re the mix; NULL: not computed.",
        null=True,
    ),
    _column("residual", Json, "How that was computed, or why not.", null=True),
    _column("grouping", Json, "Which evidence grouped the channels."),
    _column("warnings", Json, "What is odd about the files, in words."),
    sa.UniqueConstraint("cue_id", "canonical_name"),
    sa.Index(None, "midi_file_id"),
)

final_mix_features = _features(
    "final_mix_features", "final_mix_features", "final_mixes", "final_mix_id"
)
final_mix_feature_chunks = _chunks(
    "final_mix_feature_chunks", "final_mix_features", "final_mix_features", "final_mix_feature_id"
)

match_evidence = _table(
    "match_evidence",
    "match_evidence",
    "How well each track fits each group by ear.",
    _link("midi_track_id", "midi_tracks.id", "The track.", key=True),
    _link("audio_file_id", "audio_files.id", "The group.", key=True),
    _column("onset_score", sa.Double, "Onsets against spectral flux.", null=True),
    _column("activity_score", sa.Double, "Where notes sound and where sound is.", null=True),
    _column("pitch_score", sa.Double, "Piano roll against the mel; NULL for drums.", null=True),
    _column("score", sa.Double, "All of them in one.", null=True),
    _column("lag_seconds", sa.Double, "Audio time less MIDI time at the best fit.", null=True),
    _column("n_notes", sa.Integer, "Notes that were compared."),
    sa.Index(None, "audio_file_id"),
)

track_mappings = _table(
    "track_mappings",
    "llm_mappings",
    "Which group each track is heard in, how that was decided and how sure it is.",
    _link("midi_track_id", "midi_tracks.id", "The track.", key=True),
    _link("audio_file_id", "audio_files.id", "The group; NULL: none.", null=True),
    _column("instrument_category", sa.Text, "One of the fixed list; NULL: undecided.", null=True),
    _column("state", sa.Text, "`auto`, `confirmed`, `review` or `unmatched`."),
    _column("method", sa.Text, "`override`, `llm`, `names` or `evidence`.", null=True),
    _column("confidence", sa.Double, "Of the group, 0 to 1.", null=True),
    _column("category_confidence", sa.Double, "Of the category; NULL: none.", null=True),
    _column("name_score", sa.Double, "Likeness of the names, 0 to 1.", null=True),
    _column("evidence_score", sa.Double, "From `match_evidence`.", null=True),
    _column("evidence_margin", sa.Double, "Distance to the best rival.", null=True),
    _column("model", sa.Text, "The model asked; NULL: none.", null=True),
    _column("prompt_sha256", sa.Text, "Of the question asked, in `llm_calls`.", null=True),
    _column("reason", sa.Text, "Why, in words.", null=True),
    _column("candidates", Json, "The best groups with their scores, best first.", null=True),
    sa.Index(None, "audio_file_id"),
    sa.Index(None, "state"),
)

mapping_overrides = _table(
    "mapping_overrides",
    "people",
    "What people decided; no run ever deletes a row.",
    _column("cue_key", sa.Text, "The cue.", key=True, references="cues.cue_key"),
    _column("track", sa.Text, "The track's name, or `#index`.", key=True),
    _column("canonical_name", sa.Text, "The group; `-`: none; NULL: no say.", null=True),
    _column("instrument_category", sa.Text, "One of the fixed list; NULL: no say.", null=True),
    _column("note", sa.Text, "Why, in a person's words.", null=True),
    _column("created_at", Timestamp, "When.", made_by="warehouse"),
)

llm_calls = _table(
    "llm_calls",
    "llm_mappings",
    "Every question asked of a chat model and its answer: the same one is paid for once.",
    _column("prompt_sha256", sa.Text, "Of the request.", key=True),
    _column("model", sa.Text, "The model asked.", key=True),
    _column("request", Json, "What was asked."),
    _column("response", Json, "What it answered.", null=True),
    _column("prompt_version", sa.Text, "Version of the prompt's wording.", null=True),
    _column("prompt_tokens", sa.Integer, "Tokens of the request, as billed.", null=True),
    _column("completion_tokens", sa.Integer, "Tokens of the answer, as billed.", null=True),
    _column("created_at", Timestamp, "When.", made_by="warehouse"),
    append=True,
)


def owner(column: sa.Column[Any]) -> str:
    """Return the asset that writes a column."""
    return str(column.info.get("owner", column.table.info["owner"]))


def owned_columns(asset: str) -> dict[sa.Table, list[sa.Column[Any]]]:
    """Return what an asset writes: each table with its primary key and the columns it owns.

    Parameters
    ----------
    asset : str
        Name of an asset, as in ``cue_assets.asset``.

    Returns
    -------
    dict of Table to list of Column
        Parents before children; empty where the asset owns nothing. Columns that the warehouse
        fills by itself (``created_at``) are not in it.
    """
    owned = {}
    for table in ordered_tables():
        if any(owner(c) == asset for c in table.c):
            owned[table] = [
                c
                for c in table.c
                if c.primary_key or (owner(c) == asset and c.info.get("made_by") is None)
            ]
    return owned


def ordered_tables() -> list[sa.Table]:
    """Return all tables, each after those whose rows its own belong to."""
    ordered: list[sa.Table] = []

    def visit(table: sa.Table) -> None:
        if table in ordered:
            return
        link = scope_column(table)
        if link is not None:
            visit(referred(link).table)
        ordered.append(table)

    for table in metadata.tables.values():
        visit(table)
    return ordered


def scope_column(table: sa.Table) -> sa.Column[Any] | None:
    """Return the column by which a row belongs to its cue, directly or through its parent."""
    return next((c for c in table.c if "references" in c.info), None)


def referred(column: sa.Column[Any]) -> sa.Column[Any]:
    """Return the column that a column's values are taken from."""
    table, name = column.info["references"].split(".")
    found: sa.Column[Any] = metadata.tables[table].c[name]
    return found


def referring(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns of other tables that point at rows of a table."""
    return [
        column
        for other in metadata.tables.values()
        for column in other.c
        if column.info.get("references", "").startswith(f"{table.name}.")
    ]
