"""Find the events in the bytes of MIDI tracks, without a Python object for each.

Where an event ends depends on where it begins, which depends on all events before it, so that
the bytes cannot simply be cut in parallel. But *if* an event begins at a byte, numpy can tell for
all bytes at once where the next one begins. What is left to do one by one is to follow these
pointers from the first event: one look-up an event, in :meth:`EventScanner.scan`.

Running status is the one thing that a byte alone does not tell: whether a message without a
status byte carries two data bytes or one. So every byte has two pointers, one for each case, and
each leads on to the pointers of its own case.

Meta and system exclusive events, and damage, have no pointer. They end the quick walk and are
read by plain code, which knows the exact byte at which something is wrong.
"""

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

_Byte = TypeVar("_Byte", np.uint8, np.bool_)

_WINDOW = 1 << 17  # its arrays stay in a cache
_LOOK_AHEAD = 8  # longest channel message: 4 bytes of delta time, status, 2 of data
_BEYOND = 2 * _LOOK_AHEAD  # states behind a window's last: where its pointers may lead, and none

_META, _SYSEX, _SYSEX_MORE, _FIRST_SYSTEM = 0xFF, 0xF0, 0xF7, 0xF0
_END_OF_TRACK = 0x2F
# A cable carries these, a file must not; but their lengths are known, so that they can be passed.
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1} | dict.fromkeys(
    (0xF6, 0xF8, 0xFA, 0xFB, 0xFC, 0xFE), 0
)


