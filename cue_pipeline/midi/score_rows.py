"""The rows of a cue's MIDI files.

An asset's value is a dict from table name to rows; ids derive from natural keys, so that the same
files give the same rows.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.gate import opened
from cue_pipeline.cue.identity import row_id
from cue_pipeline.cue.shown import shown
from cue_pipeline.errors import MidiFileError
from cue_pipeline.midi.event_frames import (
    event_frames,
    note_frame,
    pair,
    place_messages,
    stray_note_offs,
)
from cue_pipeline.midi.marker_tracks import is_marker_track
from cue_pipeline.midi.one_clock import OnClock, on_one_clock
from cue_pipeline.midi.parts import Part
from cue_pipeline.midi.reader import MidiFile, TooManyEventsError, read_midi, refuse_large
from cue_pipeline.midi.shingles import shingles, sketch_of

if TYPE_CHECKING:
    from pandas import DataFrame


_MAPS = (
    "tempo_map",
    "time_signature_map",
    "key_signature_map",
    "markers",
    "cue_points",
    "lyrics",
    "texts",
)
_CLOCK = ("time_codes", "clock_from", "same_as", "clock_doubt")


@dataclass(frozen=True, slots=True)
class MidiFileOutcome:
    """What became of one file.

    Attributes
    ----------
    file_path : str
        Relative to the cue's folder, POSIX.
    file : MidiFile or None
        None: it is unusable.
    error : str or None
        Why.
    sha256 : str or None
        Of its bytes, in hex; None where they cannot be read.
    data : bytes
        Its bytes as they were read, for checks that look for themselves; empty where they cannot
        be read or are too many for a score.
    clock_from, same_as, clock_doubt : str or None
        See :class:`~cue_pipeline.midi.one_clock.OnClock`.
    clock_warnings : tuple of str
        What the cue's other files make of its clock.
    """

    file_path: str
    file: MidiFile | None
    error: str | None
    sha256: str | None
    data: bytes = field(default=b"", repr=False)
    clock_from: str | None = None
    same_as: str | None = None
    clock_doubt: str | None = None
    clock_warnings: tuple[str, ...] = ()


def read_midi_files(
    folder: CueFolder, charset: str | None = None, most_events: int | None = None
) -> tuple[MidiFileOutcome, ...]:
    """Read every MIDI file of a cue, on one clock; an unusable one does not stop the others.

    Parameters
    ----------
    folder : CueFolder
        The cue's.
    charset : str, optional
        Of the files' texts, where a person says so; else it is guessed for each.
    most_events : int, optional
        Of all files together; the one with which there would be more is unusable.
    """
    outcomes: list[MidiFileOutcome] = []
    left = most_events
    for path in folder.midi_paths:
        outcome = _read(folder, path, charset, left)
        outcomes.append(outcome)
        if left is not None and outcome.file is not None:
            left -= len(outcome.file.messages)
    return with_one_clock(outcomes)


def with_one_clock(outcomes: Sequence[MidiFileOutcome]) -> tuple[MidiFileOutcome, ...]:
    """Return a cue's files, each on the clock that it runs on beside the others."""
    settled = on_one_clock(
        {o.file_path: o.file for o in outcomes if o.file is not None},
        {o.file_path: o.sha256 for o in outcomes},
    )
    return tuple(_settled(o, settled.get(o.file_path)) for o in outcomes)


def _settled(outcome: MidiFileOutcome, on: OnClock | None) -> MidiFileOutcome:
    if on is None:
        return outcome
    return replace(
        outcome,
        file=on.file,
        clock_from=on.clock_from,
        same_as=on.same_as,
        clock_doubt=on.doubt,
        clock_warnings=on.warnings,
    )


