"""With which sounds a part's notes are played: programs, banks, and what says "drum kit".

Conventions
-----------
A sound is (program, bank MSB, bank LSB) as a program change latches them: a bank select alone
changes nothing. A part listens to the program changes of its own track, and to those that *set-up*
tracks send to its port and channel: tracks that have no notes there.

General MIDI's channel 10 is a drum kit until something says otherwise, and others are not:

==================== ==================================================================
GM 2                 bank MSB 120 a kit, 121 none, on any channel
XG                   bank MSB 127 or 126 a kit; after "XG System On" 0 or 64 none; SysEx
                     "part mode" (08 nn 07)
GS                   SysEx "use for rhythm part" (40 1n 15); MSB 126 and 127 are other
                     things there: MT-32 and CM-64 sounds
==================== ==================================================================

References
----------
MIDI Association: GM System Level 1 (RP-003), GM 2 (RP-024), RP-019 (program and device names).
Roland: SC-88 Pro owner's manual, MIDI implementation. Yamaha: XG specifications 1.26.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cue_pipeline.midi.events import Int64Array, Messages
from cue_pipeline.midi.kit_or_melody import (
    Strokes,
    names_drums,
    why_in_doubt,
    why_no_kit,
)

DRUM_CHANNEL: Final = 9
BY_CHANNEL: Final = "channel 10"
BY_CHANNEL_IN_DOUBT: Final = "channel 10, in doubt"
_BANK_MSB, _BANK_LSB = 0, 32
_GM2_DRUMS, _GM2_MELODY = 120, 121
_XG_DRUMS: Final = (126, 127)
_XG_MELODY: Final = (0, 64)

Address = tuple[int, int]
"""Port and channel."""

Sound = tuple[int | None, int | None, int | None]
"""Program, bank MSB, bank LSB; None: not said."""


@dataclass(frozen=True, slots=True)
class ProgramEvent:
    """A sound that is chosen at a tick."""

    tick: int
    sound: Sound


@dataclass(frozen=True, slots=True)
class SystemEvent:
    """A system exclusive message with its tick and port."""

    tick: int
    port: int
    data: bytes


@dataclass(frozen=True, slots=True)
class PartSounds:
    """What a part is played with.

    Attributes
    ----------
    sounds : tuple of (program, bank_msb, bank_lsb, n_notes)
        In the order of their first notes.
    drum_kit : str or None
        What says that its notes are strokes on a drum kit; None: they are pitches. It ends in
        ``in doubt`` where the notes may as well be a melody.
    doubt : str or None
        In words, where what is written and the notes disagree.
    """

    sounds: tuple[tuple[int | None, int | None, int | None, int], ...]
    drum_kit: str | None
    doubt: str | None = None


def program_events(m: Messages, port: npt.NDArray[np.uint8]) -> dict[Address, list[ProgramEvent]]:
    """Return the sounds that messages of one track choose, by port and channel, in order."""
    kind = m.status & 0xF0
    bank = (kind == 0xB0) & ((m.data1 == _BANK_MSB) | (m.data1 == _BANK_LSB))
    found: dict[Address, list[ProgramEvent]] = {}
    banks: dict[Address, list[int | None]] = {}
    for at in np.flatnonzero(bank | (kind == 0xC0)).tolist():
        address = int(port[at]), int(m.status[at]) & 0x0F
        held = banks.setdefault(address, [None, None])
        if kind[at] == 0xC0:
            sound = (int(m.data1[at]), held[0], held[1])
            found.setdefault(address, []).append(ProgramEvent(int(m.tick[at]), sound))
        else:
            held[0 if m.data1[at] == _BANK_MSB else 1] = int(m.data2[at])
    return found


def set_up_programs(
    tracks: Iterable[dict[Address, list[ProgramEvent]]],
    own: Iterable[Container[Address]],
    n_players: dict[Address, int],
) -> dict[Address, list[ProgramEvent]]:
    """Return what tracks choose for channels on which they have no notes themselves.

    Parameters
    ----------
    tracks : iterable of dict
        Of each track, from :func:`program_events`.
    own : sequence of collections of address
        Where each of these tracks has notes.
    n_players : dict of address to int
        How many parts with notes each address has.

    Notes
    -----
    An instrument that is silent in this cue is a track without notes too, and sequencers put many
    of them on channel 1. So two such tracks that disagree about a channel say nothing about it;
    nor does one that speaks of a single channel on which several parts play.
    """
    said: dict[Address, list[list[ProgramEvent]]] = {}
    for track, plays in zip(tracks, own, strict=True):
        for address, events in track.items():
            if address not in plays and (len(track) > 1 or n_players.get(address, 0) == 1):
                said.setdefault(address, []).append(events)
    return {
        address: voices[0]
        for address, voices in said.items()
        if all([e.sound for e in v] == [e.sound for e in voices[0]] for v in voices)
    }


@dataclass(slots=True)
class _Device:
    """What one port's synthesiser was told: its system, and which channels are rhythm parts."""

    system: str | None = None
    rhythm: dict[int, bool] = field(default_factory=dict)
    channel_of: dict[int, int] = field(default_factory=dict)

    def reset(self, system: str | None) -> None:
        self.system, self.rhythm, self.channel_of = system, {}, {}


def _told(events: Sequence[SystemEvent], until: int, port: int) -> _Device:
    """Return what a port's device was told up to a tick, that tick included."""
    device = _Device()
    ports = {event.port for event in events}
    for event in events:
        # Where all stands on one port, it was meant for whatever is there.
        if event.tick <= until and (event.port == port or len(ports) == 1):
            _tell(device, event.data)
    return device