class Damage(Exception):  # noqa: N818 - told apart from errors that leave this room
    """The bytes at ``offset`` are not a MIDI event."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(what)
        self.offset = offset
        self.what = what


class TooManyEvents(Exception):  # noqa: N818 - told apart from errors that leave this room
    """There are more events than may be read.

    Attributes
    ----------
    most : int
        So many may be read.
    what : str
        Of which kind.
    offset : int
        Byte offset of an event beyond them.
    """

    def __init__(self, most: int, what: str, offset: int) -> None:
        super().__init__(what)
        self.most = most
        self.what = what
        self.offset = offset


@dataclass(frozen=True, slots=True)
class MetaEvent:
    """A meta event: its place in its track, its type and its bytes.

    Attributes
    ----------
    event : int
        Index of the event among all events that the scanner has found.
    kind : int
        Meta type, 0x00 to 0x7F.
    data : bytes
        What the event carries.
    offset : int
        Byte offset of the event in the file.
    """

    event: int
    kind: int
    data: bytes
    offset: int

    @property
    def complete(self) -> bool:
        """Whether a system exclusive message ends here, and in no later packet."""
        return self.data.endswith(b"\xf7")


@dataclass(slots=True)
class TrackScan:
    """What one walk over a track found.

    Attributes
    ----------
    first, stop : int
        The track's events among all events that the scanner has found.
    end : int
        Byte offset after the last event that could be read.
    ended : bool
        An End of Track event closed the track.
    damage : Damage or None
        Why reading stopped early.
    metas : list of MetaEvent
        In file order.
    sysexes : list of MetaEvent
        System exclusive messages, of ``kind`` 0xF0.
    system_offsets : list of int
        Byte offsets of system messages that do not belong in a file.
    """

    first: int
    stop: int
    end: int
    ended: bool = False
    damage: Damage | None = None
    metas: list[MetaEvent] = field(default_factory=list)
    sysexes: list[MetaEvent] = field(default_factory=list)
    system_offsets: list[int] = field(default_factory=list)


class EventScanner:
    """Walk over the tracks of one file.

    Parameters
    ----------
    data : bytes
        The whole file.
    most : int, optional
        Events beyond which no track is walked; of meta and system exclusive ones, each of which
        takes as much memory as some ten others, a tenth.
    """

    def __init__(self, data: bytes, most: int | None = None) -> None:
        self._data = data
        self._most = most
        self._n_objects = 0
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        self._base = 0
        self._window_end = 0
        self._steps = np.zeros(0, dtype=np.int32)
        self._strides = memoryview(b"")
        self._no_pointer = 0
        self._found: list[npt.NDArray[np.int64]] = []
        self._singles: list[int] = []
        self._count = 0
        self._found_before = 0

    @property
    def event_offsets(self) -> npt.NDArray[np.int64]:
        """Byte offset of every event found so far, in the order of the walks."""
        self._flush()
        return np.concatenate(self._found) if self._found else np.zeros(0, dtype=np.int64)

    def scan(self, start: int, limit: int) -> TrackScan:
        """Walk over the events of one track.

        Parameters
        ----------
        start : int
            Byte offset of the track's first event.
        limit : int
            No event may reach beyond this offset.

        Returns
        -------
        TrackScan
            Up to End of Track, the limit, or damage.

        Raises
        ------
        TooManyEvents
            If there are more than may be read.
        """
        self._flush()
        self._found_before = len(self._found)
        result = TrackScan(first=self._count, stop=self._count, end=start)
        position, one_byte = start, None
        try:
            while position < limit and not result.ended:
                if one_byte is not None:
                    position, one_byte = self._walk(position, one_byte, limit)
                    if position >= limit:
                        break
                result.end = position
                position, one_byte = self._read_event(position, one_byte, limit, result)
        except Damage as damage:
            result.damage = damage
        else:
            result.end = position
        result.stop = self._count
        return result

    def forget(self, scan: TrackScan) -> None:
        """Take back the last walk, so that the track can be walked with another limit."""
        self._singles = []
        del self._found[self._found_before :]
        self._count = scan.first

    def _walk(self, position: int, one_byte: bool, limit: int) -> tuple[int, bool]:
        """Follow pointers while there are any; return where they end, and the running status."""
        while position < limit:
            if not self._base <= position < self._window_end:
                self._point(position)
            base = self._base
            stop = 2 * (min(limit, self._window_end) - base)
            states = self._follow(2 * (position - base) + one_byte, stop)
            # The last event may reach beyond the limit, or have no pointer: not a quick one.
            at = int(states[-1])
            special = at == self._no_pointer or (at >> 1) + base > limit
            if special:
                at = int(states[-2])
            found = states[: -1 - special]
            if len(found):
                self._flush()
                self._found.append((found >> 1) + base)
                self._count += len(found)
                self._refuse_too_many(position)
            position, one_byte = (at >> 1) + base, bool(at & 1)
            if special:
                break
        return position, one_byte

    def _follow(self, at: int, stop: int) -> npt.NDArray[np.int64]:
        """Return the states from one that is before ``stop`` up to the first that is not."""
        every_fourth, strides = [], self._strides
        while at < stop:
            every_fourth.append(at)
            at = strides[at]
        states = np.empty((len(every_fourth), 4), dtype=np.int64)
        states[:, 0] = every_fourth
        for i in (1, 2, 3):
            states[:, i] = self._steps[states[:, i - 1]]
        flat = np.append(states.reshape(-1), at)
        n_before = np.searchsorted(flat[-5:], stop) + max(len(flat) - 5, 0)
        return flat[: n_before + 1]

    def _flush(self) -> None:
        if self._singles:
            self._found.append(np.asarray(self._singles, dtype=np.int64))
            self._singles = []

    def _point(self, base: int) -> None:
        """Compute the pointers of every byte of a window, and where four of them lead."""
        end = min(base + _WINDOW, len(self._data))
        size = end - base
        window = np.zeros(size + _LOOK_AHEAD, dtype=np.uint8)
        available = self._bytes[base : end + _LOOK_AHEAD]
        window[: len(available)] = available
        high = window >= 0x80
        longer = [high[:size]]  # whether the delta time has more than one byte, than two, three
        for i in (1, 2, 3):
            longer.append(longer[-1] & high[i : size + i])

        def behind_delta(values: npt.NDArray[_Byte], offset: int) -> npt.NDArray[_Byte]:
            """Return what stands some bytes behind the first that is no delta time's."""
            found = values[1 + offset : 1 + offset + size].copy()
            for i in (0, 1, 2):
                np.copyto(found, values[2 + i + offset : 2 + i + offset + size], where=longer[i])
            return found

        status = behind_delta(window, 0)
        explicit = status >= 0x80
        high_first, high_second = behind_delta(high, 1), behind_delta(high, 2)
        bad_first = (explicit & high_first) | longer[3] | (status >= _FIRST_SYSTEM)
        bad_second = np.where(explicit, high_second, high_first)

        delta_more = longer[0].astype(np.uint8) + longer[1] + longer[2]
        both_data = np.arange(6, 2 * size + 6, 2, dtype=np.int32)
        both_data += 2 * (delta_more + explicit)
        explicit_one = explicit & ((status & 0xE0) == 0xC0)  # program change, channel pressure
        # Behind the window every state leads to itself, so that strides may end there.
        steps = np.arange(2 * size + _BEYOND, dtype=np.int32)
        self._no_pointer = len(steps) - 1
        for running_one, one in enumerate((explicit_one, explicit_one | ~explicit)):
            column = steps[running_one : 2 * size : 2]
            np.subtract(both_data, one, out=column)
            np.copyto(column, self._no_pointer, where=bad_first | (bad_second & ~one))
        twice = steps[steps]
        self._steps = steps
        self._strides = memoryview(twice[twice])
        self._base, self._window_end = base, end

    def _read_event(
        self, position: int, one_byte: bool | None, limit: int, result: TrackScan
    ) -> tuple[int, bool | None]:
        """Read one event of any kind; return the next event's offset and the running status."""
        data = self._data
        _, at = self._variable_length(position, limit, "delta time")
        if at >= limit:
            raise Damage(position, "the track ends within an event")
        status = data[at]
        if status >= _FIRST_SYSTEM:
            after = self._read_system(position, at, limit, result)
        else:
            if status >= 0x80:
                one_byte = (status & 0xE0) == 0xC0
                at += 1
            elif one_byte is None:
                raise Damage(at, f"data byte 0x{status:02X} where a status byte is needed")
            after = self._check_data(position, at, 1 if one_byte else 2, limit)
        self._singles.append(position)
        self._count += 1
        self._refuse_too_many(position)
        return after, one_byte

    def _refuse_too_many(self, position: int) -> None:
        if self._most is None:
            return
        if self._count > self._most:
            raise TooManyEvents(self._most, "events", position)
        if self._n_objects > self._most // 10:
            what = "meta and system exclusive events"
            raise TooManyEvents(self._most // 10, what, position)

    def _read_system(self, position: int, at: int, limit: int, result: TrackScan) -> int:
        data, status = self._data, self._data[at]
        self._n_objects += 1
        if status == _META:
            if at + 1 >= limit:
                raise Damage(position, "the track ends within a meta event")
            kind = data[at + 1]
            if kind >= 0x80:
                raise Damage(at + 1, f"meta event of type 0x{kind:02X}, above 0x7F")
            length, body = self._variable_length(at + 2, limit, "length of a meta event")
            self._check_length(position, body, length, limit, f"meta event 0x{kind:02X}")
            result.metas.append(MetaEvent(self._count, kind, data[body : body + length], position))
            # One that carries bytes is no End of Track that any program wrote on purpose.
            result.ended = kind == _END_OF_TRACK and not length
            return body + length
        if status in (_SYSEX, _SYSEX_MORE):
            length, body = self._variable_length(at + 1, limit, "length of a sysex event")
            self._check_length(position, body, length, limit, "sysex event")
            message = data[body : body + length]
            if status == _SYSEX_MORE and result.sysexes and not result.sysexes[-1].complete:
                # A message in packets takes effect with its last.
                message = result.sysexes.pop().data + message
                status = _SYSEX
            if status == _SYSEX:
                result.sysexes.append(MetaEvent(self._count, _SYSEX, message, position))
            return body + length
        if status not in _SYSTEM_DATA_BYTES:
            raise Damage(at, f"status byte 0x{status:02X}, which MIDI does not define")
        after = self._check_data(position, at + 1, _SYSTEM_DATA_BYTES[status], limit)
        result.system_offsets.append(position)
        return after

    def _check_data(self, position: int, at: int, count: int, limit: int) -> int:
        if at + count > limit:
            raise Damage(position, "the track ends within an event")
        for offset in range(at, at + count):
            if self._data[offset] >= 0x80:
                raise Damage(
                    offset,
                    f"byte 0x{self._data[offset]:02X} where a data byte up to 0x7F is needed",
                )
        return at + count

    def _check_length(self, position: int, body: int, length: int, limit: int, what: str) -> None:
        if body + length > limit:
            raise Damage(
                position, f"{what} of {length} bytes where {limit - body} are left in the track"
            )

    def _variable_length(self, at: int, limit: int, what: str) -> tuple[int, int]:
        value = 0
        for offset in range(at, min(at + 4, limit)):
            byte = self._data[offset]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, offset + 1
        if at + 4 > limit:
            raise Damage(at, f"the track ends within the {what}")
        raise Damage(at, f"{what} longer than four bytes")