def _read(
    folder: CueFolder, file_path: str, charset: str | None, most_events: int | None
) -> MidiFileOutcome:
    path = folder.path / file_path
    digest, data = None, b""
    try:
        with opened(path) as stream:
            try:
                refuse_large(path)
            except MidiFileError:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                raise
            data = stream.read()
        digest = hashlib.sha256(data).hexdigest()
        file = read_midi(data, path.name, charset, most_events)
        return MidiFileOutcome(file_path, file, None, digest, data)
    except TooManyEventsError as error:
        return MidiFileOutcome(file_path, None, str(error), digest)
    except OSError as error:
        message = f"'{path.name}' cannot be read: {error.strerror or error}."
        if path.is_symlink():
            message += " It is a link: mount the volume that it leads to, or remove it."
        elif isinstance(error, PermissionError):
            message += " Let this user read it, or remove it."
        return MidiFileOutcome(file_path, None, message, digest)
    except MidiFileError as error:
        return MidiFileOutcome(file_path, None, str(error), digest, data)


def tempo_map_tables(
    cue_key: str, outcomes: Sequence[MidiFileOutcome], marker_tracks: Sequence[str] = ()
) -> "dict[str, DataFrame]":
    """Return the rows of asset ``tempo_map``: ``midi_files``.

    Parameters
    ----------
    cue_key : str
        The cue's partition key.
    outcomes : sequence of MidiFileOutcome
        From :func:`read_midi_files`.
    marker_tracks : sequence of str
        Names of tracks without music; given, the warnings say what such tracks hold that
        ``midi_events`` leaves out.

    Returns
    -------
    dict of str to DataFrame
        One row per clock: per file, and in a format 2 file per sequence (the second of
        ``a.mid`` has the path ``a.mid#1``). An unusable file has a row that says why.

    Raises
    ------
    MidiFileError
        If no file is usable.
    """
    import pandas as pd

    _require_usable(outcomes)
    rows = [row for outcome in outcomes for row in _file_rows(cue_key, outcome, marker_tracks)]
    integers = dict.fromkeys(("format", "ticks_per_beat", "division", "sequence"), "Int64")
    confidence = {"charset_confidence": "float64"}
    types = {
        "id": "int64",
        "cue_id": "int64",
        "duration_seconds": "float64",
        **confidence,
        **integers,
    }
    return {"midi_files": pd.DataFrame(rows, dtype=object).astype(types)}


def midi_events_tables(
    cue_key: str, outcomes: Sequence[MidiFileOutcome], marker_tracks: Sequence[str]
) -> "dict[str, DataFrame]":
    """Return the rows of asset ``midi_events``: the tracks and every channel voice message.

    Parameters
    ----------
    cue_key : str
        The cue's partition key.
    outcomes : sequence of MidiFileOutcome
        From :func:`read_midi_files`.
    marker_tracks : sequence of str
        Names of tracks without music, which get no rows.

    Returns
    -------
    dict of str to DataFrame
        ``midi_tracks``: a row for each part that holds channel voice messages, also controllers
        alone; see :mod:`cue_pipeline.midi.parts`.
        ``midi_notes``, ``midi_cc``, ``midi_program_changes``, ``midi_pitch_bends``,
        ``midi_aftertouch``: their messages, ordered by file, track and event. ``cue_sketches``: one
        row, a sample of the music. All seven, always.

    Raises
    ------
    MidiFileError
        If no file is usable.
    """
    import pandas as pd

    _require_usable(outcomes)
    parts = [
        _event_frames(cue_key, outcome.file_path, outcome.file, marker_tracks)
        for outcome in outcomes
        if outcome.file is not None
    ]
    usable = [outcome.file for outcome in outcomes if outcome.file is not None]
    found = {
        table: parts[0][table]
        if len(parts) == 1
        else pd.concat([part[table] for part in parts], ignore_index=True)
        for table in parts[0]
    }
    return found | {"cue_sketches": _sketch_row(cue_key, usable, parts)}


