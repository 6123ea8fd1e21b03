"""The parts of a file: what each track sends on each port and channel.

Conventions
-----------
A track whose notes are on one channel is one part, whatever controllers it sends to others. One
whose notes are on several is a part for each port and channel on which it sends anything; but a
zone of MPE, or another instrument that takes a channel for every note, is one.

A *port* is what FF 21 says (0 before it says anything). Where a track changes its device name
(FF 09) between notes and no FF 21 is there, each name is a port, numbered in the order of the file.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cue_pipeline.midi.events import Int64Array, Messages
from cue_pipeline.midi.kit_or_melody import Strokes
from cue_pipeline.midi.mpe import configured_zones, is_one_instrument, manager_of
from cue_pipeline.midi.sound_banks import (
    BY_CHANNEL_IN_DOUBT,
    DRUM_CHANNEL,
    Address,
    PartSounds,
    ProgramEvent,
    SystemEvent,
    part_sounds,
    program_events,
    set_up_programs,
    undoubted,
)
from cue_pipeline.midi.track_names import (
    DEVICE_NAME,
    NAMES,
    TrackName,
    best_name,
    distinct,
    is_placeholder,
)

CHANNEL_PREFIX: Final = 0x20
PORT_PREFIX: Final = 0x21
SYSEX: Final = 0xF0
NOTICES: Final = frozenset((*NAMES, CHANNEL_PREFIX, PORT_PREFIX))
"""Meta events that tell of parts."""
_SEVERAL: Final = -1

Ports = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a track says beside its messages: a name, a channel or port prefix, a SysEx.

    Attributes
    ----------
    event_index : int
        Place among all events of the track.
    tick : int
    kind : int
        Meta type of :data:`NOTICES`, or :data:`SYSEX`.
    data : bytes
        Without status and length.
    text : str
        Decoded; empty where it is no text.
    """

    event_index: int
    tick: int
    kind: int
    data: bytes
    text: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes
    ----------
    track : int
        Index of its track.
    port, channel : int or None
        None where the track is one part; in a zone of MPE the manager's channel.
    name : str
    raw_name : bytes
        The bytes of that name.
    all_names : tuple of str
        Every name that the file gives to it or to its track, its own first.
    n_messages : int
    sounds : PartSounds
    """

    track: int
    port: int | None
    channel: int | None
    name: str
    raw_name: bytes
    all_names: tuple[str, ...]
    n_messages: int
    sounds: PartSounds


_Owner = tuple["_Track", Address | None]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a file and where its messages belong.

    Attributes
    ----------
    parts : tuple of Part
        In the order of track, port and channel; of every track that sends a message.
    of_message : np.ndarray, shape=(n_messages,), dtype=int64
        Position in ``parts``.
    lane : np.ndarray, shape=(n_messages,)
        A number for each track and port: a note-off ends notes of its own only.
    warnings : tuple of str
        What had to be judged, with the track.
    """

    parts: tuple[Part, ...]
    of_message: Int64Array
    lane: npt.NDArray[Any]
    warnings: tuple[str, ...]


