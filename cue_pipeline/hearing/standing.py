"""The stems of a cue on one session clock: by their time references, or all from one moment.

Conventions
-----------
The session's zero is the beginning of the earliest file; ``starts`` say how much later each file
begins, less than 0 where one is found to begin before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import Session, session_of
from cue_pipeline.hearing.attacks import instant_rise_seconds
from cue_pipeline.hearing.drum_bands import drum_to_bands
from cue_pipeline.hearing.group_spectra import (
    Group,
    bands_of,
    fine_seconds,
    heard_groups,
    start_offsets,
)
from cue_pipeline.hearing.origins import session_zero
from cue_pipeline.hearing.templates import Spread, pitch_to_bands

Float32 = NDArray[np.float32]
LeftOut = dict[int, str]
"""Stems that cannot be heard: ``audio_file_id`` → why."""

# A window hears an onset before its middle reaches it: level, the fourth root of power, rises with
# the first of it. By so much of the window, in renders of known times.
_EARLY_SHARE = 0.25


@dataclass(frozen=True)
class Standing:
    """One way to stand the stems on a clock.

    Attributes
    ----------
    groups : list of Group
        Those that can be heard, without their sound, which is in ``session``.
    session : Session
    spread : Spread
        Of pitches and drums over the session's bands.
    references : str
        What of the time references was used, in words.
    zero : float or None
        At which second since midnight the clock begins; None: nobody says.
    starts : mapping of int to float
        ``audio_file_id`` → where its file begins on the clock; 0 where it is not in it.
    early_seconds : float
        By how much the ear's frames hear an onset before it sounds.
    instant_rise : float
        Where these frames hear a tone that begins at once rise, seconds from its beginning.
    listen : callable
        ``starts`` → stems with their sound, and those left out.
    moved : dict of str to float
        Stems that begin at a time of their own, by name.
    """

    groups: list[Group]
    session: Session
    spread: Spread
    references: str
    zero: float | None
    starts: Mapping[int, float]
    early_seconds: float
    instant_rise: float
    listen: Callable[[Mapping[int, float]], tuple[list[Group], LeftOut]]
    moved: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Where on the clock the last stem ends."""
        return float(self.session.level.shape[2] * self.session.coarse_seconds)

    def begins(self, audio_file_id: int) -> float:
        """Return where a file begins on the clock."""
        return self.starts.get(audio_file_id, 0.0)

    def with_starts(self, own: Mapping[int, float]) -> "Standing":
        """Return the same stems, some of which begin elsewhere on the clock."""
        starts = {**self.starts, **own}
        names = {group.audio_file_id: group.name for group in self.groups}
        groups, _ = self.listen(starts)
        return replace(
            self,
            groups=[group.without_sound() for group in groups],
            session=session_of(groups, self.session.frame_seconds),
            starts=starts,
            moved={names[key]: round(start, 3) for key, start in own.items()},
        )


def ways_to_stand(
    features: pd.DataFrame, mel_of: Callable[[int], Float32]
) -> tuple[list[Standing], LeftOut]:
    """Return the stems on a clock by their time references, and as if all began together.

    Parameters
    ----------
    features : pd.DataFrame
        As :func:`~cue_pipeline.hearing.match.match_evidence` takes them.
    mel_of : callable
        ``audio_file_id`` → absolute dB, shape=(n_frames, n_mels).

    Returns
    -------
    ways : list of Standing
        Empty where no stem can be heard.
    left_out : dict of int to str
        Why a stem cannot, by ``audio_file_id``.
    """
    offsets, why = start_offsets(features)
    first, left_out = _standing(features, mel_of, offsets, why)
    ways = [first]
    if any(offsets.values()):
        without = "not used: the sound agrees better without them"
        ways.append(_standing(features, mel_of, {}, without)[0])
    return [way for way in ways if way], left_out


def _standing(
    features: pd.DataFrame,
    mel_of: Callable[[int], Float32],
    starts: dict[int, float],
    references: str,
) -> tuple[Standing | None, LeftOut]:
    listen = partial(heard_groups, features, mel_of)
    groups, left_out = listen(starts)
    if not groups:
        return None, left_out
    row = _row_of(features, groups[0].audio_file_id)
    bands = bands_of(row["params"])
    hop = float(row["hop_length"]) / float(row["sample_rate"])
    window = float(row["params"]["n_fft"]) / float(row["params"]["sr"])
    way = Standing(
        groups=[group.without_sound() for group in groups],
        session=session_of(groups, fine_seconds(hop)),
        spread=Spread(
            pitch_to_bands(bands.centres, bands.edges, bands.fft_bin_hz),
            drum_to_bands(bands.edges),
        ),
        references=references,
        zero=session_zero(features, starts),
        starts=starts,
        early_seconds=_EARLY_SHARE * window,
        instant_rise=instant_rise_seconds(window, hop, fine_seconds(hop)),
        listen=listen,
    )
    return way, left_out


def _row_of(features: pd.DataFrame, audio_file_id: int) -> Mapping[str, Any]:
    rows = features[features["audio_file_id"] == audio_file_id].to_dict("records")
    return {str(name): value for name, value in rows[0].items()}
