"""The rows of ``match_evidence`` of one MIDI file, and what the summary says of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cue_pipeline.hearing.file_tracks import FileTracks
from cue_pipeline.hearing.heard_times import is_cut, none_within
from cue_pipeline.hearing.placing import Placed
from cue_pipeline.hearing.templates import TrackNotes
from cue_pipeline.hearing.transposition import told_interval

MIN_NOTES = 4
COLUMNS = (
    "midi_track_id",
    "audio_file_id",
    "onset_score",
    "activity_score",
    "pitch_score",
    "score",
    "lag_seconds",
    "n_notes",
    "level_db",
    "abstained",
    "clock_doubt",
    "kit_notes",
)


def pair_rows(
    file: FileTracks,
    features: pd.DataFrame,
    found: Placed | None,
    left_out: Mapping[int, str],
    summary: dict[str, Any],
    unplaced: str = "",
) -> pd.DataFrame:
    """Return this file's pairs, and note in the summary what became of it.

    Parameters
    ----------
    file : FileTracks
    features : pd.DataFrame
        One row per stem.
    found : Placed or None
        None: no track has a note, or no stem can be heard.
    left_out : mapping of int to str
        Why a stem cannot be heard, by ``audio_file_id``.
    summary : dict
        Gets one more entry in ``files``.
    unplaced : str
        Why nothing was found, where that is known.
    """
    report: dict[str, Any] = {"abstained": [], "same_notes": []}
    summary["files"].append(report)
    scored: dict[tuple[int, int], dict[str, Any]] = {}
    if unplaced:
        report["warnings"] = [f"as {file.stated.who} states, there is {unplaced}"]
    if found:
        _report_lag(report, found)
        report["moved_stems"] = found.heard.moved
        report["same_notes"] = [[file.names[t] for t in v] for v in file.voices if len(v) > 1]
        scored = _scored(file, found)
    doubts = _report_intervals(report, file, found)
    groups = [int(key) for key in features["audio_file_id"]]
    rows = []
    for track_id, name, track in zip(file.ids, file.names, file.tracks, strict=True):
        why, inside = _of_track(track, found)
        why = why or unplaced
        reasons = {key: why or (found.doubt_in(key) if found else "") for key in groups}
        everywhere = set(reasons.values())
        if len(everywhere) == 1 and "" not in everywhere:
            report["abstained"].append({"track": name, "reason": everywhere.pop()})
        for group_id in groups:
            of_pair = scored.get((track_id, group_id)) or {"abstained": left_out.get(group_id)}
            why = reasons[group_id]
            rows.append(
                {
                    "midi_track_id": track_id,
                    "audio_file_id": group_id,
                    "n_notes": inside,
                    "clock_doubt": (found and found.doubt) or doubts.get(track_id),
                    **({"abstained": why} if why else of_pair),
                }
            )
    return pairs_table(rows)


def _report_intervals(
    report: dict[str, Any], file: FileTracks, found: Placed | None
) -> dict[int, str]:
    """Note the tracks that sound elsewhere than written; return that by ``midi_track_id``."""
    intervals = found.intervals if found else {}
    of_tracks = {t: told_interval(k) for v, k in intervals.items() for t in file.voices[v]}
    report["transposed"] = [[file.names[t], told] for t, told in of_tracks.items()]
    report.setdefault("warnings", []).extend(
        f"track {file.names[t]!r}: {told}" for t, told in of_tracks.items()
    )
    return {file.ids[t]: told for t, told in of_tracks.items()}


def _of_track(track: TrackNotes, found: Placed | None) -> tuple[str, int]:
    """Return why a track is judged nowhere, and how many of its notes are compared."""
    if found is None or not (found.sure or found.file.stated.in_files):
        return _too_few(track.n_notes), track.n_notes
    inside = _n_recorded(track, found)
    outside = _outside(track, found) if track.n_notes and not inside else ""
    return outside or _too_few(inside), inside


def _too_few(n_notes: int) -> str:
    if n_notes >= MIN_NOTES:
        return ""
    return f"only {n_notes} notes" if n_notes else "no notes"


def _n_recorded(track: TrackNotes, found: Placed) -> int:
    """Return how many notes sound within the recording."""
    alignment = found.alignment
    knots = np.stack([alignment.knots, alignment.session_time(alignment.knots)], axis=1)
    starts, ends = (
        found.alignment.session_time(seconds)
        for seconds in (track.start, track.start + track.duration)
    )
    inside = (ends > 0.0) & (starts < found.heard.seconds) & ~is_cut(knots.tolist(), track.start)
    return int(inside.sum())


def _outside(track: TrackNotes, found: Placed) -> str:
    """Return where a track's notes lie, none of which is within the recording."""
    starts, ends = (
        found.alignment.session_time(seconds)
        for seconds in (track.start, track.start + track.duration)
    )
    return none_within(starts, ends, found.heard.seconds) or ""


def _scored(file: FileTracks, found: Placed) -> dict[tuple[int, int], dict[str, Any]]:
    measured, lag = found.measured, found.alignment.lag_seconds
    score = measured.score()
    out = {}
    for v, voice in enumerate(file.voices):
        keys = found.kits.get(v)
        for t in voice:
            for g, group in enumerate(found.heard.groups):
                pitch = None if file.tracks[t].is_drum else float(measured.band_part[v, g])
                out[file.ids[t], group.audio_file_id] = {
                    "onset_score": float(measured.onset_part[v, g]),
                    "activity_score": float(measured.activity_part[v, g]),
                    "pitch_score": pitch,
                    "score": float(score[v, g]),
                    "lag_seconds": lag - group.offset_seconds,
                    "level_db": float(measured.level_db[v, g]),
                    "kit_notes": [list(of_key) for of_key in keys[g]] if keys else None,
                }
    return out


def pairs_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows of ``match_evidence`` as a table."""
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = [name for name in COLUMNS if name.endswith(("score", "_seconds", "_db"))]
    table[numbers] = table[numbers].astype("float64")
    for name in ("midi_track_id", "audio_file_id", "n_notes"):
        table[name] = table[name].astype("int64")
    for name in ("abstained", "clock_doubt", "kit_notes"):
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table


def _report_lag(report: dict[str, Any], found: Placed) -> None:
    alignment = found.alignment
    report["named_lags"] = [[round(lag, 3), how] for lag, how in found.names.named.items()]
    report["lag_named_by"] = found.names.told(alignment.lag_seconds)
    report["clock_doubt"] = found.doubt
    by_sound = found.sure and found.file.stated.lag_seconds is None
    contradicted = found.names.contradicted(alignment.lag_seconds) if by_sound else None
    report["followed"] = None if found.followed is None else str(found.followed)
    said = (found.doubt, contradicted, *found.refused, report["followed"])
    report["warnings"] = [text for text in said if text]
    report["lag_seconds"] = round(alignment.lag_seconds, 4)
    report["lag_confidence"] = round(alignment.confidence, 3)
    report["lag_r2"] = round(alignment.r2, 4)
    report["lag_rivals"] = [[round(lag, 3), round(r2, 4)] for lag, r2 in alignment.rivals[:3]]
    report["drift_seconds"] = round(float(np.ptp(alignment.wander)), 4)