def find_parts(m: Messages, notices: Sequence[Sequence[Notice]], *, together: bool = True) -> Parts:
    """Return the parts of a file.

    Parameters
    ----------
    m : Messages
        Every channel voice message, track by track.
    notices : sequence of sequences of Notice
        Of each track, in file order.
    together : bool
        Whether the tracks play together: in a file of format 2 none tells anything of another.
    """
    bounds = np.searchsorted(m.track, np.arange(len(notices) + 1)).tolist()
    spans = [slice(first, last) for first, last in pairwise(bounds)]
    port, lane = _ports(m, spans, notices)
    tracks = [
        _Track(index, span, m, port, notices[index])
        for index, span in enumerate(spans)
        if span.stop > span.start
    ]
    zones = _shared_zones(tracks) if together else {}
    warnings: list[str] = []
    of_message = np.zeros(len(m), dtype=np.int64)
    owners: list[_Owner] = []
    for track in tracks:
        keys, own = _split(track, zones, warnings)
        of_message[track.span] = own + len(owners)
        owners += [(track, key) for key in keys]
    sounds = _Sounds(tracks, notices, together=together)
    devices = [n.text for of in notices for n in of if n.kind == DEVICE_NAME and n.text]
    counts = np.bincount(of_message, minlength=len(owners)).tolist()
    named = {track.index: _Names(track) for track in tracks}
    parts = []
    for number, (track, key) in enumerate(owners):
        own_names, others = named[track.index].of(key)
        name = _chosen(own_names, others, devices)
        of_part = None if key is None else of_message[track.span] == number
        played = sounds.of(track, of_part)
        if played.drum_kit == BY_CHANNEL_IN_DOUBT:
            played = undoubted(played, [n.text for n in (*own_names, *others)])
        if played.doubt:
            warnings.append(f"track {track.index}: {played.doubt}")
        parts.append(
            Part(
                track=track.index,
                port=None if key is None else key[0],
                channel=None if key is None else key[1],
                name=name.text if name else "",
                raw_name=name.raw if name else b"",
                all_names=distinct((*own_names, *others)),
                n_messages=counts[number],
                sounds=played,
            )
        )
    return Parts(tuple(parts), of_message, lane, tuple(warnings))


def _chosen(
    own: Sequence[TrackName], others: Sequence[TrackName], devices: Sequence[str]
) -> TrackName | None:
    """Return a part's name: its own, or where that is a placeholder the track's."""
    mine, theirs = best_name(own, devices), best_name(others, devices)
    if mine is None or (is_placeholder(mine.text) and theirs and not is_placeholder(theirs.text)):
        return theirs
    return mine


def texts(notices: Sequence[Notice]) -> list[TrackName]:
    """Return the names among notices, in their order."""
    return [TrackName(n.kind, n.text, n.data) for n in notices if n.kind in NAMES and n.text]


class _Track:
    """The messages of one track, with their ports."""

    def __init__(
        self, index: int, span: slice, m: Messages, port: Ports, notices: Sequence[Notice]
    ) -> None:
        self.index, self.span, self.notices = index, span, notices
        self.messages = Messages(
            m.track[span], m.event_index[span], m.tick[span], m.status[span], m.data1[span],
            m.data2[span],
        )  # fmt: skip
        self.port = port[span]
        self.channel = self.messages.status & 0x0F
        self.is_on = ((self.messages.status & 0xF0) == 0x90) & (self.messages.data2 > 0)
        self.address = self.port.astype(np.int64) << 4 | self.channel

    def strokes(self, chosen: npt.NDArray[np.bool_], *, with_offs: bool) -> Strokes:
        """Return some of the notes; all of their note-offs on channel 10, or none."""
        m = self.messages
        notes = m.tick[chosen], m.data1[chosen].astype(np.int64)
        offs = np.zeros(0, dtype=np.int64)
        if with_offs:
            offs = np.flatnonzero(self._is_off() & (self.channel == DRUM_CHANNEL))
        return Strokes(*notes, m.tick[offs], m.data1[offs].astype(np.int64))

    def _is_off(self) -> npt.NDArray[np.bool_]:
        kind = self.messages.status & 0xF0
        is_off: npt.NDArray[np.bool_] = (kind == 0x80) | (
            (kind == 0x90) & (self.messages.data2 == 0)
        )
        return is_off

    @cached_property
    def played(self) -> list[Address]:
        """Ports and channels on which it has notes, ascending."""
        return self.addresses(self.is_on)

    def addresses(self, chosen: npt.NDArray[np.bool_]) -> list[Address]:
        """Return the ports and channels of some of the messages, ascending."""
        found = np.flatnonzero(np.bincount(self.address[chosen]))
        return [(a >> 4, a & 0x0F) for a in found.tolist()]


