"""Ticks, seconds, and bars with beats, from the maps that the tables hold.

Conventions
-----------
tick
    Integer, from 0 at the start of the file (of the sequence, in a type 2 file).
second
    float64 from the same start.
bar
    Integer from 1. A new time signature starts a new bar; a bar that it cuts short counts. One
    that repeats what is in force changes nothing.
beat
    Fractional, from 1.0 at the bar line, in units of the time signature's denominator.
``tempo_map``
    ``[[time, tick, microseconds_per_quarter], …]``, strictly ascending, the first at tick 0.
``time_signature_map``
    ``[[time, tick, numerator, denominator], …]``, strictly ascending, the first at tick 0.
``ticks_per_beat``
    Ticks per quarter note. A file with SMPTE division has no quarter notes: one "quarter" is
    then one second of its time code, whose true length the tempo map gives.

Every function takes a number or an array of any shape and computes in one pass. The times and
bars in the tables were made by these functions, so that whoever reads the tables with them gets
the stored values again, bit for bit.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
Numbers = npt.ArrayLike
TempoMap = Sequence[Sequence[float]]
TimeSignatureMap = Sequence[Sequence[float]]

DEFAULT_MICROSECONDS_PER_QUARTER = 500_000
DEFAULT_TIME_SIGNATURE = (4, 4)

# A time that was stored as float64 comes back as a tick within a millionth; a musician cannot
# place one event between two ticks, so whatever lies this near a tick is that tick.
_SNAP_TICKS = 1e-4


def build_tempo_map(changes: Sequence[tuple[int, int]], ticks_per_beat: int) -> list[list[Any]]:
    """Return the tempo map of tempo events, with exact times.

    Parameters
    ----------
    changes : sequence of (tick, microseconds_per_quarter)
        In playing order. Of several at one tick the last holds.
    ticks_per_beat : int
        Ticks per quarter note.

    Returns
    -------
    list of [time, tick, microseconds_per_quarter]
        The first at tick 0: MIDI's 120 quarters a minute where the file says nothing. Each time
        is the float64 nearest to the true one: summed in integers and divided once, so that
        nothing adds up over thousands of changes.
    """
    effective = {0: DEFAULT_MICROSECONDS_PER_QUARTER, **dict(changes)}
    tempo_map: list[list[Any]] = []
    elapsed = 0  # in millionths of a second, times ticks_per_beat
    last_tick, last_tempo = 0, 0
    for tick in sorted(effective):
        elapsed += (tick - last_tick) * last_tempo
        last_tick, last_tempo = tick, effective[tick]
        tempo_map.append([elapsed / (1_000_000 * ticks_per_beat), tick, last_tempo])
    return tempo_map


def build_time_signature_map(
    changes: Sequence[tuple[int, int, int]], tempo_map: TempoMap, ticks_per_beat: int
) -> list[list[Any]]:
    """Return the time signature map of time signature events.

    Parameters
    ----------
    changes : sequence of (tick, numerator, denominator)
        In playing order. Of several at one tick the last holds.
    tempo_map : sequence of [time, tick, microseconds_per_quarter]
        From :func:`build_tempo_map`.
    ticks_per_beat : int
        Ticks per quarter note.

    Returns
    -------
    list of [time, tick, numerator, denominator]
        The first at tick 0: 4/4 where the file says nothing. What repeats the meter in force is
        left out: sequencers write it again wherever they please, also within a bar, where it
        begins no new one.
    """
    said = {0: DEFAULT_TIME_SIGNATURE}
    said.update({tick: (numerator, denominator) for tick, numerator, denominator in changes})
    effective: dict[int, tuple[int, int]] = {}
    in_force: tuple[int, int] | None = None
    for tick in sorted(said):
        if said[tick] != in_force:
            in_force = effective[tick] = said[tick]
    ticks = list(effective)
    times = ticks_to_seconds(ticks, tempo_map, ticks_per_beat).tolist()
    return [[time, tick, *effective[tick]] for time, tick in zip(times, ticks, strict=True)]


def ticks_to_seconds(ticks: Numbers, tempo_map: TempoMap, ticks_per_beat: int) -> Float64Array:
    """Return the times of ticks.

    Parameters
    ----------
    ticks : int, float or array
        Whole or fractional ticks.
    tempo_map, ticks_per_beat
        As stored in ``midi_files``.

    Returns
    -------
    np.ndarray, same shape, dtype=float64
        Seconds from the start: ``time_i + (tick - tick_i) * microseconds_i / 1e6 /
        ticks_per_beat`` with the last entry whose tick is not later.
    """
    times, starts, micros = _tempo_columns(tempo_map)
    at = np.asarray(ticks, dtype=np.float64)
    i = np.maximum(np.searchsorted(starts, at, side="right") - 1, 0)
    return np.asarray(times[i] + (at - starts[i]) * micros[i] / 1e6 / ticks_per_beat)


def seconds_to_ticks(seconds: Numbers, tempo_map: TempoMap, ticks_per_beat: int) -> Float64Array:
    """Return the ticks at which times lie, with fractions.

    Parameters
    ----------
    seconds : float or array
        Seconds from the start.
    tempo_map, ticks_per_beat
        As stored in ``midi_files``.

    Returns
    -------
    np.ndarray, same shape, dtype=float64
        Fractional ticks. ``np.rint`` of the time of an event is the tick of that event.
    """
    times, starts, micros = _tempo_columns(tempo_map)
    at = np.asarray(seconds, dtype=np.float64)
    i = np.maximum(np.searchsorted(times, at, side="right") - 1, 0)
    return np.asarray(starts[i] + (at - times[i]) * 1e6 * ticks_per_beat / micros[i])


def ticks_to_bars_beats(
    ticks: Numbers, time_signature_map: TimeSignatureMap, ticks_per_beat: int
) -> tuple[Int64Array, Float64Array]:
    """Return the bars and beats of ticks.

    Parameters
    ----------
    ticks : int, float or array
        Whole ticks are placed exactly, whatever the meter; fractional ones to float64.
    time_signature_map, ticks_per_beat
        As stored in ``midi_files``.

    Returns
    -------
    bars : np.ndarray, same shape, dtype=int64
        From 1.
    beats : np.ndarray, same shape, dtype=float64
        From 1.0 up to the numerator plus a fraction, in units of the denominator.
    """
    starts, bar_lengths, denominators, first_bars = _meter_columns(
        time_signature_map, ticks_per_beat
    )
    at = np.asarray(ticks)
    i: Any = 0  # mostly there is but one meter
    if len(starts) > 1:
        i = np.maximum(np.searchsorted(starts, at, side="right") - 1, 0)
    # In units of a denominator-th of a tick every bar has a whole length, so that integers
    # place a tick exactly even in meters that the resolution does not divide.
    position = (at - starts[i]) * denominators[i]
    bars_since = np.floor_divide(position, bar_lengths[i])
    within = position - bars_since * bar_lengths[i]
    bars = first_bars[i] + np.asarray(bars_since, dtype=np.int64)
    return np.asarray(bars), np.asarray(1.0 + within / (4 * ticks_per_beat))


def bars_beats_to_ticks(
    bars: Numbers, beats: Numbers, time_signature_map: TimeSignatureMap, ticks_per_beat: int
) -> Float64Array:
    """Return the ticks of bars and beats.

    Parameters
    ----------
    bars, beats : number or array
        As in the tables; broadcast against each other. A beat beyond the end of its bar counts
        on in that bar's meter.
    time_signature_map, ticks_per_beat
        As stored in ``midi_files``.

    Returns
    -------
    np.ndarray, the broadcast shape, dtype=float64
        Fractional ticks; ``np.rint`` gives the tick of an event.
    """
    starts, bar_lengths, denominators, first_bars = _meter_columns(
        time_signature_map, ticks_per_beat
    )
    bar = np.asarray(bars, dtype=np.int64)
    i = np.maximum(np.searchsorted(first_bars, bar, side="right") - 1, 0)
    position = (bar - first_bars[i]) * bar_lengths[i] + (
        np.asarray(beats, dtype=np.float64) - 1.0
    ) * (4 * ticks_per_beat)
    return np.asarray(starts[i] + position / denominators[i])


def seconds_to_bars_beats(
    seconds: Numbers,
    tempo_map: TempoMap,
    time_signature_map: TimeSignatureMap,
    ticks_per_beat: int,
) -> tuple[Int64Array, Float64Array]:
    """Return the bars and beats of times.

    Parameters
    ----------
    seconds : float or array
        Seconds from the start. A time within a ten-thousandth of a tick from a tick is taken as
        that tick, so that the rounding of a float64 never puts a downbeat into the bar before.
    tempo_map, time_signature_map, ticks_per_beat
        As stored in ``midi_files``.

    Returns
    -------
    bars : np.ndarray, same shape, dtype=int64
        From 1.
    beats : np.ndarray, same shape, dtype=float64
        From 1.0.
    """
    ticks = seconds_to_ticks(seconds, tempo_map, ticks_per_beat)
    nearest = np.rint(ticks)
    snapped = np.where(np.abs(ticks - nearest) < _SNAP_TICKS, nearest, ticks)
    return ticks_to_bars_beats(snapped, time_signature_map, ticks_per_beat)


def bars_beats_to_seconds(
    bars: Numbers,
    beats: Numbers,
    tempo_map: TempoMap,
    time_signature_map: TimeSignatureMap,
    ticks_per_beat: int,
) -> Float64Array:
    """Return the times of bars and beats.

    Parameters
    ----------
    bars, beats : number or array
        As in the tables; broadcast against each other.
    tempo_map, time_signature_map, ticks_per_beat
        As stored in ``midi_files``.

    Returns
    -------
    np.ndarray, the broadcast shape, dtype=float64
        Seconds from the start.
    """
    ticks = bars_beats_to_ticks(bars, beats, time_signature_map, ticks_per_beat)
    return ticks_to_seconds(ticks, tempo_map, ticks_per_beat)


def _tempo_columns(tempo_map: TempoMap) -> tuple[Float64Array, Float64Array, Float64Array]:
    columns = np.asarray(tempo_map, dtype=np.float64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _meter_columns(
    time_signature_map: TimeSignatureMap, ticks_per_beat: int
) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
    starts, numerators, denominators = np.asarray(
        [entry[1:4] for entry in time_signature_map], dtype=np.int64
    ).T
    bar_lengths = numerators * 4 * ticks_per_beat
    spans = np.diff(starts) * denominators[:-1]
    bars_in_span = -(-spans // bar_lengths[:-1])
    first_bars = np.concatenate([[1], 1 + np.cumsum(bars_in_span)])
    return starts, bar_lengths, denominators, first_bars
