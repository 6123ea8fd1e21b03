"""The clock of a score in each file: what is stored of where its notes are heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cue_pipeline.hearing.file_tracks import FileTracks
from cue_pipeline.hearing.origins import Named
from cue_pipeline.hearing.placing import Placed

Float64 = NDArray[np.float64]

ALIGNMENT_COLUMNS = (
    "midi_file_id",
    "audio_file_id",
    "lag_seconds",
    "knots",
    "method",
    "confidence",
    "spread_ms",
    "reason",
)
MIX_ALIGNMENT_COLUMNS = ("midi_file_id", "final_mix_id", *ALIGNMENT_COLUMNS[2:])
_DIGITS = 5
_UNHEARD = "the sound does not tell"
# Of 57 real stems played at 48/44.1 of their rate, 49 are told by these three, and 20 of 60 with a
# cut; of 170 that follow the score, six.
_LOOSE_SECONDS = 0.065
_FOLLOWED = 0.25  # partial correlation of onsets: none that is lost has as much
_OF_LOOSE = 0.6
_LEAST_SCORE = 0.05
_BY_OTHERS = "of this file alone too few onsets are heard to tell it"
_TOO_DENSE = "its onsets follow each other too closely to say how far they scatter"
_NOTHING = "nothing of the score is heard in this file, so that others tell its clock"
_NONE_OF_IT = "none of its tracks is heard in this file"


@dataclass(frozen=True)
class OwnOnsets:
    """What is heard in one file by itself, which has its clock of all.

    Attributes
    ----------
    onset_part : float
        How well the onsets of any track are heard in it, a partial correlation.
    score : float
        How surely any track of the MIDI file is heard in it.
    score_of_all : float
        How surely any track of the cue is.
    """

    onset_part: float
    score: float
    score_of_all: float

    def told(self, scatter: float) -> tuple[float, float, str]:
        """Return how far onsets scatter, what is left of a clock's confidence, and what is said.

        ``scatter`` is what was measured of it, seconds; NaN: not known.
        """
        if self.score_of_all < _LEAST_SCORE:
            return scatter, _OF_LOOSE, f"; {_NOTHING}"
        if self.score < _LEAST_SCORE:  # another MIDI file's stem
            return np.nan, 1.0, f"; {_NONE_OF_IT}"
        if not np.isfinite(scatter):
            return scatter, 1.0, f"; {_BY_OTHERS}"
        if scatter < _LOOSE_SECONDS:
            return scatter, 1.0, ""
        if self.onset_part >= _FOLLOWED:  # of a roll the loudest nearby may be the next stroke
            return np.nan, 1.0, f"; {_TOO_DENSE}"
        told = f"its own onsets scatter by {1e3 * scatter:.0f} ms"
        return scatter, _OF_LOOSE, f"; {told}, so that others tell its clock"


def unknown_clock(reason: str) -> tuple[Any, ...]:
    """Return what is stored of a clock that nothing tells: lag, knots, method, … to the reason."""
    return None, None, "none", 0.0, None, reason


@dataclass(frozen=True)
class UnknownClock:
    """No one tells how a score stands on the session's clock."""

    reason: str
    file: FileTracks

    def in_file(
        self,
        begins: float,  # noqa: ARG002
        scatter: float = np.nan,  # noqa: ARG002
        own: OwnOnsets | None = None,  # noqa: ARG002
    ) -> tuple[Any, ...]:
        """Return what is stored of it, in whatever file."""
        return unknown_clock(self.reason)

    def as_stated(
        self,
        lag_seconds: float,
        who: str,
        heard: float | None,  # noqa: ARG002
    ) -> tuple[Any, ...]:
        """Return what is stored of it in a file of which a person says the lag."""
        of_file = Named(lag_seconds, f"{who} says so of it", "stated", 1.0)
        return _even(self.file, of_file, self.reason).in_file(0.0)


@dataclass(frozen=True)
class Clock:
    """How a score stands on the session's clock.

    Attributes
    ----------
    lag_seconds : float
    score, session : np.ndarray, shape=(n_knots,)
        Seconds of the score, and of the session's clock.
    method : {"sound", "time_code", "bext", "stated"}
    confidence : float
    reason : str
        What tells it, in words.
    """

    lag_seconds: float
    score: Float64
    session: Float64
    method: str
    confidence: float
    reason: str

    def in_file(
        self, begins: float, scatter: float = np.nan, own: OwnOnsets | None = None
    ) -> tuple[Any, ...]:
        """Return what is stored of it in a file that begins then on the session's clock."""
        pairs = zip(self.score, self.session - begins, strict=True)
        knots = [[round(float(s), _DIGITS), round(float(a), _DIGITS)] for s, a in pairs]
        lag = round(self.lag_seconds - begins, _DIGITS)
        left, said = 1.0, ""
        if own is not None and self.method == "sound":
            scatter, left, said = own.told(scatter)
        spread = round(1e3 * scatter, 1) if np.isfinite(scatter) else None
        sure = round(left * self.confidence, 4)
        return lag, knots, self.method, sure, spread, self.reason + said

    def as_stated(self, lag_seconds: float, who: str, heard: float | None) -> tuple[Any, ...]:
        """Return what is stored of it in a file of which a person says the lag.

        ``heard`` is what the sound says in its place; None: the same, or nothing.
        """
        lag, knots, *_ = self.in_file(self.lag_seconds - lag_seconds)
        reason = f"{who} says so of it"
        if heard is not None:
            reason += f"; the sound says {heard:+.2f} s"
        return lag, knots, "stated", 1.0, None, reason