def _ports(
    m: Messages, spans: Sequence[slice], notices: Sequence[Sequence[Notice]]
) -> tuple[Ports, npt.NDArray[Any]]:
    """Return the port of each message, and its lane."""
    port = np.zeros(len(m), dtype=np.uint8)
    devices: dict[str, int] = {}
    moved = False
    for span, of in zip(spans, notices, strict=True):
        changes = [(n.event_index, n.data[0] & 0x7F) for n in of if _is_port(n)]
        names = [n for n in of if n.kind == DEVICE_NAME and n.text]
        if not changes and len({n.text for n in names}) > 1:
            changes = [
                (n.event_index, devices.setdefault(n.text, len(devices)) & 0x7F) for n in names
            ]
        if changes:
            events = [event for event, _ in changes]
            at = np.searchsorted(events, m.event_index[span], side="right")
            port[span] = np.array([0, *(value for _, value in changes)])[at]
            moved |= bool((port[span] != port[span.start : span.start + 1]).any())
    if not moved:
        return port, m.track
    _, numbers = np.unique(m.track.astype(np.int64) << 7 | port, return_inverse=True)
    return port, numbers.astype(np.uint16 if numbers.max() < 1 << 16 else np.uint32)


def _is_port(notice: Notice) -> bool:
    return notice.kind == PORT_PREFIX and len(notice.data) >= 1


def _shared_zones(tracks: Sequence[_Track]) -> dict[int, dict[int, int]]:
    """Return the zones of MPE that tracks without notes set up, by port."""
    zones: dict[int, dict[int, int]] = {}
    for track in tracks:
        if track.is_on.any():
            continue
        for port in np.unique(track.port).tolist():
            found = configured_zones(track.messages.take(track.port == port))
            zones.setdefault(port, {}).update(found)
    return zones


def _split(
    track: _Track, shared: dict[int, dict[int, int]], warnings: list[str]
) -> tuple[list[Address | None], Int64Array]:
    """Return the parts of a track (None: the whole), and the part of each message."""
    whole: list[Address | None] = [None]
    nothing = np.zeros(len(track.messages), dtype=np.int64)
    if len(track.played) < 2:
        return whole, nothing
    address = track.address.copy()
    prefixed = any(n.kind == CHANNEL_PREFIX for n in track.notices)
    for port in np.unique(track.port).tolist():
        mine = track.port == port
        of_port = track.messages.take(mine)
        zones = {**shared.get(port, {}), **configured_zones(of_port)}
        if zones:
            members = {c: manager_of(c, zones) for c in range(16)}
            to = np.array([c if members[c] is None else members[c] for c in range(16)])
            address[mine] = int(port) << 4 | to[track.channel[mine]]
        elif not prefixed and is_one_instrument(of_port):
            channels = np.unique(track.channel[mine & track.is_on]) + 1
            address[mine] = int(port) << 4 | int(channels[0]) - 1
            told = ", ".join(str(channel) for channel in channels)
            warnings.append(
                f"track {track.index}: its notes on channels {told} are taken for one instrument "
                "with a channel for each note (MPE), though nothing says so"
            )
    if len(np.unique(address[track.is_on])) < 2:
        return whole, nothing
    keys, own = np.unique(address, return_inverse=True)
    return [(k >> 4, k & 0x0F) for k in keys.tolist()], own.astype(np.int64)


