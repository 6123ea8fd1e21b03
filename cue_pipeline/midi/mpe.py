"""MIDI Polyphonic Expression: one instrument that takes a channel for every note.

References
----------
MIDI Association, M1-100-UM: MIDI Polyphonic Expression (MPE), version 1.1. The lower zone has its
manager on channel 1 and members from channel 2 upwards, the upper zone on 16 and from 15 downwards;
the MPE Configuration Message, RPN 6 on the manager, says how many.
"""

from typing import Final

import numpy as np

from cue_pipeline.midi.events import Messages

_LOWER, _UPPER = 0, 15
_DATA_ENTRY, _NRPN_LSB, _NRPN_MSB, _RPN_LSB, _RPN_MSB = 6, 98, 99, 100, 101
_RPN_CONTROLS: Final = (_DATA_ENTRY, _NRPN_LSB, _NRPN_MSB, _RPN_LSB, _RPN_MSB)
_CONFIGURATION: Final = (0, 6)
_TIMBRE, _MONO_ON = 74, 126
_LEAST_CHANNELS: Final = 3
_LEAST_NOTES: Final = 6
# Shares of notes: that begin when their channel is free, and that bring a bend or pressure along.
_ALONE: Final = 0.95
_EXPRESSIVE: Final = 0.5
# Of the variance of pitch, what the channels explain: parts lie in registers, notes of one
# instrument fall on channels by turns.
_REGISTERS: Final = 0.35


def configured_zones(m: Messages) -> dict[int, int]:
    """Return the zones that RPN 6 sets up: manager channel → how many members, the last word.

    Parameters
    ----------
    m : Messages
        Of one port, in playing order.
    """
    channel = m.status & 0x0F
    control = (m.status & 0xF0) == 0xB0
    asked = control & np.isin(m.data1, _RPN_CONTROLS) & np.isin(channel, (_LOWER, _UPPER))
    zones: dict[int, int] = {}
    chosen: dict[int, list[int | None]] = {_LOWER: [None, None], _UPPER: [None, None]}
    for at in np.flatnonzero(asked).tolist():
        of, number, value = int(channel[at]), int(m.data1[at]), int(m.data2[at])
        if number == _RPN_MSB:
            chosen[of][0] = value
        elif number == _RPN_LSB:
            chosen[of][1] = value
        elif number in (_NRPN_LSB, _NRPN_MSB):
            chosen[of] = [None, None]
        elif tuple(chosen[of]) == _CONFIGURATION:
            zones[of] = min(value, 15)
    return {manager: members for manager, members in zones.items() if members}


def manager_of(channel: int, zones: dict[int, int]) -> int | None:
    """Return the manager of the zone that a channel is in, None: in none."""
    if _LOWER in zones and channel <= zones[_LOWER]:
        return _LOWER
    if _UPPER in zones and channel >= _UPPER - zones[_UPPER]:
        return _UPPER
    return None


def is_one_instrument(m: Messages) -> bool:
    """Return whether a track's channels are voices of one instrument, though nothing says so.

    That is so where each note has a channel to itself and brings its bend or pressure along, the
    channels have no programs of their own, and a channel tells nothing about the register; or
    where the channels were set to mono mode, as guitars with a string per channel do.

    Parameters
    ----------
    m : Messages
        Of one track and port, in file order.
    """
    kind, channel = m.status & 0xF0, m.status & 0x0F
    on = (kind == 0x90) & (m.data2 > 0)
    channels = np.unique(channel[on])
    if len(channels) < _LEAST_CHANNELS or _have_programs(m, channels):
        return False
    mono = np.unique(channel[(kind == 0xB0) & (m.data1 == _MONO_ON)])
    if np.isin(channels, mono).all():
        return True
    if on.sum() < _LEAST_NOTES:
        return False
    begun, alone, expressive = 0, 0, 0
    for one in channels.tolist():
        n, free, moved = _voice(m, kind, channel == one)
        begun, alone, expressive = begun + n, alone + free, expressive + moved
    return (
        alone >= _ALONE * begun
        and expressive >= _EXPRESSIVE * begun
        and _explained(channel[on], m.data1[on]) <= _REGISTERS
    )


def _have_programs(m: Messages, channels: "np.ndarray") -> bool:
    """Return whether some channels were given sounds that others were not."""
    channel, program = m.status & 0x0F, (m.status & 0xF0) == 0xC0
    chosen = {int(c): set(m.data1[program & (channel == c)].tolist()) for c in channels}
    return len({tuple(sorted(programs)) for programs in chosen.values() if programs}) > 1


def _voice(m: Messages, kind: "np.ndarray", mine: "np.ndarray") -> tuple[int, int, int]:
    """Return the notes of a channel, those that begin when it is free, those that are shaped."""
    sounding: set[int] = set()
    moved, n, free, shaped = False, 0, 0, 0
    waiting = False
    for at in np.flatnonzero(mine).tolist():
        status, data1, data2 = int(kind[at]), int(m.data1[at]), int(m.data2[at])
        if status == 0x90 and data2:
            n += 1
            free += not sounding
            sounding.add(data1)
            shaped += moved
            waiting, moved = not moved, False
        elif status <= 0x90:
            sounding.discard(data1)
        elif status in (0xD0, 0xE0) or (status == 0xB0 and data1 == _TIMBRE):
            shaped += waiting
            # What comes while a note sounds is that note's; else it prepares the next.
            waiting, moved = False, not sounding
    return n, free, shaped


def _explained(channel: "np.ndarray", pitch: "np.ndarray") -> float:
    """Return the share of the variance of pitch that lies between channels."""
    pitch = pitch.astype(np.float64)
    total = float(((pitch - pitch.mean()) ** 2).sum())
    if total == 0.0:
        return 0.0
    between = sum(
        float((channel == c).sum()) * float(pitch[channel == c].mean() - pitch.mean()) ** 2
        for c in np.unique(channel)
    )
    n, k = len(pitch), len(np.unique(channel))
    # Even by chance a little is explained: (k - 1) / (n - 1) on average.
    chance = (k - 1) / max(n - 1, 1)
    return max(0.0, (between / total - chance) / max(1.0 - chance, 1e-9))
