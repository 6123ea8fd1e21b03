"""One row per MIDI track with what a person would want to know before mapping it."""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pandas import DataFrame, Series

DRUM_CHANNEL: Final = 9
_BANK_SELECT_MSB: Final = 0
_BANK_SELECT_LSB: Final = 32

TRACK_COLUMNS: Final = (
    "id",
    "midi_file_id",
    "track_index",
    "track_name",
    "program",
    "bank",
    "channel",
    "is_drum",
    "n_notes",
    "lowest_note",
    "highest_note",
    "first_seconds",
    "last_seconds",
    "clock_doubt",
)


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


def track_summary(
    midi_tracks: "DataFrame",
    midi_notes: "DataFrame",
    midi_program_changes: "DataFrame | None" = None,
    midi_cc: "DataFrame | None" = None,
    midi_files: "DataFrame | None" = None,
) -> "DataFrame":
    """Return one row per track of ``midi_tracks``, in file and track order.

    Parameters
    ----------
    midi_tracks : DataFrame
        Columns ``id``, ``midi_file_id``, ``track_index``, ``track_name``.
    midi_notes : DataFrame
        Columns ``midi_track_id``, ``channel``, ``note``, ``start_time``, ``duration`` (seconds).
    midi_program_changes : DataFrame, optional
        Columns ``midi_track_id``, ``event_index``, ``channel``, ``program``.
    midi_cc : DataFrame, optional
        Columns ``midi_track_id``, ``event_index``, ``channel``, ``cc_number``, ``cc_value``.
    midi_files : DataFrame, optional
        Columns ``id``, ``same_as``, ``clock_doubt``. Tracks of a file that repeats another are
        left out.

    Returns
    -------
    DataFrame
        Columns :data:`TRACK_COLUMNS`. ``program`` is the first program change; ``bank`` the first
        bank select as ``128 · MSB + LSB``; ``channel`` (0…15) the one most notes are on;
        ``is_drum`` whether that is General MIDI's drum channel; ``last_seconds`` where the last
        note ends; ``clock_doubt`` why the file's times are in doubt. All of these are NA where
        the track has none.
    """
    import pandas as pd

    if midi_files is not None:
        midi_tracks = counted_tracks(midi_tracks, midi_files)
    summary = midi_tracks.loc[:, ["id", "midi_file_id", "track_index", "track_name"]].copy()
    by_track = midi_notes.groupby("midi_track_id", sort=False)
    ends = (midi_notes["start_time"] + midi_notes["duration"]).groupby(
        midi_notes["midi_track_id"], sort=False
    )
    columns: dict[str, Series] = {
        "program": _first(midi_program_changes, "program"),
        "bank": _bank(midi_cc),
        "channel": _channel(midi_notes, midi_program_changes),
        "lowest_note": by_track["note"].min(),
        "highest_note": by_track["note"].max(),
    }
    for name, values in columns.items():
        summary[name] = summary["id"].map(values).astype("Int64")
    summary["is_drum"] = summary["channel"].eq(DRUM_CHANNEL).fillna(value=False).astype(bool)
    summary["n_notes"] = summary["id"].map(by_track.size()).fillna(0).astype("int64")
    summary["first_seconds"] = summary["id"].map(by_track["start_time"].min()).astype("float64")
    summary["last_seconds"] = summary["id"].map(ends.max()).astype("float64")
    summary["clock_doubt"] = None
    if midi_files is not None:
        doubts = dict(zip(midi_files["id"], midi_files["clock_doubt"], strict=True))
        summary["clock_doubt"] = summary["midi_file_id"].map(doubts).astype(object)
    ordered = summary.sort_values(["midi_file_id", "track_index"], kind="stable")
    return pd.DataFrame(ordered.loc[:, list(TRACK_COLUMNS)]).reset_index(drop=True)


def _first(events: "DataFrame | None", column: str) -> "Series":
    import pandas as pd

    if events is None or events.empty:
        return pd.Series(dtype="Int64")
    ordered = events.sort_values("event_index", kind="stable")
    return ordered.groupby("midi_track_id", sort=False)[column].first()


def _bank(cc: "DataFrame | None") -> "Series":
    import pandas as pd

    if cc is None or cc.empty:
        return pd.Series(dtype="Int64")
    msb = _first(cc[cc["cc_number"] == _BANK_SELECT_MSB], "cc_value")
    lsb = _first(cc[cc["cc_number"] == _BANK_SELECT_LSB], "cc_value")
    both = pd.concat([msb.rename("msb"), lsb.rename("lsb")], axis=1).astype("Int64").fillna(0)
    return both["msb"] * 128 + both["lsb"]


def _channel(notes: "DataFrame", programs: "DataFrame | None") -> "Series":
    import pandas as pd

    counts = notes.groupby(["midi_track_id", "channel"], sort=True).size().reset_index(name="n")
    # Stable and sorted by channel: of channels with as many notes, the lowest.
    most = counts.sort_values(["midi_track_id", "n"], ascending=[True, False], kind="stable")
    by_notes = most.drop_duplicates("midi_track_id").set_index("midi_track_id")["channel"]
    by_program = _first(programs, "channel")
    return pd.Series(by_notes.astype("Int64").combine_first(by_program.astype("Int64")))
