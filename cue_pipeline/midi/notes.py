"""Which note-off ends which note.

A note-off names a channel and a pitch, not a note. Where the same pitch was struck again before
it ended, the notes end in the order in which they began: first in, first out.

Notation programs export grace notes and ornaments as notes of no length, and some of them write
all note-offs of a tick before its note-ons. The note-off then comes when nothing sounds, and its
note has none. Taken as it stands, that note would take the note-off of the next one, this one
that of the one after, and so on to the end of the track: in public files minutes late. So
a note-off that ends nothing is given to a note-on of the same tick where that note would else
leave the pitch sounding up to the end of the track.
"""

from dataclasses import dataclass
from itertools import pairwise

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
    group = _groups(track[order], channel_and_pitch[order])
    on, tick = is_on[order], tick[order]
    off = _first_in_first_out(on, group)
    early_off, early_on = _written_early(on, off, group, tick)
    if len(early_on):
        rest = np.delete(np.arange(len(on)), np.concatenate([early_off, early_on]))
        off_of_rest = _first_in_first_out(on[rest], group[rest])
        off[rest] = np.where(off_of_rest >= 0, rest[off_of_rest], -1)
        off[early_on] = early_off

    on_at = np.flatnonzero(on)
    overlaps = np.zeros(len(on), dtype=bool)
    # What has no length because its note-off came early lies beside the queue, not in it.
    queue = np.setdiff1d(on_at, early_on, assume_unique=True)
    end = np.where(off[queue] >= 0, tick[off[queue]], np.iinfo(np.int64).max)
    struck_again = (np.diff(group[queue]) == 0) & (tick[queue][1:] < end[:-1])
    overlaps[queue[:-1]] |= struck_again
    overlaps[queue[1:]] |= struck_again

    stray = ~on
    stray[off[on_at[off[on_at] >= 0]]] = False
    off_index = np.where(off[on_at] >= 0, order[off[on_at]], -1)
    back = np.argsort(order[on_at])
    return NotePairs(
        order[on_at][back], off_index[back], np.sort(order[stray]), overlaps[on_at][back]
    )


def _groups(track: npt.NDArray[np.uint16], channel_and_pitch: npt.NDArray[np.uint16]) -> Int64Array:
    """Return the number of the group of each sorted message."""
    is_first = np.ones(len(track), dtype=bool)
    is_first[1:] = (np.diff(track) != 0) | (np.diff(channel_and_pitch) != 0)
    return np.asarray(np.cumsum(is_first) - 1, dtype=np.int64)


def _first_in_first_out(on: npt.NDArray[np.bool_], group: Int64Array) -> Int64Array:
    """Return for each note-on the position of the note-off that ends it, else -1."""
    off = np.full(len(on), -1, dtype=np.int64)
    is_first = np.ones(len(on), dtype=bool)
    is_first[1:] = np.diff(group) != 0
    group_start = np.flatnonzero(is_first)
    group = np.cumsum(is_first) - 1
    ends = ~on & ~_stray_offs(on, group, group_start)

    # In each group the k-th off that ends something ends the k-th on.
    on_at, end_at = np.flatnonzero(on), np.flatnonzero(ends)
    ons_before: Int64Array = np.cumsum(on) - on
    ends_before: Int64Array = np.cumsum(ends) - ends
    start = group_start[group[end_at]]
    rank = np.arange(len(end_at)) - ends_before[start]
    off[on_at[ons_before[start] + rank]] = end_at
    return off


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


def _written_early(
    on: npt.NDArray[np.bool_], off: Int64Array, group: Int64Array, tick: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """Return the note-offs that were written before their note-ons of the same tick, and these."""
    n_groups = int(group[-1]) + 1 if len(group) else 0
    open_ons = np.bincount(group[on & (off < 0)], minlength=n_groups)
    surplus = np.bincount(group[~on], minlength=n_groups)
    surplus -= np.bincount(group[on & (off >= 0)], minlength=n_groups)
    pairs: list[tuple[int, int]] = []
    # Seldom any: only a pitch with a stray off and a note that never ends is looked at.
    for number in np.flatnonzero((open_ons > 0) & (surplus > 0)).tolist():
        first, stop = np.searchsorted(group, [number, number + 1]).tolist()
        pairs += [
            (first + early, first + late)
            for early, late in _early_pairs(on[first:stop].tolist(), tick[first:stop])
        ]
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def _early_pairs(on: list[bool], tick: Int64Array) -> list[tuple[int, int]]:
    """Return (off, on) of one group, by walking over it tick by tick."""
    bounds = [0, *(np.flatnonzero(np.diff(tick)) + 1).tolist(), len(on)]
    walk = np.cumsum(np.where(on, 1, -1))[np.array(bounds[1:]) - 1]
    # How far the walk will still fall below its height at the end of each tick.
    lowest = np.minimum.accumulate(walk[::-1])[::-1]
    fall = (lowest - walk).tolist()
    pairs: list[tuple[int, int]] = []
    sounding = 0
    for (first, stop), deepest in zip(pairwise(bounds), fall, strict=True):
        stray, begun = [], []
        for at in range(first, stop):
            if on[at]:
                sounding += 1
                begun.append(at)
            elif sounding:
                sounding -= 1
            else:
                stray.append(at)
                begun.clear()
        # Begun after the stray off, not ended in this tick, and never to be ended as it stands.
        endless = begun[max(0, len(begun) - sounding) :]
        count = min(len(stray), len(endless), sounding + deepest)
        if count > 0:
            pairs += zip(stray[:count], endless[-count:], strict=True)
            sounding -= count
    return pairs