def _sketch_row(
    cue_key: str, files: Sequence[MidiFile], frames: "Sequence[dict[str, DataFrame]]"
) -> "DataFrame":
    import pandas as pd

    hashes = []
    for file, tables in zip(files, frames, strict=True):
        tracks, notes = tables["midi_tracks"], tables["midi_notes"]
        pitched = tracks.loc[tracks["drum_kit"].isna(), "id"]
        notes = notes[notes["midi_track_id"].isin(pitched)]
        start = notes["start_tick"].to_numpy(np.float64) / file.ticks_per_beat
        pitch = notes["note"].to_numpy(np.int64)
        hashes.append(shingles(notes["midi_track_id"].to_numpy(np.int64), start, pitch))
    sketch = sketch_of(hashes)
    return pd.DataFrame(
        {
            "cue_id": [row_id("cues", cue_key)],
            "n_shingles": [sketch.n_shingles],
            "sketch": [sketch.to_bytes()],
        }
    )


def _require_usable(outcomes: Sequence[MidiFileOutcome]) -> None:
    if any(outcome.file is not None for outcome in outcomes):
        return
    if not outcomes:
        raise MidiFileError(
            "the cue has no MIDI file (.mid, .midi, .smf, .kar, .rmi). Export its "
            "sequence as a Standard MIDI File into the cue's folder."
        )
    faults = " ".join(f"{outcome.file_path}: {outcome.error}" for outcome in outcomes)
    raise MidiFileError(f"the cue has no usable MIDI file. {faults}")


def _file_rows(
    cue_key: str, outcome: MidiFileOutcome, marker_tracks: Sequence[str]
) -> Iterator[dict[str, Any]]:
    file = outcome.file
    cue = {"cue_id": row_id("cues", cue_key)}
    if file is None:
        yield {
            "id": row_id("midi_files", cue_key, outcome.file_path),
            **cue,
            "file_path": outcome.file_path,
            "sha256": outcome.sha256,
            **dict.fromkeys(("format", "ticks_per_beat", "duration_seconds")),
            **{name: [] for name in _MAPS},
            "charset": None,
            "charset_confidence": None,
            "warnings": [outcome.error],
            **dict.fromkeys(("division", "sequence", "smpte_offset", *_CLOCK)),
        }
        return
    warnings = [*outcome.clock_warnings, *file.warnings, *_left_out(file, marker_tracks)]
    for number, sequence in enumerate(file.sequences):
        path = _clock_path(outcome.file_path, number)
        yield {
            "id": row_id("midi_files", cue_key, path),
            **cue,
            "file_path": path,
            "sha256": outcome.sha256,
            "format": file.format,
            "ticks_per_beat": file.ticks_per_beat,
            "duration_seconds": sequence.duration_seconds,
            **{name: getattr(sequence, name) for name in _MAPS},
            "warnings": _of_sequence(warnings, file, number),
            "charset": file.charset.encoding,
            "charset_confidence": file.charset.confidence,
            "division": file.division,
            "sequence": number if file.format == 2 else None,
            "smpte_offset": sequence.smpte_offset,
            "time_codes": sequence.time_codes,
            "clock_from": outcome.clock_from,
            "same_as": outcome.same_as and _clock_path(outcome.same_as, number),
            "clock_doubt": outcome.clock_doubt,
        }


def _of_sequence(warnings: list[str], file: MidiFile, number: int) -> list[str]:
    """Return the warnings for one row: in a file of several clocks each has its track's own."""
    if len(file.sequences) == 1:
        return warnings
    return [
        text
        for text in warnings
        if text.startswith(f"track {number},") or (number == 0 and not text.startswith("track "))
    ]


