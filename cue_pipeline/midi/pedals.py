"""When a note ceases to sound: later than its key is released, where a pedal holds it.

Notes
-----
What is counted, by the MIDI 1.0 specification:

- controller 64 (damper) of 64 and more holds every note whose key is released meanwhile, until it
  falls below 64; half-pedalling is not known to the threshold;
- controller 66 (sostenuto) holds the notes whose keys are down when it rises to 64;
- controller 123, and 124 to 127, which imply it, release all keys: pedals still hold;
- controller 120 silences all at once, and 121 lifts both pedals;
- a key that is struck again ends the note that the pedal held;
- a pedal that is never lifted holds to the last message of its part.

What an instrument does beside it is not counted: strings decay under the pedal, and a patch without
sustain ignores it.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandas import DataFrame

Float64 = NDArray[np.float64]

DAMPER: Final = 64
SOSTENUTO: Final = 66
SILENCE: Final = 120
RESET: Final = 121
ALL_NOTES_OFF: Final = (123, 124, 125, 126, 127)
_DOWN: Final = 64
COUNTED: Final = (DAMPER, SOSTENUTO, SILENCE, RESET, *ALL_NOTES_OFF)


def sounding_ends(notes: "DataFrame", controllers: "DataFrame") -> Float64:
    """Return when each note ceases to sound.

    Parameters
    ----------
    notes : DataFrame
        Rows of ``midi_notes``: ``midi_track_id``, ``channel``, ``note``, ``start_time``,
        ``duration``; of any number of parts, in any order.
    controllers : DataFrame
        Rows of ``midi_cc`` of the same parts: ``midi_track_id``, ``channel``, ``cc_number``,
        ``cc_value``, ``time``, and ``event_index`` where several stand at one time.

    Returns
    -------
    np.ndarray, shape=(n_notes,)
        Seconds from the start of the MIDI file, in the order of ``notes``. Not before the key is
        released, but for controllers 120 and 123.
    """
    ends = (notes["start_time"] + notes["duration"]).to_numpy(np.float64).copy()
    counted = controllers[controllers["cc_number"].isin(COUNTED)]
    order = ["time", "event_index"] if "event_index" in counted else ["time"]
    ordered = counted.sort_values(order, kind="stable")
    of_parts: dict[Any, DataFrame] = dict(iter(ordered.groupby(["midi_track_id", "channel"])))
    places = notes.groupby(["midi_track_id", "channel"]).indices
    starts = notes["start_time"].to_numpy(np.float64)
    pitches = notes["note"].to_numpy(np.int64)
    for part, at in places.items():
        rows = of_parts.get(part)
        if rows is not None:
            channel = _Channel(rows)
            ends[at] = channel.ends(starts[at], ends[at], pitches[at])
    return ends


class _Channel:
    """The controllers of one channel of one part."""

    def __init__(self, rows: "DataFrame") -> None:
        number = rows["cc_number"].to_numpy(np.int64)
        value = rows["cc_value"].to_numpy(np.int64)
        time = rows["time"].to_numpy(np.float64)
        self._last = float(time[-1])
        self._silences = time[number == SILENCE]
        self._releases = time[np.isin(number, ALL_NOTES_OFF)]
        self._damper = _Pedal.of(number, value, time, DAMPER)
        self._sostenuto = _Pedal.of(number, value, time, SOSTENUTO)

    def ends(self, start: Float64, end: Float64, pitch: NDArray[np.int64]) -> Float64:
        last = max(self._last, float(end.max()))
        released = np.minimum(end, _next(self._releases, start))
        held = self._damper.held(released, last)
        caught = self._sostenuto.caught(start, released, last)
        # Let go by the one pedal while the other is down, it is the other that holds.
        held = self._damper.held(np.maximum(held, caught), last)
        held = np.minimum(held, np.maximum(released, _struck_again(start, pitch)))
        out: Float64 = np.minimum(held, _next(self._silences, start))
        return out


class _Pedal:
    """When a pedal goes down, and when up again."""

    def __init__(self, downs: Float64, ups: Float64) -> None:
        self._downs, self._ups = downs, ups

    @classmethod
    def of(
        cls,
        number: NDArray[np.int64],
        value: NDArray[np.int64],
        time: Float64,
        controller: int,
    ) -> "_Pedal":
        """Return one pedal; the rows stand in the order of their messages."""
        own = (number == controller) | (number == RESET)
        down = (number[own] == controller) & (value[own] >= _DOWN)
        before = np.r_[False, down[:-1]]
        times = time[own]
        return cls(times[down & ~before], times[~down & before])

    def held(self, end: Float64, last: float) -> Float64:
        """Return until when the pedal holds what would end at ``end``."""
        ups = np.r_[self._ups, np.full(len(self._downs) - len(self._ups), last)]
        at = np.searchsorted(self._downs, end, side="right") - 1
        if not len(self._downs):
            return end
        until = ups[np.maximum(at, 0)]
        return np.where((at >= 0) & (until > end), until, end)

    def caught(self, start: Float64, released: Float64, last: float) -> Float64:
        """Return until when keys that are down as it goes down are held; else their release."""
        out = released.copy()
        ups = np.r_[self._ups, np.full(len(self._downs) - len(self._ups), last)]
        for down, up in zip(self._downs, ups, strict=True):
            out = np.where((start <= down) & (released > down), np.maximum(out, up), out)
        return out


def _next(times: Float64, after: Float64) -> Float64:
    """Return the first of some times after each moment; infinity where there is none."""
    out: Float64 = np.r_[times, np.inf][np.searchsorted(times, after, side="right")]
    return out


def _struck_again(start: Float64, pitch: NDArray[np.int64]) -> Float64:
    """Return when each note's key is struck next; infinity where it is not."""
    out = np.full(len(start), np.inf)
    order = np.lexsort((start, pitch))
    same = pitch[order][1:] == pitch[order][:-1]
    later = start[order][1:] > start[order][:-1]
    out[order[:-1]] = np.where(same & later, start[order][1:], np.inf)
    return out
