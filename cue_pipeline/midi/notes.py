"""Which note-off ends which note.

A note-off names a channel and a pitch, not a note. Where the same pitch was struck again before
it ended, the notes end in the order in which they began: first in, first out, as a sequencer
that wrote both notes meant it, and as the sum of all lengths is the same under any other rule.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UNTERMINATED, OVERLAPS, ZERO_LENGTH = 1, 2, 4

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NotePairs:
    """Indices into the messages that were paired.

    Attributes
    ----------
    on : np.ndarray, shape=(n_notes,), dtype=int64
        The note-on of each note, ascending.
    off : np.ndarray, shape=(n_notes,), dtype=int64
        Its note-off, or -1 where there is none.
    stray : np.ndarray, shape=(n_stray,), dtype=int64
        Note-offs that end nothing, ascending.
    overlaps : np.ndarray, shape=(n_notes,), dtype=bool
        Another note of the same track, channel and pitch sounds at the same time.
    """

    on: Int64Array
    off: Int64Array
    stray: Int64Array
    overlaps: npt.NDArray[np.bool_]


def pair_notes(
    track: npt.NDArray[np.uint16],
    channel_and_pitch: npt.NDArray[np.uint16],
    is_on: npt.NDArray[np.bool_],
    tick: Int64Array,
) -> NotePairs:
    """Pair note-ons with note-offs, first in, first out.

    Parameters
    ----------
    track, channel_and_pitch : np.ndarray, shape=(n_messages,), dtype=uint16
        A message ends only notes of the same two numbers.
    is_on : np.ndarray, shape=(n_messages,), dtype=bool
        Note-ons with a velocity; everything else is a note-off.
    tick : np.ndarray, shape=(n_messages,), dtype=int64
        Playing order within each track.

    Returns
    -------
    NotePairs
    """
    # Two stable sorts of 16-bit keys are radix sorts: linear, where one of a wide key is not.
    order = np.argsort(channel_and_pitch, kind="stable")
    order = order[np.argsort(track[order], kind="stable")]
    on = is_on[order]
    group, group_start = _groups(track[order], channel_and_pitch[order])
    stray = _stray_offs(on, group, group_start)
    ends = ~on & ~stray

    # In each group the k-th off that ends something ends the k-th on.
    on_at, end_at = np.flatnonzero(on), np.flatnonzero(ends)
    ons_before: Int64Array = np.cumsum(on) - on
    ends_before: Int64Array = np.cumsum(ends) - ends
    end_group_start = group_start[group[end_at]]
    rank = np.arange(len(end_at)) - ends_before[end_group_start]
    off = np.full(len(on_at), -1, dtype=np.int64)
    off[ons_before[end_group_start] + rank] = order[end_at]

    on_index = order[on_at]
    begin = tick[on_index]
    end = np.where(off >= 0, tick[off], np.iinfo(np.int64).max)
    overlaps = np.zeros(len(on_at), dtype=bool)
    struck_again = (np.diff(group[on_at]) == 0) & (begin[1:] < end[:-1])
    overlaps[:-1] |= struck_again
    overlaps[1:] |= struck_again

    back = np.argsort(on_index)
    return NotePairs(on_index[back], off[back], np.sort(order[stray]), overlaps[back])


def _groups(
    track: npt.NDArray[np.uint16], channel_and_pitch: npt.NDArray[np.uint16]
) -> tuple[Int64Array, Int64Array]:
    """Return the group of each sorted message, and the first message of each group."""
    is_first = np.ones(len(track), dtype=bool)
    is_first[1:] = (np.diff(track) != 0) | (np.diff(channel_and_pitch) != 0)
    return np.cumsum(is_first) - 1, np.flatnonzero(is_first)


def _stray_offs(
    on: npt.NDArray[np.bool_], group: Int64Array, group_start: Int64Array
) -> npt.NDArray[np.bool_]:
    """Return which offs come when nothing of their group sounds.

    Walk up one step at an on, down one at an off: an off that reaches a new depth below the
    group's start found nothing sounding. Each group is moved down so far that its start lies
    below all that went before; then one running minimum serves all groups.
    """
    step = np.where(on, 1, -1)
    walk = np.cumsum(step)
    start = -group * (len(on) + 1)
    walk += start - (walk - step)[group_start][group]
    lowest_before = start.copy()
    lowest_before[1:] = np.minimum(start[1:], np.minimum.accumulate(walk)[:-1])
    return np.asarray(~on & (walk < lowest_before))