def _left_out(file: MidiFile, marker_tracks: Sequence[str]) -> Iterator[str]:
    for track in file.tracks:
        if track.n_messages and is_marker_track(file, track, marker_tracks):
            status = file.messages.status[file.messages.track == track.index] & 0xF0
            velocity = file.messages.data2[file.messages.track == track.index]
            n_notes = int(np.count_nonzero((status == 0x90) & (velocity > 0)))
            yield (
                f"track {track.index}: '{shown(track.name)}' is a marker track by its name; its "
                f"{_count(n_notes, 'note')}, {_count(track.n_messages, 'message')} in all, are not "
                "stored"
            )


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _clock_path(file_path: str, sequence: int) -> str:
    return f"{file_path}#{sequence}" if sequence else file_path


def _event_frames(
    cue_key: str, file_path: str, file: MidiFile, marker_tracks: Sequence[str]
) -> "dict[str, DataFrame]":
    import pandas as pd

    clocks = len(file.sequences)
    aside = [is_marker_track(file, track, marker_tracks) for track in file.tracks]
    musical = np.array([not aside[part.track] for part in file.parts.parts], dtype=bool)
    part_ids = np.array(
        [_part_id(cue_key, file_path, part) for part in file.parts.parts], dtype=np.int64
    )
    placed = place_messages(file, musical[file.parts.of_message])
    note_messages, pairs = pair(placed)
    stray = stray_note_offs(placed, note_messages, pairs)
    parts = [(at, part) for at, part in enumerate(file.parts.parts) if musical[at]]
    file_ids = [
        row_id("midi_files", cue_key, _clock_path(file_path, part.track if clocks > 1 else 0))
        for _, part in parts
    ]
    notes = note_frame(placed, note_messages, pairs, part_ids)
    sounding = sounding_seconds(notes)
    track_frame = pd.DataFrame(
        {
            "id": part_ids[musical],
            "midi_file_id": np.array(file_ids, dtype=np.int64),
            "track_index": np.array([part.track for _, part in parts], dtype=np.int64),
            "port": pd.array([part.port for _, part in parts], dtype="Int64"),
            "part_channel": pd.array([part.channel for _, part in parts], dtype="Int64"),
            "track_name": pd.Series([part.name for _, part in parts], dtype=object),
            "raw_name": pd.Series([part.raw_name for _, part in parts], dtype=object),
            "all_names": pd.Series([list(part.all_names) for _, part in parts], dtype=object),
            "sounds": pd.Series([_sounds(part) for _, part in parts], dtype=object),
            "drum_kit": pd.Series([part.sounds.drum_kit for _, part in parts], dtype=object),
            "stray_note_offs": pd.Series([stray.get(at, []) for at, _ in parts], dtype=object),
            "sounding_seconds": [sounding.get(int(part), 0.0) for part in part_ids[musical]],
        }
    ).astype({"sounding_seconds": np.float64})
    return {
        "midi_tracks": track_frame,
        "midi_notes": notes,
        **event_frames(placed, part_ids),
    }


def sounding_seconds(notes: "DataFrame") -> dict[int, float]:
    """Return how long one or more notes of each part sound, seconds, by ``midi_track_id``.

    Parameters
    ----------
    notes : DataFrame
        ``midi_track_id``, ``start_time``, ``duration``. Where notes overlap, time counts once.
    """
    found: dict[int, float] = {}
    by_part: Any = notes.groupby("midi_track_id")
    for part, rows in by_part:
        start = rows["start_time"].to_numpy(np.float64)
        order = np.argsort(start, kind="stable")
        start, end = start[order], (start + rows["duration"].to_numpy(np.float64))[order]
        before = np.concatenate([[-np.inf], np.maximum.accumulate(end)[:-1]])
        found[int(part)] = float(np.maximum(end - np.maximum(start, before), 0.0).sum())
    return found


def _part_id(cue_key: str, file_path: str, part: Part) -> int:
    own = () if part.channel is None else (part.port, part.channel)
    return row_id("midi_tracks", cue_key, file_path, part.track, *own)


def _sounds(part: Part) -> list[list[int | None]]:
    return [list(sound) for sound in part.sounds.sounds]