def _tell(device: _Device, data: bytes) -> None:
    if len(data) >= 4 and data[0] == 0x7E and data[2] == 0x09:
        device.reset({1: "GM", 3: "GM 2"}.get(data[3]))
    elif len(data) >= 8 and data[0] == 0x41 and data[2:4] == b"\x42\x12":
        _tell_roland(device, data[4:7], data[7])
    elif len(data) >= 7 and data[0] == 0x43 and data[1] >> 4 == 1 and data[2] == 0x4C:
        _tell_yamaha(device, data[3:6], data[6])


def _tell_roland(device: _Device, address: bytes, value: int) -> None:
    if address in (b"\x40\x00\x7f", b"\x00\x00\x7f"):
        device.reset("GS")
    elif address[0] in (0x40, 0x50) and address[1] >> 4 == 1:
        # Blocks 1 to 9 are channels 1 to 9, 0 is channel 10, A to F are 11 to 16.
        block = address[1] & 0x0F
        usual = DRUM_CHANNEL if block == 0 else block - 1 if block < 10 else block
        if address[2] == 0x02:
            device.channel_of[block] = value
        elif address[2] == 0x15:
            device.rhythm[device.channel_of.get(block, usual)] = value > 0


def _tell_yamaha(device: _Device, address: bytes, value: int) -> None:
    if address == b"\x00\x00\x7e":
        device.reset("XG")
    elif address[0] == 0x08 and address[2] == 0x04:
        device.channel_of[address[1]] = value
    elif address[0] == 0x08 and address[2] == 0x07:
        device.rhythm[device.channel_of.get(address[1], address[1])] = value > 0


def part_sounds(
    strokes: Strokes,
    address: Address,
    programs: Sequence[ProgramEvent],
    system: Sequence[SystemEvent],
    own_system: Sequence[SystemEvent] = (),
    played: Container[int] = range(16),
) -> PartSounds:
    """Return what the notes of one address are played with.

    Parameters
    ----------
    strokes : Strokes
        The notes; their ends are asked for on channel 10 only.
    address : tuple of (int, int)
        Port and channel.
    programs : sequence of ProgramEvent
        Those that reach the part, in playing order.
    system : sequence of SystemEvent
        Of the whole file, in playing order.
    own_system : sequence of SystemEvent
        Those that stand in the part's own track.
    played : container of int
        Channels on which anything plays in the file.
    """
    tick = strokes.tick
    if not len(tick):
        return PartSounds((), None)
    counts = _counts(tick, programs)
    device = _told(system, int(tick[0]), address[0])
    most = max(counts, key=counts.__getitem__)
    kit, doubt = _kit(device, address[1], most), None
    strayed = [
        channel
        for channel, rhythm in _told(own_system, int(tick[0]), address[0]).rhythm.items()
        if rhythm and channel not in played
    ]
    if kit is None and strayed and address[1] not in device.rhythm:
        kit = f"SysEx ({device.system or 'rhythm part'})"
        doubt = (
            f"a SysEx in it makes channel {strayed[0] + 1} a rhythm part, on which nothing plays: "
            f"taken to mean the track's own channel {address[1] + 1}"
        )
    if kit == BY_CHANNEL:
        kit, doubt = _kit_by_channel(strokes)
    return PartSounds(tuple((*sound, n) for sound, n in counts.items()), kit, doubt)


def _counts(tick: Int64Array, programs: Sequence[ProgramEvent]) -> dict[Sound, int]:
    """Return how many notes are played with each sound, in the order of their first notes."""
    unsaid: Sound = (None, None, None)
    if not programs:
        return {unsaid: len(tick)}
    ticks = np.array([event.tick for event in programs], dtype=np.int64)
    chosen = np.searchsorted(ticks, tick, side="right") - 1
    counts: dict[Sound, int] = {}
    for at, n in enumerate(np.bincount(chosen + 1).tolist()):
        if n:
            sound = programs[at - 1].sound if at else unsaid
            counts[sound] = counts.get(sound, 0) + n
    return counts


def _kit_by_channel(strokes: Strokes) -> tuple[str | None, str | None]:
    """Return what says that notes on channel 10 are drums, where their own course leaves it so."""
    if why := why_no_kit(strokes):
        return None, f"its notes on channel 10 {why}: taken for pitches, not for drums"
    if why := why_in_doubt(strokes):
        return BY_CHANNEL_IN_DOUBT, f"its notes on channel 10 {why}: taken for drums, in doubt"
    return BY_CHANNEL, None


def undoubted(played: PartSounds, names: Iterable[str]) -> PartSounds:
    """Return the sounds of a kit in doubt, of which the doubt is gone where a name says drums."""
    if not names_drums(names):
        return played
    return replace(played, drum_kit=BY_CHANNEL, doubt=None)


def _kit(device: _Device, channel: int, sound: Sound) -> str | None:
    """Return what says that a sound is a drum kit."""
    if channel in device.rhythm:
        return f"SysEx ({device.system or 'rhythm part'})" if device.rhythm[channel] else None
    msb = sound[1]
    if msb == _GM2_DRUMS:
        return "bank 120 (GM 2)"
    if msb == _GM2_MELODY:
        return None
    if msb in _XG_DRUMS and device.system != "GS":
        return f"bank {msb} (XG)"
    if channel != DRUM_CHANNEL or (device.system == "XG" and msb in _XG_MELODY):
        return None
    return BY_CHANNEL
