"""From what was measured of a track in a stem to how surely it is heard there.

The weights were fitted by logistic regression on rendered cues and on recordings by session
musicians, for drums and for pitched tracks apart (``python -m benchmarks.fit_evidence``): see
``docs/hearing.md`` for the data, and for how they hold where nothing was fitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import (
    Alignment,
    Session,
    centred,
    smoothed,
)
from cue_pipeline.hearing.group_spectra import bands_of_regions
from cue_pipeline.hearing.regression import Explained, explained, joined, products
from cue_pipeline.hearing.shares import (
    N_FRAMES_POOLED,
    in_power,
    level_to_power,
    pooled,
    shares,
)
from cue_pipeline.hearing.stroke_colour import stroke_likeness
from cue_pipeline.hearing.templates import (
    LEVEL_EXPONENT,
    N_SHAPES,
    Spread,
    TrackNotes,
    begun,
    level_templates,
    onset_curve,
    shaped,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

FEATURES = (
    "constant",
    "level_margin",
    "band_margin",
    "onset_margin",
    "share_margin",
    "group_lift",
    "place",
    "onset",
    "band",
)
# A drum is told by its strokes and by the bands that it sounds in. How loud it stands there, and
# how much of the stem's lasting sound is explained, says little: guitars are louder than hats.
_WEIGHTS_OF_PITCHED = np.array([-1.30, 1.03, 1.56, 1.51, 2.73, 1.53, 2.27, 0.0, 0.0])
_WEIGHTS_OF_DRUMS = np.array([-0.70, 0.0, 1.85, 1.37, 0.27, 0.0, 0.0, 0.24, 0.81])
_UNIT_DB = 12.0
_BANDS_AT_ONCE = 2
_STRUCK_SECONDS = 0.3  # of level
_RINGING_SECONDS = 0.6
_PLACE_DB = 20.0
_SHARE_UNIT_DB = 6.0
_SHARE_BY_CHANCE = 0.03  # all tracks together; smaller shares are alike
_PART_FLOOR = 0.02  # partial correlations below this are chance
_USUAL_ONSET, _USUAL_BAND = 0.2, 0.3  # partial correlations that speak neither for nor against
_LIFT_LIMIT = 0.1  # a stem's R² above chance that tells all that it can
_MAY_BE = 0.5  # a track that is scored so may be in the stem
# Of 20 drums that eight recordings' stems do not hold and that were scored so, 16 sound like the
# stem's own instrument by 0.945 and more; of 18 that they do hold none by more than 0.931.
_SAME_SOUND = 0.94
_NOT_TOLD = 0.25  # a score that a person looks at, and no stem is proposed by
_DB_OF_LEVEL = 10.0 / LEVEL_EXPONENT


@dataclass(frozen=True)
class Measures:
    """All pairs' measures, arrays of shape (n_tracks, n_groups).

    ``onset_part``, ``activity_part`` and ``band_part`` are partial correlations, 0..1: how well a
    track explains what the other tracks leave of the stem's onsets, of its overall level, and of
    its level band by band. ``level_db`` is how loud the track is in the stem, dB re the loudest
    stem's peak; ``onset_db`` likewise by its attacks; ``share`` is how much of the stem's power
    the track is. ``is_drum`` has the shape (n_tracks,). ``likeness`` is how alike a drum's strokes
    sound to the pitched notes of the stem, NaN where that cannot be told; None: not asked.
    """

    onset_part: Float64
    activity_part: Float64
    band_part: Float64
    level_db: Float64
    onset_db: Float64
    share: Float64
    r2: Float64
    lift: Float64
    is_drum: NDArray[np.bool_]
    likeness: Float64 | None = None

    def features(self) -> Float64:
        """Return the regressors of the score, shape=(n_tracks, n_groups, len(FEATURES))."""
        lift = np.clip(self.lift / _LIFT_LIMIT, -1.0, 1.0)
        # A leak, or chance, stands far below the stem's own tracks.
        beside = self.level_db - self.level_db.max(axis=0, keepdims=True)
        return np.stack(
            [
                np.ones_like(self.level_db),
                np.clip(_lead(self.level_db / _UNIT_DB), -2.0, 2.0),
                np.clip(_lead(np.log(self.band_part + _PART_FLOOR)), -2.0, 2.0),
                np.clip(_lead(np.log(self.onset_part + _PART_FLOOR)), -2.0, 2.0),
                np.clip(_lead(_share_db(self.share) / _SHARE_UNIT_DB), -2.0, 2.0),
                np.broadcast_to(lift, self.level_db.shape),
                np.clip(beside / _PLACE_DB, -2.0, 0.0),
                _above(self.onset_part, _USUAL_ONSET),
                _above(self.band_part, _USUAL_BAND),
            ],
            axis=-1,
        )

    def score(self) -> Float64:
        """Return how surely each track is heard in each stem, 0..1."""
        weights = np.where(self.is_drum[:, None], _WEIGHTS_OF_DRUMS, _WEIGHTS_OF_PITCHED)
        out: Float64 = 1.0 / (1.0 + np.exp(-np.einsum("tgf,tf->tg", self.features(), weights)))
        if self.likeness is not None:
            out = np.where(self.likeness > _SAME_SOUND, np.minimum(out, _NOT_TOLD), out)
        return out


def _above(part: Float64, usual: float) -> Float64:
    """Return by how much a partial correlation exceeds what is usual, as a logarithm."""
    return np.clip(np.log((part + _PART_FLOOR) / usual), -2.0, 2.0)


def _lead(value: Float64) -> Float64:
    """Return by how much each stem's value beats the best other stem's: (n_tracks, n_groups)."""
    if value.shape[1] == 1:
        # No rival: as if one stood a little behind.
        return np.full_like(value, 0.5)
    ordered = np.sort(value, axis=1)
    best, second = ordered[:, -1:], ordered[:, -2:-1]
    return value - np.where(value >= best, second, best)


def measures(
    voices: Sequence[TrackNotes],
    onsets: Explained,
    spread: Spread,
    alignment: Alignment,
    session: Session,
) -> Measures:
    """Measure every voice in every stem at one alignment.

    Parameters
    ----------
    onsets : Explained
        From :func:`onsets_explained` at this alignment.
    """
    frame = session.coarse_seconds
    # First, and alone: templates of power and of level are as large as the session.
    share = _shares(voices, spread, alignment, session)
    level = levels_at(alignment, voices, spread, session)
    by_band = explained(
        joined(
            [
                products(centred(_in_shapes(level[bands], frame)), centred(session.level[bands]))
                for bands in _few_at_a_time(len(level))
            ]
        ),
        n_shapes=N_SHAPES,
    )
    overall = explained(
        products(
            centred(level.sum(axis=0, keepdims=True)),
            centred(session.level.sum(axis=0, keepdims=True)),
        )
    )
    found = Measures(
        onset_part=np.sqrt(onsets.gain),
        activity_part=np.sqrt(overall.gain),
        band_part=np.sqrt(by_band.gain),
        level_db=_decibels(by_band.level),
        onset_db=_decibels(onsets.level),
        share=share,
        r2=by_band.r2,
        lift=alignment.lift,
        is_drum=np.array([voice.is_drum for voice in voices]),
    )
    at_home = found.score() >= _MAY_BE
    return replace(found, likeness=stroke_likeness(voices, at_home, alignment, session))


def levels_at(
    alignment: Alignment,
    voices: Sequence[TrackNotes],
    spread: Spread,
    session: Session,
) -> Float32:
    """Return templates at an alignment, wander included: (n_bands, n_tracks, n_frames)."""
    starts = [alignment.session_time(voice.start) for voice in voices]
    n = session.level.shape[2]
    return level_templates(voices, starts, spread, n, session.coarse_seconds)


def _shares(
    voices: Sequence[TrackNotes], spread: Spread, alignment: Alignment, session: Session
) -> Float64:
    # Band by band: the power of all frames at once is as large as the session.
    power = np.stack([pooled(level_to_power(band)) for band in session.level])
    frame = session.coarse_seconds * N_FRAMES_POOLED
    loud = in_power(voices)
    starts = [alignment.session_time(voice.start) for voice in loud]
    templates = level_templates(loud, starts, spread.in_power(), power.shape[2], frame)
    return shares(templates, power, frame, len(voices))


def _share_db(share: Float64) -> Float64:
    out: Float64 = 10.0 * np.log10(share + _SHARE_BY_CHANCE / len(share))
    return out


def _few_at_a_time(n_bands: int) -> list[slice]:
    return [slice(first, first + _BANDS_AT_ONCE) for first in range(0, n_bands, _BANDS_AT_ONCE)]


def _in_shapes(level: Float32, frame_seconds: float) -> Float32:
    """Return each track's template in its shapes: (n_bands, n_tracks * N_SHAPES, n_frames)."""
    n_bands, n_tracks, n = level.shape
    flat = level.reshape(n_bands * n_tracks, n)
    shapes = shaped(
        flat, begun(flat), frame_seconds, struck=_STRUCK_SECONDS, ringing=_RINGING_SECONDS
    )
    return shapes.reshape(n_bands, n_tracks * N_SHAPES, n)


def onsets_explained(
    voices: Sequence[TrackNotes], spread: Spread, alignment: Alignment, session: Session
) -> Explained:
    """Return how the voices explain the stems' onsets at one alignment.

    A drum's strokes are looked for where in the spectrum it sounds, other onsets everywhere.
    """
    n, frame = session.onsets.shape[2], session.frame_seconds
    regions = bands_of_regions(spread.n_bands)
    of_drums = spread.drums @ (regions / regions.sum(axis=1, keepdims=True)).T
    starts = [alignment.session_time(voice.start) for voice in voices]
    n_regions = len(regions) if any(voice.is_drum for voice in voices) else 1
    found = []
    for region in range(n_regions):
        curves = np.stack(
            [
                onset_curve(v, start, n, frame, of_drums[:, region] if v.is_drum else None)
                for v, start in zip(voices, starts, strict=True)
            ]
        )
        heard = session.wide_onsets[region : region + 1] if n_regions > 1 else session.wide_onsets
        found.append(products(centred(smoothed(curves))[None], heard))
    return explained(joined(found))


def _decibels(level: Float64) -> Float64:
    out: Float64 = _DB_OF_LEVEL * np.log10(np.maximum(level, 1e-4))
    return out
