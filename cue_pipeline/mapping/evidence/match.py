"""Which track is heard in which group: the pure function behind the ``match_evidence`` asset."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cue_pipeline.mapping.evidence.alignment import (
    Alignment,
    Score,
    Session,
    explained_at,
    joint_lag,
    score_of,
    session_of,
)
from cue_pipeline.mapping.evidence.hearing import Group, bands_of, fine_seconds, heard_groups
from cue_pipeline.mapping.evidence.templates import TrackNotes, pitch_to_bands, track_notes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MIN_NOTES = 20
COLUMNS = (
    "midi_track_id",
    "audio_file_id",
    "onset_score",
    "activity_score",
    "pitch_score",
    "score",
    "lag_seconds",
    "n_notes",
)


@dataclass(frozen=True)
class MatchEvidence:
    """What was heard.

    Attributes
    ----------
    pairs : pd.DataFrame
        One row per track and group, columns of ``match_evidence``; scores are NULL where the ear
        abstains.
    summary : dict
        ``lag_seconds``, ``lag_confidence``, ``lag_r2``, ``lag_rivals``, ``time_reference``,
        ``abstained`` (what and why), ``same_notes`` (tracks that sound cannot tell apart),
        ``seconds``. Plain JSON values.
    """

    pairs: pd.DataFrame
    summary: dict[str, Any] = field(default_factory=dict)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return table name → rows."""
        return {"match_evidence": self.pairs}


def match_evidence(
    tracks: pd.DataFrame,
    notes: pd.DataFrame,
    features: pd.DataFrame,
    mel_of: Callable[[int], Float32],
) -> MatchEvidence:
    """Say for each track and each group how surely the one is heard in the other.

    Parameters
    ----------
    tracks : pd.DataFrame
        Rows of ``midi_tracks``: ``id``, ``midi_file_id``, ``track_name``.
    notes : pd.DataFrame
        Rows of ``midi_notes`` of these tracks.
    features : pd.DataFrame
        One row per group: ``audio_file_id``, ``sample_rate``, ``hop_length``, ``n_mels``,
        ``n_frames``, ``max_db``, ``params``, ``canonical_name``, ``time_reference``.
    mel_of : callable
        ``audio_file_id`` → absolute dB, shape=(n_frames, n_mels). Called once per group.

    Returns
    -------
    MatchEvidence

    Raises
    ------
    MappingError
        If a mel spectrogram does not have the shape that ``features`` says.
    """
    began = time.perf_counter()
    groups, left_out = heard_groups(features, mel_of, {})
    rows: list[pd.DataFrame] = []
    summary: dict[str, Any] = {"abstained": list(left_out), "same_notes": []}
    for _, of_file in tracks.groupby("midi_file_id", sort=False):
        rows.append(_one_file(of_file, notes, features, groups, summary))
    pairs = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(COLUMNS))
    summary["seconds"] = round(time.perf_counter() - began, 3)
    return MatchEvidence(pairs[list(COLUMNS)], summary)


def _one_file(
    tracks: pd.DataFrame,
    notes: pd.DataFrame,
    features: pd.DataFrame,
    groups: list[Group],
    summary: dict[str, Any],
) -> pd.DataFrame:
    ids = [int(i) for i in tracks["id"]]
    columns = track_notes(ids, notes)
    pairs = _blank(ids, columns, features)
    sounding = [i for i, track in enumerate(columns) if track.n_notes]
    if not groups or not sounding:
        return pairs
    kept = [columns[i] for i in sounding]
    score, session = _prepared(kept, features, groups)
    alignment = joint_lag(score, session)
    _note_lag(summary, alignment)
    found = explained_at(score, session, alignment.lag_seconds)
    share = found.level**4 / np.maximum((found.level**4).sum(axis=1, keepdims=True), 1e-12)
    value = share * np.sqrt(found.gain)
    at = {group.audio_file_id: g for g, group in enumerate(groups)}
    of_track = {ids[i]: k for k, i in enumerate(sounding) if columns[i].n_notes >= MIN_NOTES}
    for i, row in enumerate(pairs.to_dict("records")):
        k, g = of_track.get(int(row["midi_track_id"])), at.get(int(row["audio_file_id"]))
        if k is not None and g is not None:
            pairs.loc[i, "score"] = value[k, g]
            pairs.loc[i, "activity_score"] = share[k, g]
            pairs.loc[i, "lag_seconds"] = alignment.lag_seconds
    return pairs


def _prepared(
    tracks: list[TrackNotes], features: pd.DataFrame, groups: list[Group]
) -> tuple[Score, Session]:
    row = features[features["audio_file_id"] == groups[0].audio_file_id].to_dict("records")[0]
    frame = fine_seconds(float(row["hop_length"]) / float(row["sample_rate"]))
    bands = bands_of(row["params"])
    spread = pitch_to_bands(bands.centres, bands.edges, bands.fft_bin_hz)
    seconds = max(float((t.start + t.duration).max()) for t in tracks)
    return score_of(tracks, spread, seconds, frame), session_of(groups, frame)


def _blank(ids: list[int], tracks: list[TrackNotes], features: pd.DataFrame) -> pd.DataFrame:
    groups = [int(g) for g in features["audio_file_id"]]
    pairs = pd.DataFrame(
        [(i, g, t.n_notes) for i, t in zip(ids, tracks, strict=True) for g in groups],
        columns=["midi_track_id", "audio_file_id", "n_notes"],
    )
    for name in ("onset_score", "activity_score", "pitch_score", "score", "lag_seconds"):
        pairs[name] = np.nan
    return pairs[list(COLUMNS)]


def _note_lag(summary: dict[str, Any], alignment: Alignment) -> None:
    summary["lag_seconds"] = round(alignment.lag_seconds, 4)
    summary["lag_confidence"] = round(alignment.confidence, 3)
    summary["lag_r2"] = round(alignment.r2, 4)
    summary["lag_rivals"] = [(round(a, 3), round(b, 4)) for a, b in alignment.rivals[:3]]
