"""One row per MIDI track with what a person would want to know before mapping it.

Conventions
-----------
A track here is a row of ``midi_tracks``: a part, where one track of the file holds several.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.cue.shown import shown
from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.categories import program_category

if TYPE_CHECKING:
    from pandas import DataFrame, Series

TRACK_COLUMNS: Final = (
    "id",
    "midi_file_id",
    "track_index",
    "port",
    "part_channel",
    "track_name",
    "all_names",
    "program",
    "program_doubt",
    "bank",
    "channel",
    "is_drum",
    "n_notes",
    "notes",
    "lowest_note",
    "highest_note",
    "first_seconds",
    "last_seconds",
    "clock_doubt",
)
_OF_MIDI_TRACKS: Final = (
    "id",
    "midi_file_id",
    "track_index",
    "port",
    "part_channel",
    "track_name",
    "all_names",
)
# Expression maps count their articulations from the first program, which are all pianos by name.
_FIRST_PROGRAMS: Final = range(8)
_LONGEST_NAME: Final = 120
_IN_DOUBT: Final = "in doubt"


def is_missing(value: Any) -> bool:
    """Return whether a cell is NULL, in any of pandas' spellings."""
    import pandas as pd

    return bool(pd.isna(value))


def counted_tracks(midi_tracks: "DataFrame", midi_files: "DataFrame") -> "DataFrame":
    """Return the tracks of files that count: a file that repeats another one does not.

    Parameters
    ----------
    midi_tracks : DataFrame
        Column ``midi_file_id``.
    midi_files : DataFrame
        Columns ``id``, ``same_as``.
    """
    repeats = midi_files.loc[midi_files["same_as"].notna(), "id"]
    return midi_tracks[~midi_tracks["midi_file_id"].isin(repeats)]


def note_digests(midi_notes: "DataFrame") -> "dict[int, str]":
    """Return a digest of the pitches of each track in the order of their beginnings.

    It is free of tempo, resolution, dynamics, lengths, channel and name: the same music exported
    again has the same. Chords count from the lowest note up.

    Parameters
    ----------
    midi_notes : DataFrame
        Columns ``midi_track_id``, ``note``, and ``start_tick`` or ``start_time``.

    Returns
    -------
    dict of int to str
        By track; tracks without notes are not in it.
    """
    import hashlib

    import numpy as np

    start = "start_tick" if "start_tick" in midi_notes else "start_time"
    if midi_notes.empty:
        return {}
    track = midi_notes["midi_track_id"].to_numpy(np.int64)
    pitch = midi_notes["note"].to_numpy(np.uint8)
    order = np.lexsort((pitch, midi_notes[start].to_numpy(), track))
    first = np.flatnonzero(np.diff(track[order], prepend=-1))
    return {
        int(track[order[at]]): hashlib.sha256(pitches.tobytes()).hexdigest()[:32]
        for at, pitches in zip(first, np.split(pitch[order], first[1:]), strict=True)
    }


def track_summary(
    midi_tracks: "DataFrame", midi_notes: "DataFrame", midi_files: "DataFrame | None" = None
) -> "DataFrame":
    """Return one row per track of ``midi_tracks``, in file and track order.

    Parameters
    ----------
    midi_tracks : DataFrame
        The columns that ``midi_events`` owns.
    midi_notes : DataFrame
        Columns ``midi_track_id``, ``channel``, ``note``, ``start_time``, ``duration`` (seconds).
    midi_files : DataFrame, optional
        Columns ``id``, ``same_as``, ``clock_doubt``. Tracks of a file that repeats another are
        left out.

    Returns
    -------
    DataFrame
        Columns :data:`TRACK_COLUMNS`. ``program`` is the General MIDI program that most notes are
        played with, NA on a drum kit and where programs contradict each other, which
        ``program_doubt`` then says in words, as it says that a kit is in doubt; ``bank`` its bank
        as ``128 · MSB + LSB``; ``channel`` (0…15) the one most notes are on; ``is_drum`` whether
        they are strokes on a drum kit; ``notes`` a digest of its pitches in order
        (:func:`note_digests`); ``last_seconds`` where the last note ends; ``clock_doubt`` why the
        file's times are in doubt. NA where the track has none.

    Raises
    ------
    MappingError
        If the rows were written before tracks were told apart by their parts.
    """
    import pandas as pd

    if midi_files is not None:
        midi_tracks = counted_tracks(midi_tracks, midi_files)
    summary = midi_tracks.loc[:, list(_OF_MIDI_TRACKS)].copy()
    by_track = midi_notes.groupby("midi_track_id", sort=False)
    ends = (midi_notes["start_time"] + midi_notes["duration"]).groupby(
        midi_notes["midi_track_id"], sort=False
    )
    summary["n_notes"] = summary["id"].map(by_track.size()).fillna(0).astype("int64")
    summary["notes"] = summary["id"].map(note_digests(midi_notes)).astype(object)
    _refuse_old_rows(midi_tracks, summary["n_notes"])
    summary["is_drum"] = midi_tracks["drum_kit"].notna().to_numpy()
    played = [
        (None, None, None) if drum else _played(sounds if isinstance(sounds, list) else [])
        for sounds, drum in zip(midi_tracks["sounds"], summary["is_drum"], strict=True)
    ]
    summary["program"] = pd.array([program for program, _, _ in played], dtype="Int64")
    summary["bank"] = pd.array([bank for _, bank, _ in played], dtype="Int64")
    summary["program_doubt"] = pd.Series(
        [doubt for _, _, doubt in played], dtype=object, index=summary.index
    )
    doubted = midi_tracks["drum_kit"].astype(object).map(_is_kit_in_doubt).to_numpy(bool)
    summary.loc[doubted, "program_doubt"] = (
        "its notes may be drums by their channel, or a melody that only stands there"
    )
    columns: dict[str, Series] = {
        "channel": _channel(midi_notes),
        "lowest_note": by_track["note"].min(),
        "highest_note": by_track["note"].max(),
    }
    for name, values in columns.items():
        summary[name] = summary["id"].map(values).astype("Int64")
    summary["first_seconds"] = summary["id"].map(by_track["start_time"].min()).astype("float64")
    summary["last_seconds"] = summary["id"].map(ends.max()).astype("float64")
    summary["clock_doubt"] = None
    if midi_files is not None:
        doubts = dict(zip(midi_files["id"], midi_files["clock_doubt"], strict=True))
        summary["clock_doubt"] = summary["midi_file_id"].map(doubts).astype(object)
    ordered = summary.sort_values(
        ["midi_file_id", "track_index", "port", "part_channel"], kind="stable"
    )
    return pd.DataFrame(ordered.loc[:, list(TRACK_COLUMNS)]).reset_index(drop=True)


