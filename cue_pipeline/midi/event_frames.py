"""Columns of notes, controllers, programs, bends and aftertouch, from a file's messages.

Conventions
-----------
``event_index`` is the place of a message among all events of its track, of whichever part, so that
the tables of a track, merged by it, give back the track's messages in their order. A note is two
messages: the second one's place is ``end_event_index``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cue_pipeline.midi.events import Messages
from cue_pipeline.midi.notes import OVERLAPS, UNTERMINATED, ZERO_LENGTH, NotePairs, pair_notes
from cue_pipeline.midi.reader import MidiFile
from cue_pipeline.midi.timing import (
    Float64Array,
    Int64Array,
    ticks_to_bars_beats,
    ticks_to_seconds,
)

if TYPE_CHECKING:
    from pandas import DataFrame
    from pandas.arrays import IntegerArray

NOTE_OFF, NOTE_ON, POLY_PRESSURE, CONTROL = 0x80, 0x90, 0xA0, 0xB0
PROGRAM, CHANNEL_PRESSURE, BEND = 0xC0, 0xD0, 0xE0
_BANK_MSB, _BANK_LSB = 0, 32


@dataclass(frozen=True, slots=True)
class PlacedMessages:
    """Messages with their places in time.

    Attributes
    ----------
    messages : Messages
    part : np.ndarray, shape=(n_messages,), dtype=int64
        Position of each message's part among those of the file.
    lane : np.ndarray, shape=(n_messages,)
        A number for each track and port, of which a note-off ends notes only.
    kind : np.ndarray, shape=(n_messages,), dtype=uint8
        Status without channel.
    time, beat : np.ndarray, shape=(n_messages,), dtype=float64
    bar : np.ndarray, shape=(n_messages,), dtype=int64
    end_tick, end_time : np.ndarray, shape=(n_tracks,)
        End of each track of the file.
    """

    messages: Messages
    part: Int64Array
    lane: npt.NDArray[Any]
    kind: npt.NDArray[np.uint8]
    time: Float64Array
    bar: Int64Array
    beat: Float64Array
    end_tick: Int64Array
    end_time: Float64Array


def place_messages(file: MidiFile, chosen: npt.NDArray[np.bool_]) -> PlacedMessages:
    """Return messages of a file, by a mask, with seconds, bars and beats by their own clock."""
    every = chosen.all()  # copied for nothing
    messages = file.messages if every else file.messages.take(chosen)
    time, beat = np.empty(len(messages)), np.empty(len(messages))
    bar = np.empty(len(messages), dtype=np.int64)
    end_tick = np.array([track.end_tick for track in file.tracks], dtype=np.int64)
    end_time = np.empty(len(file.tracks))
    for number, clock in enumerate(file.sequences):
        mine: slice | npt.NDArray[np.bool_] = slice(None)
        tracks = slice(None)
        if len(file.sequences) > 1:
            mine, tracks = messages.track == number, slice(number, number + 1)
        tick = messages.tick[mine]
        time[mine] = ticks_to_seconds(tick, clock.tempo_map, file.ticks_per_beat)
        bar[mine], beat[mine] = ticks_to_bars_beats(
            tick, clock.time_signature_map, file.ticks_per_beat
        )
        end_time[tracks] = ticks_to_seconds(end_tick[tracks], clock.tempo_map, file.ticks_per_beat)
    kind = np.bitwise_and(messages.status, 0xF0, dtype=np.uint8)
    part, lane = file.parts.of_message, file.parts.lane
    if not every:
        part, lane = part[chosen], lane[chosen]
    return PlacedMessages(messages, part, lane, kind, time, bar, beat, end_tick, end_time)


def pair(placed: PlacedMessages) -> tuple[Int64Array, NotePairs]:
    """Return which messages are note-ons and note-offs, and how these pair."""
    note_messages = np.flatnonzero(placed.kind <= NOTE_ON)
    m = placed.messages.take(note_messages)
    is_on = (m.status >= NOTE_ON) & (m.data2 > 0)
    channel_and_pitch = np.left_shift(m.status & 0x0F, 8, dtype=np.uint16) | m.data1
    return note_messages, pair_notes(placed.lane[note_messages], channel_and_pitch, is_on, m.tick)


def note_frame(
    placed: PlacedMessages, note_messages: Int64Array, pairs: NotePairs, part_ids: Int64Array
) -> "DataFrame":
    """Return ``midi_notes``; ``part_ids`` has an id for each part of the file."""
    import pandas as pd

    m = placed.messages
    on, terminated = note_messages[pairs.on], pairs.off >= 0
    off = note_messages[np.where(terminated, pairs.off, pairs.on)]
    track = m.track[on]
    start_tick = m.tick[on]
    end_tick = np.where(terminated, m.tick[off], placed.end_tick[track])
    end_time = np.where(terminated, placed.time[off], placed.end_time[track])
    has_release = terminated & (placed.kind[off] == NOTE_OFF)
    flags = (
        np.where(terminated, 0, UNTERMINATED)
        | np.where(pairs.overlaps, OVERLAPS, 0)
        | np.where(end_tick == start_tick, ZERO_LENGTH, 0)
    )
    return pd.DataFrame(
        {
            "midi_track_id": part_ids[placed.part[on]],
            "event_index": m.event_index[on],
            "channel": _channel(m.status[on]),
            "note": m.data1[on].astype(np.int64),
            "velocity": m.data2[on].astype(np.int64),
            "release_velocity": _nullable(m.data2[off], ~has_release),
            "start_tick": start_tick,
            "end_tick": end_tick,
            "start_time": placed.time[on],
            "duration": end_time - placed.time[on],
            "bar": placed.bar[on],
            "beat": placed.beat[on],
            "flags": flags.astype(np.int64),
            "end_event_index": _nullable(m.event_index[off], ~terminated),
        }
    )


def stray_note_offs(
    placed: PlacedMessages, note_messages: Int64Array, pairs: NotePairs
) -> dict[int, list[list[Any]]]:
    """Return note-offs that end nothing, by part.

    Returns
    -------
    dict of int to list of [event_index, tick, channel, note, release_velocity]
        ``release_velocity`` is None where it was a note-on of velocity 0.
    """
    at = note_messages[pairs.stray]
    m = placed.messages.take(at)
    velocity = [
        int(value) if kind == NOTE_OFF else None
        for value, kind in zip(m.data2, placed.kind[at], strict=True)
    ]
    strays: dict[int, list[list[Any]]] = {}
    for part, *entry in zip(
        placed.part[at].tolist(),
        m.event_index.tolist(),
        m.tick.tolist(),
        _channel(m.status).tolist(),
        m.data1.tolist(),
        velocity,
        strict=True,
    ):
        strays.setdefault(part, []).append(entry)
    return strays


def event_frames(placed: PlacedMessages, part_ids: Int64Array) -> "dict[str, DataFrame]":
    """Return the tables of all messages but notes."""
    m, kind = placed.messages, placed.kind
    control, program, bend = (np.flatnonzero(kind == k) for k in (CONTROL, PROGRAM, BEND))
    touch = np.flatnonzero((kind == POLY_PRESSURE) | (kind == CHANNEL_PRESSURE))
    per_note = kind[touch] == POLY_PRESSURE
    msb, lsb = (_last_before(placed, program, control, number) for number in (_BANK_MSB, _BANK_LSB))
    data1, data2 = m.data1.astype(np.int64), m.data2.astype(np.int64)
    return {
        "midi_cc": _frame(
            placed, control, part_ids, cc_number=data1[control], cc_value=data2[control]
        ),
        "midi_program_changes": _frame(
            placed, program, part_ids, program=data1[program], bank_msb=msb, bank_lsb=lsb
        ),
        "midi_pitch_bends": _frame(
            placed, bend, part_ids, value=(data2[bend] << 7 | data1[bend]) - 8192
        ),
        "midi_aftertouch": _frame(
            placed,
            touch,
            part_ids,
            note=_nullable(m.data1[touch], ~per_note),
            value=np.where(per_note, data2[touch], data1[touch]),
        ),
    }


def _frame(placed: PlacedMessages, at: Int64Array, part_ids: Int64Array, **own: Any) -> "DataFrame":
    import pandas as pd

    m = placed.messages
    return pd.DataFrame(
        {
            "midi_track_id": part_ids[placed.part[at]],
            "event_index": m.event_index[at],
            "channel": _channel(m.status[at]),
            **own,
            "tick": m.tick[at],
            "time": placed.time[at],
            "bar": placed.bar[at],
            "beat": placed.beat[at],
        },
        copy=False,
    )


def _channel(status: npt.NDArray[np.uint8]) -> Int64Array:
    return (status & 0x0F).astype(np.int64)


def _nullable(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> "IntegerArray":
    from pandas.arrays import IntegerArray

    return IntegerArray(values.astype(np.int64), missing)


def _last_before(
    placed: PlacedMessages, program: Int64Array, control: Int64Array, number: int
) -> "IntegerArray":
    """Return a controller's last value on port and channel before each program change."""
    m = placed.messages
    banks = control[m.data1[control] == number]
    if not len(banks) or not len(program):
        return _nullable(np.zeros(len(program), dtype=np.int64), np.ones(len(program), dtype=bool))

    def key(at: Int64Array) -> Int64Array:
        return (placed.lane[at].astype(np.int64) << 4 | _channel(m.status[at])) * len(m) + at

    by_key = np.sort(key(banks))
    found = np.searchsorted(by_key, key(program)) - 1
    at = by_key[np.maximum(found, 0)]
    missing = (found < 0) | (at // len(m) != key(program) // len(m))
    return _nullable(m.data2[at % len(m)], missing)
