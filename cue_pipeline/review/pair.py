"""A track beside the sounds in which it may be heard, on one axis of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cue_pipeline.audio.mel_filters import mel_corners
from cue_pipeline.cue.shown import shown
from cue_pipeline.errors import WarehouseError
from cue_pipeline.review import axis
from cue_pipeline.review.cue_sheet import CueSheet, float_column, sound_as_json
from cue_pipeline.settings import MelSettings

if TYPE_CHECKING:
    from cue_pipeline.reading import Cue, Mel

NO_CLOCK = (
    "Nothing tells where this score is heard: the notes are drawn as if it began with the "
    "recording. Listen first, or drag the notes with Alt to where they fit and state the clock."
)


def pair_of(cue: Cue, sheet: CueSheet, track_id: int) -> dict[str, Any]:
    """Return a track's notes, its candidates and the mixes, and the beats, on one axis.

    Returns
    -------
    dict
        ``track``; ``notes`` ``[[start, end, note, velocity], …]``, seconds of the axis;
        ``candidates`` and ``mixes``, each with its ``knots`` on the axis and its ``mel``;
        ``beats`` ``[[seconds, bar, beat], …]``, ``tempos`` ``[[seconds, quarters a minute], …]``;
        ``opens_at``; ``end``; ``told``, what is in doubt about the clock.
    """
    row = sheet.track(track_id)
    file = int(row["midi_file_id"])
    candidates = sheet.candidates(track_id)
    reference = sheet.clock(file, candidates[0]) if candidates else axis.Clock(None, None)
    notes = sheet.notes_of.get(track_id)
    notes, n_cut = _heard_of(notes, reference)
    start, end = _times(notes, reference)
    tempo = sheet.tempo(file)
    seconds = float(sheet.stems[candidates[0]]["duration_seconds"]) if candidates else 0.0
    return {
        "track": sheet.track_as_json(track_id),
        "notes": [] if notes is None else _notes(notes, start, end),
        "candidates": [
            _sound(cue, sheet, "stem", stem, reference, file, sheet.scores.get((track_id, stem)))
            for stem in candidates
        ],
        "mixes": [_sound(cue, sheet, "mix", mix, reference, file) for mix in sheet.mixes],
        "beats": [] if tempo is None else axis.beats(tempo, reference),
        "tempos": [] if tempo is None else _tempos(tempo.changes, reference),
        "opens_at": axis.most_telling(start, _all_starts(sheet, reference, file), seconds),
        "end": max(seconds, float(end.max(initial=0.0))),
        "told": _told(reference, None if tempo is None else tempo.doubt, n_cut),
    }


def other_sound(cue: Cue, sheet: CueSheet, track_id: int, stem: int) -> dict[str, Any]:
    """Return a further stem of the cue beside a track's candidates.

    Raises
    ------
    WarehouseError
        If the cue has no such stem.
    """
    if stem not in sheet.stems:
        raise WarehouseError(f"Cue '{sheet.key}' has no stem of id {stem}. Open the cue again.")
    file = int(sheet.track(track_id)["midi_file_id"])
    candidates = sheet.candidates(track_id)
    reference = sheet.clock(file, candidates[0])
    return _sound(cue, sheet, "stem", stem, reference, file, sheet.scores.get((track_id, stem)))


def _heard_of(notes: Any, reference: axis.Clock) -> tuple[Any, int]:
    """Return the notes that the recording does not leave out, and how many it does."""
    if notes is None:
        return None, 0
    cut = axis.left_out(reference, float_column(notes, "start_time"))
    return notes[~cut], int(cut.sum())


def _times(notes: Any, reference: axis.Clock) -> tuple[Any, Any]:
    if notes is None:
        return np.empty(0), np.empty(0)
    start = float_column(notes, "start_time")
    end = start + float_column(notes, "duration")
    return axis.notes_on_axis(reference, start), axis.notes_on_axis(reference, end)


def _notes(notes: Any, start: Any, end: Any) -> list[list[float]]:
    columns = [np.round(start, 5), np.round(end, 5), notes["note"], notes["velocity"]]
    rows: list[list[float]] = np.column_stack(columns).tolist()
    return sorted(rows)


def _all_starts(sheet: CueSheet, reference: axis.Clock, file: int) -> Any:
    tracks = [track for track, row in sheet.tracks.items() if int(row["midi_file_id"]) == file]
    notes = sheet.notes[sheet.notes["midi_track_id"].isin(tracks)]
    return axis.notes_on_axis(reference, float_column(notes, "start_time"))


def _tempos(changes: list[list[Any]], reference: axis.Clock) -> list[list[float]]:
    times = axis.notes_on_axis(reference, np.array([row[0] for row in changes], np.float64))
    return [[float(t), 6e7 / float(row[2])] for t, row in zip(times, changes, strict=True)]


def _sound(
    cue: Cue,
    sheet: CueSheet,
    kind: str,
    sound_id: int,
    reference: axis.Clock,
    file: int,
    score: Any = None,
) -> dict[str, Any]:
    row = (sheet.stems if kind == "stem" else sheet.mixes)[sound_id]
    clock = sheet.clock(file, sound_id)
    knots, told = axis.onto(reference, clock)
    sounds = cue.stems if kind == "stem" else cue.mixes
    try:
        mel = mel_as_json(sounds[row["canonical_name"]].mel())
    except WarehouseError as e:
        mel = {"told": str(e)}
    return {
        **sound_as_json(row),
        "kind": kind,
        "knots": knots,
        "told": told,
        "clock": {
            "method": clock.method,
            "confidence": clock.confidence,
            "reason": None if clock.reason is None else shown(clock.reason),
        },
        "score": None if score is None else score["score"],
        "abstained": None if score is None else score["abstained"],
        "mel": mel,
    }


def mel_as_json(mel: Mel) -> dict[str, Any]:
    """Return what the page needs to draw a spectrogram: its shape, and the bands' middles in Hz."""
    names = set(MelSettings.model_fields)
    settings = MelSettings(**{k: v for k, v in mel.params.items() if k in names})
    return {
        "frames": mel.shape[0],
        "bands": [round(float(hz), 2) for hz in mel_corners(settings)[1:-1]],
        "frames_per_second": mel.frames_per_second,
        "version": mel.version,
    }


def _told(reference: axis.Clock, tempo_doubt: str | None, n_cut: int) -> list[str]:
    told = [] if reference.knots else [NO_CLOCK]
    if n_cut:
        told.append(
            f"{n_cut} of its notes {'is' if n_cut == 1 else 'are'} not drawn: the recording leaves "
            "out the passage in which they stand."
        )
    if tempo_doubt:
        told.append(f"The times of this MIDI file are in doubt: {shown(tempo_doubt)}")
    return told