def clock_of(file: FileTracks, found: Placed | None) -> Clock | UnknownClock:
    """Return how a score stands on the session's clock, by whatever tells it most surely.

    A person's word is above the sound, the sound above what time codes, time references and the
    score's own hour say.

    Parameters
    ----------
    file : FileTracks
    found : Placed or None
        None: it has no notes, or nothing can be heard.
    """
    if found is not None and found.sure:
        return _told(found)
    said = file.stated.lag_seconds
    if found is None and said is not None:
        return _even(file, Named(said, f"{file.stated.who} says so", "stated", 1.0), _UNHEARD)
    if found is None:
        why = "nothing can be heard" if file.voices else "the MIDI file has no notes"
        named = None
    else:
        why = f"the sound does not tell the lag ({found.alignment.confidence:.2f})"
        named = found.names.without_sound
    return UnknownClock(why, file) if named is None else _even(file, named, why)


def _told(found: Placed) -> Clock:
    """Return the clock that the sound, or a person, tells."""
    file, alignment = found.file, found.alignment
    played = _played(file)
    if len(alignment.knots) > 1:
        played = alignment.knots if file.bend is None else np.union1d(played, alignment.knots)
    said = file.stated.lag_seconds
    return Clock(
        alignment.lag_seconds if said is None else said,
        _of_score(played, file),
        alignment.session_time(played),
        "sound" if said is None and file.stated.tempo is None else "stated",
        alignment.confidence,
        _reason(found),
    )


def _even(file: FileTracks, named: Named, also: str) -> Clock:
    """Return the clock of a lag that does not change."""
    played = _played(file)
    return Clock(
        named.lag_seconds,
        _of_score(played, file),
        played + named.lag_seconds,
        named.method,
        named.confidence,
        f"{named.how}; {also}",
    )


def _played(file: FileTracks) -> Float64:
    """Return times at which something is played: both ends, and where another tempo changes."""
    last = max((float((t.start + t.duration).max()) for t in file.tracks if t.n_notes), default=0.0)
    ends = np.array([0.0, max(last, 1.0)])
    if file.bend is None:
        return ends
    inner = file.bend.played
    return np.union1d(ends, inner[(inner > 0.0) & (inner < ends[1])])


def _of_score(played: Float64, file: FileTracks) -> Float64:
    """Return times at which notes are played as times of the score."""
    return played if file.bend is None else file.bend.score_times(played)


def _by_sound(found: Placed) -> str:
    if found.instead is not None:
        return f"the sound says {found.instead:+.2f} s"
    return _UNHEARD if found.held else "the sound agrees"


def _reason(found: Placed) -> str:
    """Return in words what tells a clock that is sure."""
    file, lag = found.file, found.alignment.lag_seconds
    parts = []
    if file.stated.lag_seconds is not None:
        parts.append(f"{file.stated.who} says so")
        parts.append(_by_sound(found))
    else:
        parts.append("heard")
        told = found.names.told(lag)
        if told is not None:
            parts.append(f"as named: {told}")
        contradicted = found.names.contradicted(lag)
        if contradicted is not None:
            parts.append(contradicted)
    if found.followed is not None:
        parts.append("the take leaves the score's time, and is followed")
    if file.bend is not None:
        parts.append(f"at the tempo of {file.bend.said_by}")
    return "; ".join(parts)


def alignments_table(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows of ``stem_alignments`` as a table."""
    return _as_table(rows, ALIGNMENT_COLUMNS)


def mix_alignments_table(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows of ``mix_alignments`` as a table."""
    return _as_table(rows, MIX_ALIGNMENT_COLUMNS)


def _as_table(rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(columns))
    for name in columns[:2]:
        table[name] = table[name].astype("int64")
    for name in ("lag_seconds", "confidence", "spread_ms"):
        table[name] = table[name].astype("float64")
    for name in ("knots", "method", "reason"):
        table[name] = table[name].astype(object)
    return table
