"""One MIDI file placed on the session's clock: lag, drift, doubts, and what is measured there.

Every way to stand the groups, and every place where the score may begin, is tried; what is
explained best is followed through its drift, and measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import (
    CLEAR_MARGIN,
    Alignment,
    Score,
    joint_lag,
    level_explained,
    score_of,
)
from cue_pipeline.hearing.clock import onset_scatter
from cue_pipeline.hearing.drift import with_drift
from cue_pipeline.hearing.file_tracks import FileTracks
from cue_pipeline.hearing.origins import Origins, from_origin, moved, origins
from cue_pipeline.hearing.own_start import own_starts
from cue_pipeline.hearing.regression import Explained
from cue_pipeline.hearing.scoring import Measures, levels_at, measures, onsets_explained
from cue_pipeline.hearing.standing import Standing
from cue_pipeline.hearing.templates import TrackNotes
from cue_pipeline.hearing.tempo_check import linear_drift, other_tempo

Float64 = NDArray[np.float64]

LEAST_LAG_CONFIDENCE = 0.5
"""Below it the ear abstains on the whole file."""


@dataclass(frozen=True)
class _Tried:
    """One way to stand the groups and one place to search for the lag, and what was found."""

    heard: Standing
    names: Origins
    origin: float
    tracks: list[TrackNotes]
    score: Score
    straight: Alignment


@dataclass(frozen=True)
class Placed:
    """How one file's notes stand on the session's clock, and how well.

    Attributes
    ----------
    heard : Standing
        The groups.
    alignment : Alignment
        Of the notes with the clock, where they sound.
    measured : Measures
        Of every voice in every group.
    names : Origins
        Lags that are named by other means than sound.
    clock_doubt : str or None
        Why the sound refuses the tempo map; None: it does not.
    scatter : np.ndarray, shape=(n_groups,)
        How far onsets scatter around their places, seconds.
    """

    heard: Standing
    alignment: Alignment
    measured: Measures
    names: Origins
    clock_doubt: str | None
    scatter: Float64

    @property
    def sure(self) -> bool:
        """Whether the sound tells the lag."""
        return self.alignment.confidence >= LEAST_LAG_CONFIDENCE


def placed(file: FileTracks, ways: list[Standing]) -> Placed | None:
    """Return the clock on which this file's notes explain most, how they stand, the measures."""
    if not file.voices or not ways:
        return None
    best, clear = _best_lag([tried for way in ways for tried in _tries(file, way)])
    way, tracks, straight = best.heard, best.tracks, best.straight
    starts = own_starts(best.score, way.groups, way.session, straight)
    if starts:
        way = way.with_starts(starts)
        straight = joint_lag(best.score, way.session, best.names.near(best.origin))
    straight = replace(straight, confidence=clear * straight.confidence)
    names, origin = best.names, best.origin
    del best  # its templates are as large as the session, and have done their part
    bent = with_drift(straight, tracks, way.session)
    alignment, onsets = _straight_or_bent(straight, bent, tracks, way)
    measured = measures(tracks, onsets, way.spread, alignment, way.session)
    other = other_tempo(tracks, way.spread, way.session, straight)
    doubt = other or linear_drift(alignment)
    return Placed(
        way,
        _as_it_sounds(from_origin(alignment, origin), way),
        measured,
        names,
        None if doubt is None else str(doubt),
        onset_scatter(tracks, measured.onset_part, alignment, way.session),
    )


def _as_it_sounds(alignment: Alignment, way: Standing) -> Alignment:
    """Return an alignment on which notes stand where they sound, not where windows hear them."""
    return replace(alignment, lag_seconds=alignment.lag_seconds + way.early_seconds)


def _straight_or_bent(
    straight: Alignment, bent: Alignment, tracks: list[TrackNotes], way: Standing
) -> tuple[Alignment, Explained]:
    """Return the alignment at which more is explained, with levels and onsets there."""
    onsets = [
        onsets_explained(tracks, way.spread, alignment, way.session)
        for alignment in (straight, bent)
    ]
    # Level alone does not tell 60 ms, which are more than a drum's stroke.
    of_straight, of_bent = (
        level_explained(levels_at(alignment, tracks, way.spread, way.session), way.session)
        + float(by_onsets.r2.mean())
        for alignment, by_onsets in zip((straight, bent), onsets, strict=True)
    )
    return (bent, onsets[1]) if of_bent > of_straight else (straight, onsets[0])


def _tries(file: FileTracks, way: Standing) -> Iterator[_Tried]:
    """Search for the lag at each place where the score may begin: most often, one."""
    names = origins(file.leaders, file.time_codes, way.zero, way.seconds)
    for origin in names.searched:
        tracks = moved(file.leaders, origin)
        seconds = max((float((t.start + t.duration).max()) for t in tracks if t.n_notes), default=0)
        score = score_of(tracks, way.spread, seconds, way.session.frame_seconds)
        straight = joint_lag(score, way.session, names.near(origin))
        yield _Tried(way, names, origin, tracks, score, straight)


def _best_lag(tried: list[_Tried]) -> tuple[_Tried, float]:
    """Return the try whose notes explain most, and how clearly they do so in no other place.

    Returns
    -------
    best : _Tried
    clear : float
        0..1: by it the lag is believed less.
    """
    best = max(tried, key=lambda of: of.straight.r2)
    elsewhere = max(
        (of.straight.r2 for of in tried if of.heard is best.heard and of.origin != best.origin),
        default=0.0,
    )
    margin = (best.straight.r2 - elsewhere) / max(best.straight.r2, 1e-9)
    return best, float(np.clip(margin / CLEAR_MARGIN, 0.0, 1.0))
