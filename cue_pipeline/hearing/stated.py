"""What is known of a score's clock before anything is heard: a person's word, another tempo map."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cue_pipeline.errors import MappingError

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class TempoBend:
    """The tempo that a take was played to, where it is not that of the MIDI file.

    Attributes
    ----------
    score, played : np.ndarray, shape=(n_knots,)
        The same moments by the file's own tempo map and by the other one, seconds; both rise.
        Beyond the last, time runs on as between the last two.
    said_by : str
        Whose tempo map it is, in words.

    Raises
    ------
    MappingError
        If there are fewer than two moments, or they do not rise in both.
    """

    score: Float64
    played: Float64
    said_by: str

    def __post_init__(self) -> None:
        """Refuse what is no clock."""
        both = np.stack([np.asarray(self.score), np.asarray(self.played)])
        if both.shape[1] < 2 or not (np.diff(both, axis=1) > 0).all():
            raise MappingError(
                f"{self.said_by}: a tempo bend needs two moments or more that rise in both times."
            )

    def played_times(self, seconds: ArrayLike) -> Float64:
        """Return when moments of the score are played, seconds."""
        return _along(np.asarray(seconds, np.float64), self.score, self.played)

    def score_times(self, seconds: ArrayLike) -> Float64:
        """Return which moments of the score are played then: inverse of `played_times`."""
        return _along(np.asarray(seconds, np.float64), self.played, self.score)


@dataclass(frozen=True)
class Stated:
    """What people say of the clock of one MIDI file.

    Attributes
    ----------
    lag_seconds : float or None
        Where on the session's clock, whose zero is the beginning of the earliest stem, the score's
        time 0 is heard; None: nobody says.
    in_files : mapping of int to float
        ``audio_files.id`` or ``final_mixes.id`` → where in that very file it is heard.
    tempo : TempoBend or None
        What the take was played to; None: nobody says.
    who : str
        Who said so, and when.
    """

    lag_seconds: float | None = None
    in_files: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    tempo: TempoBend | None = None
    who: str = "a person"


NOTHING_STATED = Stated()


def _along(x: Float64, xs: Float64, ys: Float64) -> Float64:
    """Interpolate, and go on at the slope of the first and the last stretch."""
    i = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 2)
    slope = (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i])
    out: Float64 = ys[i] + (x - xs[i]) * slope
    return out
