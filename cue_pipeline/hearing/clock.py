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
# Of 34 real stems played at 48/44.1 of their rate, 32 scatter by 72 ms and more: where nothing
# follows, any place within the window is as good. Of 170 that do follow, four reach 65 ms.
_LOOSE_SECONDS = 0.065
_OF_LOOSE = 0.6
_BY_OTHERS = "of this file alone too few onsets are heard to tell it"


def unknown_clock(reason: str) -> tuple[Any, ...]:
    """Return what is stored of a clock that nothing tells: lag, knots, method, … to the reason."""
    return None, None, "none", 0.0, None, reason


@dataclass(frozen=True)
class UnknownClock:
    """No one tells how a score stands on the session's clock."""

    reason: str
    file: FileTracks

    def in_file(self, begins: float, scatter: float | None) -> tuple[Any, ...]:  # noqa: ARG002
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
        return _even(self.file, of_file, self.reason).in_file(0.0, None)


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

    def in_file(self, begins: float, scatter: float | None) -> tuple[Any, ...]:
        """Return what is stored of it in a file that begins then on the session's clock."""
        spread = None if scatter is None or not np.isfinite(scatter) else round(1e3 * scatter, 1)
        pairs = zip(self.score, self.session - begins, strict=True)
        knots = [[round(float(s), _DIGITS), round(float(a), _DIGITS)] for s, a in pairs]
        lag = round(self.lag_seconds - begins, _DIGITS)
        sure, reason = self.confidence, self.reason
        if self.method != "sound":
            pass
        elif spread is None:
            reason += f"; {_BY_OTHERS}"
        elif spread >= 1e3 * _LOOSE_SECONDS:
            sure *= _OF_LOOSE
            reason += f"; its own onsets scatter by {spread:.0f} ms, so that others tell its clock"
        return lag, knots, self.method, round(sure, 4), spread, reason

    def as_stated(self, lag_seconds: float, who: str, heard: float | None) -> tuple[Any, ...]:
        """Return what is stored of it in a file of which a person says the lag.

        ``heard`` is what the sound says in its place; None: the same, or nothing.
        """
        lag, knots, *_ = self.in_file(self.lag_seconds - lag_seconds, None)
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
