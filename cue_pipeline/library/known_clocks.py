"""What people say of a cue's clock, brought to its MIDI files, stems and mixes as they are now."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cue_pipeline.errors import MappingError, WarehouseError
from cue_pipeline.hearing.stated import Stated, TempoBend
from cue_pipeline.mapping.people.binding import stem_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

    from cue_pipeline.warehouse.store import Store

Row = Mapping[Hashable, Any]

_LEAST_WANDER_MS = 1.0
_SMPTE = 0x8000  # a division word from here on counts frames, not quarter notes


@dataclass(frozen=True)
class KnownClocks:
    """What is known of the clocks of a cue before anything is heard.

    Attributes
    ----------
    stated : dict of int to Stated
        By ``midi_files.id``: what people say.
    tempos : dict of int to list of TempoBend
        By ``midi_files.id``: tempo maps of the cue's other files.
    warnings : list of str
        Words of people that fit nothing as the cue is now.
    """

    stated: dict[int, Stated] = field(default_factory=dict)
    tempos: dict[int, list[TempoBend]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def known_clocks(rows: DataFrame, midi_files: DataFrame, sounds: DataFrame) -> KnownClocks:
    """Return what is known of the clocks of a cue.

    Parameters
    ----------
    rows : DataFrame
        Rows of ``alignment_overrides`` of the cue.
    midi_files : DataFrame
        Rows of ``midi_files``: ``id``, ``file_path``, ``division``, ``ticks_per_beat``,
        ``duration_seconds``, ``tempo_map``.
    sounds : DataFrame
        Its stems, then its mixes: ``id``, ``canonical_name``, ``content_hash``.
    """
    files = [
        row for row in midi_files.to_dict("records")
        if row["tempo_map"] and row["division"] < _SMPTE
    ]  # fmt: skip
    known = KnownClocks()
    said = sorted(rows.to_dict("records"), key=lambda row: (row["midi_file"], row["stem"]))
    paths = {str(file["file_path"]) for file in files}
    for row in said:
        if row["midi_file"] and row["midi_file"] not in paths:
            known.warnings.append(
                f"The clock stated of '{row['midi_file']}' fits no MIDI file of this cue; it is "
                "kept for when the file is there again."
            )
    of_stems = [(row, _sound_of(row, sounds, known.warnings)) for row in said]
    for file in files:
        key = int(file["id"])
        # A word about one file goes before that about all: it comes later.
        mine = [of for of in of_stems if of[0]["midi_file"] in ("", file["file_path"])]
        if mine:
            known.stated[key] = _stated(file, mine, known.warnings)
        known.tempos[key] = _other_tempos(file, files)
    return known


def _sound_of(row: Row, sounds: DataFrame, warnings: list[str]) -> int | None:
    """Return the stem or mix that a word is about; None: all, or none that is there."""
    if not row["stem"]:
        return None
    names = [str(name) for name in sounds["canonical_name"]]
    contents = [text_of(content) for content in sounds["content_hash"]]
    found = stem_of(
        {"canonical_name": row["stem"], "stem_content": row["stem_content"]}, names, contents
    )
    if found is None or not found.positions:
        warnings.append(
            f"The clock stated of stem '{row['stem']}' fits no stem or mix of this cue; it is kept "
            "for when one of its name or sound is there."
        )
        return None
    if found.told:
        warnings.append(f"The clock stated of stem '{row['stem']}': {found.told}")
    return int(sounds["id"].iloc[found.positions[0]])


def _stated(file: Row, said: Sequence[tuple[Row, int | None]], warnings: list[str]) -> Stated:
    stated = Stated()
    for row, sound in said:
        lag = row["lag_seconds"] if row["lag_seconds"] == row["lag_seconds"] else None
        who = f"{row['decided_by']}, {row['created_at']:%Y-%m-%d},"
        if row["stem"]:
            if sound is not None and lag is not None:
                stated = replace(stated, in_files={**stated.in_files, sound: float(lag)}, who=who)
            continue
        if lag is not None:
            stated = replace(stated, lag_seconds=float(lag), who=who)
        if row["tempo"]:
            try:
                bend = tempo_bend(file, row["tempo"], f"'{row['tempo_from']}', as {who} states")
            except MappingError as e:
                warnings.append(f"'{file['file_path']}': {e}")
            else:
                stated = replace(stated, tempo=bend, who=who)
    return stated


def _other_tempos(file: Row, files: Sequence[Row]) -> list[TempoBend]:
    """Return the tempo maps of the cue's other files that differ from a file's own."""
    import numpy as np

    found: list[TempoBend] = []
    for other in files:
        if other["id"] == file["id"]:
            continue
        try:
            bend = tempo_bend(file, in_quarters(other), f"'{other['file_path']}'")
        except MappingError:
            continue  # nothing to compare: the file has no length
        same = [*(np.array_equal(bend.played, known.played) for known in found
                  if len(known.played) == len(bend.played))]  # fmt: skip
        if not np.allclose(bend.played, bend.score, atol=1e-3) and not any(same):
            found.append(bend)
    return found


def in_quarters(file: Row) -> list[list[float]]:
    """Return a file's tempo map as ``[[quarters, microseconds_per_quarter], …]``."""
    division = float(file["ticks_per_beat"])
    return [[tick / division, float(tempo)] for _, tick, tempo in file["tempo_map"]]