def _is_kit_in_doubt(drum_kit: Any) -> bool:
    return isinstance(drum_kit, str) and drum_kit.endswith(_IN_DOUBT)


def _refuse_old_rows(midi_tracks: "DataFrame", n_notes: "Series") -> None:
    old = midi_tracks["sounds"].isna() & (n_notes > 0)
    if old.any():
        raise MappingError(
            f"{int(old.sum())} tracks were read by an earlier version, which did not tell the "
            "parts of a track from each other. Materialise midi_events of this cue again; "
            "`cue-pipeline process` does so by itself."
        )


def _played(
    sounds: Sequence[Sequence[int | None]],
) -> tuple[int | None, int | None, str | None]:
    """Return the program and bank of most notes, and why they are not to be believed."""
    notes: dict[int, int] = {}
    for program, _, _, n in sounds:
        if program is not None:
            notes[program] = notes.get(program, 0) + (n or 0)
    if not notes:
        return None, None, None
    if len(notes) > 1 and not _of_one_family(notes):
        told = ", ".join(str(program + 1) for program in notes)
        doubt = (
            f"its notes are played with {len(notes)} programs ({told}): articulations, or "
            "several instruments"
        )
        return None, None, doubt
    most = max(notes, key=notes.__getitem__)
    _, msb, lsb, _ = max((s for s in sounds if s[0] == most), key=lambda s: s[3] or 0)
    bank = None if msb is None and lsb is None else (msb or 0) * 128 + (lsb or 0)
    return most, bank, None


def _of_one_family(programs: dict[int, int]) -> bool:
    """Return whether programs may be one instrument in turns: pizzicato, flute and piccolo."""
    first = sum(program in _FIRST_PROGRAMS for program in programs)
    return first < 2 and len({program_category(p)[1] for p in programs}) == 1


def _channel(notes: "DataFrame") -> "Series":
    import pandas as pd

    counts = notes.groupby(["midi_track_id", "channel"], sort=True).size().reset_index(name="n")
    # Stable and sorted by channel: of channels with as many notes, the lowest.
    most = counts.sort_values(["midi_track_id", "n"], ascending=[True, False], kind="stable")
    by_notes = most.drop_duplicates("midi_track_id").set_index("midi_track_id")["channel"]
    return pd.Series(by_notes.astype("Int64"))


def parts_of_one_name(tracks: "DataFrame") -> list[int]:
    """Return for each track how many parts of the same track have its name; 0: none but it."""
    keys = [
        None if is_missing(channel) or is_missing(name) or not name else (file, index, name)
        for file, index, channel, name in zip(
            tracks["midi_file_id"],
            tracks["track_index"],
            tracks["part_channel"],
            tracks["track_name"],
            strict=True,
        )
    ]
    counts = Counter(key for key in keys if key is not None)
    return [counts[key] if key is not None and counts[key] > 1 else 0 for key in keys]


def track_labels(tracks: "DataFrame") -> list[str]:
    """Return what people are shown for each track: its name, and its channel if it is a part.

    Parameters
    ----------
    tracks : DataFrame
        ``track_index``, ``port``, ``part_channel``, ``track_name``.
    """
    return [
        track_label(
            None if is_missing(name) else name,
            int(index),
            None if is_missing(channel) else int(channel),
            None if is_missing(port) else int(port),
        )
        for name, index, channel, port in zip(
            tracks["track_name"],
            tracks["track_index"],
            tracks["part_channel"],
            tracks["port"],
            strict=True,
        )
    ]


def track_label(
    name: str | None, track_index: int, channel: int | None, port: int | None = None
) -> str:
    """Return what people are shown for one track.

    Examples
    --------
    >>> track_label("Flute", 3, None), track_label("Chase", 0, 9), track_label("", 0, 9, 1)
    ('Flute', 'Chase (ch10)', '#0 port1 ch10')
    """
    name = shown((name or "").strip())
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1]}…"
    if channel is None:
        return name or f"#{track_index}"
    part = f"port{port} ch{channel + 1}" if port else f"ch{channel + 1}"
    return f"{name} ({part})" if name else f"#{track_index} {part}"
