"""From the byte offsets of events to columns of ticks, status and data bytes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]
UInt8Array = npt.NDArray[np.uint8]

_LONGEST_CHANNEL_EVENT = 7


@dataclass(frozen=True, slots=True)
class Messages:
    """Channel voice messages, track by track in file order.

    Attributes
    ----------
    track : np.ndarray, shape=(n_messages,), dtype=uint16
        Index of the track among the track chunks of the file.
    event_index : np.ndarray, shape=(n_messages,), dtype=int64
        Place among *all* events of the track, meta and system exclusive ones counted too.
    tick : np.ndarray, shape=(n_messages,), dtype=int64
        Absolute.
    status, data1, data2 : np.ndarray, shape=(n_messages,), dtype=uint8
        Running status filled in; ``data2`` is 0 where the message has one data byte.
    """

    track: npt.NDArray[np.uint16]
    event_index: Int64Array
    tick: Int64Array
    status: UInt8Array
    data1: UInt8Array
    data2: UInt8Array

    def __len__(self) -> int:
        """Return how many messages there are."""
        return len(self.tick)

    def take(self, chosen: npt.NDArray[np.bool_] | Int64Array) -> "Messages":
        """Return some of the messages, by mask or by index."""
        return Messages(
            self.track[chosen],
            self.event_index[chosen],
            self.tick[chosen],
            self.status[chosen],
            self.data1[chosen],
            self.data2[chosen],
        )


def decode_events(
    data: bytes, offsets: Int64Array, firsts: Int64Array
) -> tuple[Messages, Int64Array, Int64Array]:
    """Return the channel voice messages among events, and the times of all.

    Parameters
    ----------
    data : bytes
        The whole file.
    offsets : np.ndarray, shape=(n_events,), dtype=int64
        Byte offset of each event, track by track.
    firsts : np.ndarray, shape=(n_tracks,), dtype=int64
        Index of the first event of each track; empty tracks allowed.

    Returns
    -------
    messages : Messages
    ticks : np.ndarray, shape=(n_events,), dtype=int64
        Absolute tick of every event within its track.
    deltas : np.ndarray, shape=(n_events,), dtype=int64
        Ticks since the event before it in its track.
    """
    octets = np.frombuffer(data + bytes(_LONGEST_CHANNEL_EVENT), dtype=np.uint8)
    deltas, at = _delta_times(octets, offsets)
    status = octets[at]
    explicit = status >= 0x80
    system = status >= 0xF0
    n = len(offsets)

    # A message without status takes that of the last one that had one. The scanner has seen to
    # it that every track's first message has its own, so that nothing leaks between tracks.
    last = np.maximum.accumulate(np.where(explicit & ~system, np.arange(n), 0))
    status = np.where(system, status, status[last])
    at += explicit
    data1 = octets[at]
    data2 = octets[at + 1] * ((status & 0xE0) != 0xC0)

    total = np.cumsum(deltas)
    counts = np.diff(np.append(firsts, n))
    before = np.concatenate([[0], total])[firsts]
    ticks = total - np.repeat(before, counts)
    tracks = np.repeat(np.arange(len(firsts), dtype=np.uint16), counts)
    event_index = np.arange(n) - np.repeat(firsts, counts)
    everything = Messages(tracks, event_index, ticks, status, data1, data2)
    return everything.take(np.flatnonzero(~system)), ticks, deltas


def _delta_times(octets: UInt8Array, offsets: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return the delta times of events, and the offsets of the bytes after them."""
    at = offsets.copy()
    octet = octets[at]
    deltas = (octet & 0x7F).astype(np.int64)
    more = np.flatnonzero(octet >= 0x80)
    while len(more):
        at[more] += 1
        octet = octets[at[more]]
        deltas[more] = deltas[more] << 7 | (octet & 0x7F)
        more = more[octet >= 0x80]
    return deltas, at + 1