def tempo_bend(file: Row, tempo: Sequence[Sequence[float]], said_by: str) -> TempoBend:
    """Return how a file's own times become those of another tempo map.

    Parameters
    ----------
    file : mapping
        A row of ``midi_files``.
    tempo : sequence of [quarters, microseconds_per_quarter]
    said_by : str
        Whose map it is, in words.

    Raises
    ------
    MappingError
        If the file has no length, or the map holds no tempo.
    """
    import numpy as np

    from cue_pipeline.midi.timing import seconds_to_ticks, ticks_to_seconds

    division = int(file["ticks_per_beat"])
    own = file["tempo_map"]
    end = float(seconds_to_ticks(max(float(file["duration_seconds"] or 0.0), 1.0), own, division))
    ticks = np.array([0.0, *(row[1] for row in own), *(q * division for q, _ in tempo), end])
    ticks = np.unique(ticks[ticks <= end])
    elapsed, other = 0.0, []
    for i, (quarters, micros) in enumerate(tempo):
        if i:
            elapsed += (quarters - tempo[i - 1][0]) * tempo[i - 1][1] / 1e6
        other.append([elapsed, quarters * division, micros])
    return TempoBend(
        ticks_to_seconds(ticks, own, division), ticks_to_seconds(ticks, other, division), said_by
    )


def read_tempo(path: Path) -> list[list[float]]:
    """Return the tempo map of a MIDI file as ``[[quarters, microseconds_per_quarter], …]``.

    Raises
    ------
    MappingError
        If it cannot be read, or says no tempo.
    """
    from cue_pipeline.errors import MidiFileError
    from cue_pipeline.midi.reader import read_midi_file

    try:
        read = read_midi_file(path)
    except MidiFileError as e:
        raise MappingError(f"No tempo can be read: {e}") from e
    clock = read.sequences[0]
    if read.division >= _SMPTE or not clock.writes_tempo:
        raise MappingError(
            f"'{path}' writes no tempo, so that nothing can be played to it. Give the MIDI file "
            "with the tempo map that the take was recorded to."
        )
    return in_quarters({"ticks_per_beat": read.ticks_per_beat, "tempo_map": clock.tempo_map})


def sounds_of(stems: DataFrame, mixes: DataFrame) -> DataFrame:
    """Return a cue's stems, then its mixes: ``id``, ``canonical_name``, ``content_hash``.

    Parameters
    ----------
    stems, mixes : DataFrame
        Rows of ``audio_files`` and of ``final_mixes``.
    """
    import pandas as pd

    columns = ["id", "canonical_name", "content_hash"]
    return pd.concat([part[columns] for part in (stems, mixes) if len(part)] or [stems[columns]])


def read_sounds(store: Store, cue_key: str) -> dict[str, str | None]:
    """Return the stems of a cue, then its mixes, by name: ``content_hash``, None where not known.

    A mix that is called like a stem is not reached by its name.
    """
    found: dict[str, str | None] = {}
    for table in ("final_mixes", "audio_files"):
        rows = store.read(cue_key, table, ["canonical_name"])
        try:
            contents = store.read(cue_key, table, ["canonical_name", "content_hash"])
        except WarehouseError:  # the samples are not read yet
            contents = rows.assign(content_hash=None)
        found |= dict(
            zip(contents["canonical_name"], map(text_of, contents["content_hash"]), strict=True)
        )
    return found


def read_stated(store: Store, cue_key: str) -> list[dict[str, Any]]:
    """Return what people state of a cue's clock, as plain values."""
    rows = store.read(cue_key, "alignment_overrides").to_dict("records")
    return [
        {
            **{str(name): _plain(value) for name, value in row.items()},
            "created_at": row["created_at"].isoformat(),
        }
        for row in rows
    ]


def read_clocks(store: Store, cue_key: str) -> list[dict[str, Any]]:
    """Return where a cue's score is heard: one plain dict per MIDI file and stem, then mixes.

    Returns
    -------
    list of dict
        ``midi_file``, ``what`` (stem, mix), ``name``, and the columns of ``stem_alignments``, with
        ``wander_ms``: by how much the lag changes; None where it does not.

    Raises
    ------
    WarehouseError
        If ``match_evidence`` failed or is under way.
    """
    files = store.read(cue_key, "midi_files", ["id", "file_path"])
    paths = dict(zip(files["id"], files["file_path"], strict=True))
    found = []
    for what, table, of, parent in (
        ("stem", "stem_alignments", "audio_files", "audio_file_id"),
        ("mix", "mix_alignments", "final_mixes", "final_mix_id"),
    ):
        sounds = store.read(cue_key, of, ["id", "canonical_name"])
        names = dict(zip(sounds["id"], sounds["canonical_name"], strict=True))
        for row in store.read(cue_key, table).to_dict("records"):
            plain = {str(name): _plain(value) for name, value in row.items()}
            found.append(
                {
                    "midi_file": paths[plain.pop("midi_file_id")],
                    "what": what,
                    "name": names[plain.pop(parent)],
                    **plain,
                    "wander_ms": _wander_ms(plain["knots"]),
                }
            )
    return sorted(found, key=lambda row: (row["midi_file"], row["what"] == "mix", row["name"]))


def _wander_ms(knots: Sequence[Sequence[float]] | None) -> float | None:
    if not knots:
        return None
    lags = [audio - score for score, audio in knots]
    spread = 1e3 * (max(lags) - min(lags))
    return round(spread, 1) if spread >= _LEAST_WANDER_MS else None


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value