class _Sounds:
    """What the parts of a file are played with."""

    def __init__(
        self, tracks: Sequence[_Track], notices: Sequence[Sequence[Notice]], *, together: bool
    ) -> None:
        self._programs = {t.index: program_events(t.messages, t.port) for t in tracks}
        self._set_up: dict[Address, list[ProgramEvent]] = {}
        self._own_system = {track: _system_events([of]) for track, of in enumerate(notices)}
        self._system = self._own_system
        played = {track.index: track.played for track in tracks}
        players = Counter(address for addresses in played.values() for address in addresses)
        self._played = {channel for _, channel in players}
        if not together:
            return
        self._set_up = set_up_programs(self._programs.values(), played.values(), players)
        self._system = dict.fromkeys(range(len(notices)), _system_events(notices))

    def of(self, track: _Track, of_part: npt.NDArray[np.bool_] | None) -> PartSounds:
        """Return what a part is played with; None: all of its track."""
        notes = track.is_on if of_part is None else track.is_on & of_part
        addresses = track.played if of_part is None else track.addresses(notes)
        if not addresses:
            return PartSounds((), None)
        own = self._programs[track.index]
        # A zone of MPE has one sound, its manager's or that of any of its voices.
        said = [p for a in addresses for p in (self._set_up.get(a), own.get(a)) if p]
        one = addresses[0] if len(addresses) == 1 else (addresses[0][0], _SEVERAL)
        return part_sounds(
            track.strokes(notes, with_offs=one[1] == DRUM_CHANNEL),
            one,
            sorted((event for p in said for event in p), key=lambda event: event.tick),
            self._system[track.index],
            self._own_system[track.index],
            self._played if len(addresses) == 1 else range(16),
        )


def _system_events(notices: Sequence[Sequence[Notice]]) -> list[SystemEvent]:
    events = []
    for of in notices:
        port = 0
        for notice in of:
            if _is_port(notice):
                port = notice.data[0] & 0x7F
            elif notice.kind == SYSEX:
                events.append(SystemEvent(notice.tick, port, notice.data))
    return sorted(events, key=lambda event: event.tick)


class _Names:
    """The names of one track, and which of them are those of one channel."""

    def __init__(self, track: _Track) -> None:
        self._all = texts(track.notices)
        self._common: list[TrackName] = []
        self._own: dict[Address, list[TrackName]] = {}
        events = track.messages.event_index
        prefix: tuple[int, int] | None = None  # event, channel
        port = 0
        loose: list[tuple[int, TrackName]] = []
        for n in track.notices:
            if _is_port(n):
                port = n.data[0] & 0x7F
            elif n.kind == CHANNEL_PREFIX and n.data and n.data[0] < 16:
                prefix = n.event_index, n.data[0]
            elif n.kind in NAMES and n.text:
                name = TrackName(n.kind, n.text, n.data)
                # A prefix holds until the next message or prefix.
                if prefix and not _between(events, prefix[0], n.event_index):
                    self._own.setdefault((port, prefix[1]), []).append(name)
                else:
                    loose.append((n.event_index, name))
        owned = _followed_by_their_channel(loose, track)
        for event, name in loose:
            if event in owned:
                self._own.setdefault(owned[event], []).append(name)
            else:
                self._common.append(name)

    def of(self, key: Address | None) -> tuple[list[TrackName], list[TrackName]]:
        """Return a part's own names, and those of its whole track."""
        if key is None:
            return self._all, []
        return self._own.get(key, []), self._common


def _between(events: Int64Array, first: int, last: int) -> bool:
    return bool(np.searchsorted(events, last) > np.searchsorted(events, first))


def _followed_by_their_channel(
    loose: Sequence[tuple[int, TrackName]], track: _Track
) -> dict[int, Address]:
    """Return names of which each stands right before the first message of a channel of its own.

    So it is where tracks were merged into one: every track's name precedes its messages. It is
    believed only where that happens to two names at least.
    """
    if len(loose) < 2:
        return {}
    addresses, first = np.unique(track.address, return_index=True)
    events = track.messages.event_index[first].tolist()
    begins = dict(zip(events, addresses.tolist(), strict=True))
    owned: dict[int, Address] = {}
    for number, (event, _) in enumerate(loose):
        following = loose[number + 1][0] if number + 1 < len(loose) else None
        at = int(np.searchsorted(track.messages.event_index, event))
        if at == len(track.messages):
            continue
        message = int(track.messages.event_index[at])
        if message in begins and (following is None or message < following):
            address = begins[message]
            owned[event] = (address >> 4, address & 0x0F)
    return owned if len(set(owned.values())) > 1 else {}
