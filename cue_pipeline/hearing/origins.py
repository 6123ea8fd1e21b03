"""Where the score may begin on the session's clock, when it does not begin with it.

A sequencer's time line may begin at 00:00:00:00 and the cue at one hour; a MIDI file may name the
time code of its first tick, and Wave files that of their first sample. Each is a candidate for the
lag, and no more: the sound is asked at each of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cue_pipeline.hearing.alignment import MAX_LAG_SECONDS, Alignment
from cue_pipeline.hearing.templates import TrackNotes

Float64 = NDArray[np.float64]

_HOUR = 3600.0
_PULLED_DOWN = 1.001  # film at 23.976: an hour of its time code lasts 3603.6 s
_FEW = 0.02
_TOLD_SECONDS = 0.15  # what lies so near is the named lag, give or take how players come in
_TIME_CODES = "the time codes of MIDI and audio"
_REFERENCE = "the audio's time reference, on the score's time line"
_HOUR_OF_SCORE = "the score's time line begins at hour"
# What tells the lag where the sound does not, and how far that is to be believed.
_WITHOUT_SOUND = {
    _TIME_CODES: ("time_code", 0.5),
    _REFERENCE: ("bext", 0.4),
    _HOUR_OF_SCORE: ("time_code", 0.3),
}
_APART = 0.75 * MAX_LAG_SECONDS  # so near, one search finds both


@dataclass(frozen=True)
class Named:
    """A lag that is named by other means than sound.

    Attributes
    ----------
    lag_seconds : float
    how : str
        By what, in words.
    method : {"time_code", "bext"}
    confidence : float
        How far it is to be believed where no sound confirms it.
    """

    lag_seconds: float
    how: str
    method: str
    confidence: float


@dataclass(frozen=True)
class Origins:
    """Where one file's MIDI time 0 may stand on the session's clock.

    Attributes
    ----------
    searched : list of float
        Seconds; the lag is searched on both sides of each.
    named : dict of float to str
        Lags that a time code, a time reference or the notes themselves name → how, in words.
    """

    searched: list[float] = field(default_factory=lambda: [0.0])
    named: dict[float, str] = field(default_factory=dict)

    def near(self, origin: float) -> list[float]:
        """Return the named lags that a search about ``origin`` can reach, relative to it."""
        reach = MAX_LAG_SECONDS
        return [lag - origin for lag in self.named if abs(lag - origin) <= reach]

    def told(self, lag: float) -> str | None:
        """Return what names a lag that was found; None: only the sound does."""
        for named, how in self.named.items():
            if abs(named - lag) <= _TOLD_SECONDS:
                return how
        return None

    @property
    def without_sound(self) -> Named | None:
        """The lag that is believed where the sound tells none; None: nothing names one."""
        for begins, (method, confidence) in _WITHOUT_SOUND.items():
            for lag, how in self.named.items():
                if how.startswith(begins):
                    return Named(lag, how, method, confidence)
        return None

    def contradicted(self, lag: float) -> str | None:
        """Return that the sound refuses what the time codes say; None: it does not, or they do not.

        Only where the score would meet the recording at all: a time code of another hour is a
        sequencer's default.
        """
        said = [named for named, how in self.named.items() if how == _TIME_CODES]
        if not said or self.told(lag) is not None:
            return None
        return (
            f"the time codes of MIDI and audio say that the score begins {said[0]:+.3f} s into the "
            f"recording, the sound says {lag:+.3f} s; the sound is believed"
        )


def origins(
    tracks: Sequence[TrackNotes],
    time_codes: Sequence[float],
    session_zero: float | None,
    session_seconds: float,
) -> Origins:
    """Return where a file's MIDI time 0 may stand.

    Parameters
    ----------
    tracks : sequence of TrackNotes
        Of the file.
    time_codes : sequence of float
        Seconds since midnight that the file names for its MIDI time 0.
    session_zero : float or None
        Seconds since midnight at which the session's clock begins; None: nobody says.
    session_seconds : float
        Its length.
    """
    starts = np.concatenate([track.start for track in tracks if track.n_notes] or [np.zeros(1)])
    # A click or a key switch at 0 does not make the music begin there.
    first, last = float(np.quantile(starts, _FEW)), float(starts.max())
    named: dict[float, str] = {}
    if session_zero is not None:
        for code in time_codes:
            named.setdefault(code - session_zero, _TIME_CODES)
            named.setdefault(
                code * _PULLED_DOWN - session_zero, "the time codes, the film pulled down"
            )
        named.setdefault(-session_zero, _REFERENCE)
    hours = np.floor(first / _HOUR + 1 / 60)
    if hours > 0:
        named.setdefault(-float(hours) * _HOUR, f"{_HOUR_OF_SCORE} {hours:.0f}")
    if first > MAX_LAG_SECONDS:
        named.setdefault(-first, "the notes begin where the sound does")
    searched: list[float] = []
    for origin in [0.0, *named]:
        begins = first + origin < session_seconds + MAX_LAG_SECONDS
        meets = begins and last + origin > -MAX_LAG_SECONDS
        if meets and all(abs(origin - other) > _APART for other in searched):
            searched.append(origin)
    named = {lag: how for lag, how in named.items() if -last < lag < session_seconds}
    return Origins(searched or [0.0], named)


def named_starts(midi_files: pd.DataFrame) -> dict[int, list[float]]:
    """Return the seconds since midnight that MIDI files name for their tick 0.

    Parameters
    ----------
    midi_files : pd.DataFrame
        Columns ``id``, ``file_path``, ``clock_from``, ``time_codes``. A file that names none has
        those of the file whose clock it follows.

    Returns
    -------
    dict of int to list of float
        By ``midi_files.id``.
    """
    by_path: dict[str, list[float]] = {}
    for path, codes in zip(midi_files["file_path"], midi_files["time_codes"], strict=True):
        entries = codes if isinstance(codes, list) else []
        by_path[path] = [float(seconds) - float(time) for time, _, seconds, _ in entries]
    return {
        int(key): by_path[path] or by_path.get(leader, [])
        for key, path, leader in zip(
            midi_files["id"], midi_files["file_path"], midi_files["clock_from"], strict=True
        )
    }


def session_zero(features: pd.DataFrame, offsets: Mapping[int, float]) -> float | None:
    """Return at which second since midnight the session's clock begins, by the references used.

    Parameters
    ----------
    features : pd.DataFrame
        One row per stem, with ``time_reference`` and its ``file_sample_rate``.
    offsets : mapping of int to float
        How much later than the session's zero each stem begins, by ``audio_file_id``.
    """
    known = features[features["time_reference"].notna()]
    column = "file_sample_rate" if "file_sample_rate" in features else "sample_rate"
    zeros = [
        int(reference) / float(rate) - offsets[int(i)]
        for i, reference, rate in zip(
            known["audio_file_id"], known["time_reference"], known[column], strict=True
        )
        if int(i) in offsets and float(rate) > 0
    ]
    return float(np.median(zeros)) if zeros else None


def moved(tracks: Sequence[TrackNotes], origin: float) -> list[TrackNotes]:
    """Return tracks whose time 0 stands at ``origin``, without notes that no search can reach."""
    if origin == 0.0:
        return list(tracks)
    out = []
    for track in tracks:
        start = track.start + origin
        kept = start > -2 * MAX_LAG_SECONDS
        out.append(
            replace(
                track,
                start=start[kept],
                duration=track.duration[kept],
                pitch=track.pitch[kept],
                level=track.level[kept],
            )
        )
    return out


def from_origin(alignment: Alignment, origin: float) -> Alignment:
    """Return an alignment of moved tracks as one of the tracks as they were."""
    if origin == 0.0:
        return alignment
    return replace(
        alignment,
        lag_seconds=alignment.lag_seconds + origin,
        rivals=[(lag + origin, r2) for lag, r2 in alignment.rivals],
        own_lags=[[lag + origin for lag in lags] for lags in alignment.own_lags],
        knots=alignment.knots - origin,
    )
