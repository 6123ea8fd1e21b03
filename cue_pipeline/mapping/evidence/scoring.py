"""From what was measured of a track in a group to how surely it is heard there.

The weights of :data:`_WEIGHTS` were fitted by logistic regression on rendered cues only
(``python -m benchmarks.fit_evidence``): see ``docs/mapping.md`` for the data, the held-out
calibration, and what rendered cues cannot teach.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.mapping.evidence.alignment import (
    Alignment,
    Session,
    centred,
    smoothed,
)
from cue_pipeline.mapping.evidence.regression import Explained, explained
from cue_pipeline.mapping.evidence.templates import (
    LEVEL_EXPONENT,
    TrackNotes,
    level_template,
    onset_curve,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

FEATURES = ("constant", "level_margin", "onset_margin", "band_part", "onset_part", "least_part")
_WEIGHTS = np.array([-3.0, 1.2, 0.6, 3.0, 3.0, 0.0])
_MARGIN_DB = 24.0  # more than this tells no more
_ALONE_DB = 6.0  # the margin of a group without a rival
_DB_OF_LEVEL = 10.0 / LEVEL_EXPONENT


@dataclass(frozen=True)
class Measures:
    """All pairs' measures, arrays of shape (n_tracks, n_groups).

    ``onset_part``, ``activity_part`` and ``band_part`` are partial correlations, 0..1: how well a
    track explains what the other tracks leave of the group's onsets, of its overall level, and of
    its level band by band. ``level_db`` is how loud the track is in the group, dB re the loudest
    group's peak; ``onset_db`` likewise by its attacks.
    """

    onset_part: Float64
    activity_part: Float64
    band_part: Float64
    level_db: Float64
    onset_db: Float64
    r2: Float64

    def features(self) -> Float64:
        """Return the regressors of the score, shape=(n_tracks, n_groups, len(FEATURES))."""
        return np.stack(
            [
                np.ones_like(self.level_db),
                margin_db(self.level_db) / 12.0,
                margin_db(self.onset_db) / 12.0,
                self.band_part,
                self.onset_part,
                np.minimum(self.band_part, self.onset_part),
            ],
            axis=-1,
        )

    def score(self) -> Float64:
        """Return how surely each track is heard in each group, 0..1."""
        out: Float64 = 1.0 / (1.0 + np.exp(-(self.features() @ _WEIGHTS)))
        return out


def margin_db(level_db: Float64) -> Float64:
    """Return by how much each group's level beats the best other group's, dB, limited."""
    if level_db.shape[1] == 1:
        return np.full_like(level_db, _ALONE_DB)
    ordered = np.sort(level_db, axis=1)
    best, second = ordered[:, -1:], ordered[:, -2:-1]
    rival = np.where(level_db >= best, second, best)
    return np.clip(level_db - rival, -_MARGIN_DB, _MARGIN_DB)


def measures(
    voices: Sequence[TrackNotes],
    bands_of_pitch: Float32,
    alignment: Alignment,
    session: Session,
) -> Measures:
    """Measure every voice in every group at one alignment."""
    level = level_templates(voices, bands_of_pitch, alignment, session)
    by_band = explained(level, centred(session.level))
    overall = explained(
        level.sum(axis=0, keepdims=True), centred(session.level.sum(axis=0, keepdims=True))
    )
    onsets = _explained_onsets(voices, alignment, session)
    return Measures(
        onset_part=np.sqrt(onsets.gain),
        activity_part=np.sqrt(overall.gain),
        band_part=np.sqrt(by_band.gain),
        level_db=_decibels(by_band.level),
        onset_db=_decibels(onsets.level),
        r2=by_band.r2,
    )


def level_templates(
    voices: Sequence[TrackNotes],
    bands_of_pitch: Float32,
    alignment: Alignment,
    session: Session,
) -> Float32:
    """Return centred templates at an alignment, wander included: (n_bands, n_tracks, n_frames)."""
    n = session.level.shape[2]
    stacked = np.stack(
        [
            level_template(
                v, alignment.session_time(v.start), bands_of_pitch, n, session.coarse_seconds
            ).T
            for v in voices
        ],
        axis=1,
    )
    return centred(stacked)


def _explained_onsets(
    voices: Sequence[TrackNotes], alignment: Alignment, session: Session
) -> Explained:
    n, frame = session.onsets.shape[2], session.frame_seconds
    curves = np.stack([onset_curve(v, alignment.session_time(v.start), n, frame) for v in voices])
    curves = smoothed(curves)
    heard = smoothed(session.onsets)
    curves -= curves.mean(axis=1, keepdims=True)
    templates = np.broadcast_to(curves, (len(heard), *curves.shape))
    return explained(templates, centred(heard))


def _decibels(level: Float64) -> Float64:
    out: Float64 = _DB_OF_LEVEL * np.log10(np.maximum(level, 1e-4))
    return out
