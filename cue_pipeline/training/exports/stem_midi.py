"""MIDI files on a recording's clock: notes and controllers at the seconds at which they are heard.

The tempo is even, 120 quarter notes a minute of 1,000 ticks: a tick is half a millisecond, and
second and tick mean the same whatever reads the file. The composer's bars are not in it: the
recording keeps them only as far as its players did.

Notes end with their keys, and pedals are in the file as what they are, controllers 64 and 66: so
readers that sustain notes by them, and those that leave it, both read what was played.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.training.exports.general_midi import DRUM_CHANNEL, is_drum, program_of

if TYPE_CHECKING:
    import mido
    import pandas as pd

    from cue_pipeline.training.exports.cue_content import CueContent

TICKS_PER_QUARTER: Final = 1_000
TICKS_PER_SECOND: Final = 2 * TICKS_PER_QUARTER
_MICROSECONDS_PER_QUARTER: Final = 500_000

# At one moment: what shapes a note comes before it, and notes end before others begin.
_STATE, _OFF, _ON = 0, 1, 2
_ALL_KEYS: Final = -1  # pressure of the whole channel

Message = tuple[int, int, Any]
"""Tick, order at that tick, and mido's message."""


def parts_of(content: CueContent, stem: str | None) -> list[mido.MidiTrack]:
    """Return a MIDI track for each part that is heard in a stem, named and ordered as in the score.

    Parameters
    ----------
    content : CueContent
    stem : str or None
        Its name; None: all stems, what is heard in several of them once.
    """
    notes = _of_stem(content.notes, stem)
    rows = content.tracks.set_index("id", drop=False)
    events = {
        table: _of_stem(content.events(table), stem)
        for table in ("midi_cc", "midi_pitch_bends", "midi_aftertouch")
    }
    parts = []
    for track_id in [i for i in content.tracks["id"] if i in set(notes["midi_track_id"])]:
        row = rows.loc[track_id]
        drums = is_drum(row["instrument_category"], row["drum_kit"])
        own = {name: e[e["midi_track_id"] == track_id] for name, e in events.items()}
        messages = _notes(notes[notes["midi_track_id"] == track_id], drums)
        messages += _controllers(own, drums)
        parts.append(
            _track(str(row["track_name"] or ""), row["instrument_category"], drums, messages)
        )
    return parts


def _of_stem(frame: pd.DataFrame, stem: str | None) -> pd.DataFrame:
    if stem is None:
        return frame.drop_duplicates(["midi_track_id", "event_index"])
    return frame[frame["stem"] == stem]


def write_file(path: Path, parts: list[mido.MidiTrack], seconds: float) -> None:
    """Write a file of type 1: the tempo, then the parts; it ends with the recording."""
    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    tempo = mido.MidiTrack()
    tempo.append(mido.MetaMessage("set_tempo", tempo=_MICROSECONDS_PER_QUARTER, time=0))
    tempo.append(mido.MetaMessage("end_of_track", time=_tick(seconds)))
    file.tracks.append(tempo)
    file.tracks.extend(parts)
    file.save(path)


def read_notes(path: Path) -> list[tuple[float, float, int, int]]:
    """Return start, end, pitch and velocity of each note of a file of :func:`write_file`."""
    import mido

    found = []
    for track in mido.MidiFile(path, charset="utf-8").tracks:
        now = 0
        open_notes: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity > 0:
                key = message.channel, message.note
                open_notes.setdefault(key, []).append((now, message.velocity))
            elif message.type in ("note_off", "note_on"):
                start, velocity = open_notes[message.channel, message.note].pop(0)
                found.append((start, now, message.note, velocity))
    return sorted(
        (start / TICKS_PER_SECOND, end / TICKS_PER_SECOND, note, velocity)
        for start, end, note, velocity in found
    )


def _tick(seconds: float) -> int:
    return round(seconds * TICKS_PER_SECOND)


def _channel(channel: int, drums: bool) -> int:
    """Return the channel on which a part is read as what it is."""
    if drums:
        return DRUM_CHANNEL
    return 0 if channel == DRUM_CHANNEL else channel


def _notes(notes: pd.DataFrame, drums: bool) -> list[Message]:
    import mido

    found: list[Message] = []
    for channel, note, velocity, begin, end in _rows(
        notes, "channel", "note", "velocity", "start", "end"
    ):
        on, off = _tick(begin), _tick(end)
        how = {"channel": _channel(channel, drums), "note": note}
        found.append((on, _ON, mido.Message("note_on", velocity=max(1, velocity), **how)))
        # None is so short that its end comes before its beginning.
        found.append((max(on + 1, off), _OFF, mido.Message("note_off", velocity=0, **how)))
    return found


def _controllers(events: dict[str, pd.DataFrame], drums: bool) -> list[Message]:
    import mido

    found: list[tuple[float, Any]] = []
    for seconds, channel, control, value in _rows(
        events["midi_cc"], "seconds", "channel", "cc_number", "cc_value"
    ):
        how = {"channel": _channel(channel, drums), "value": value}
        found.append((seconds, mido.Message("control_change", control=control, **how)))
    for seconds, channel, value in _rows(events["midi_pitch_bends"], "seconds", "channel", "value"):
        bend = mido.Message("pitchwheel", channel=_channel(channel, drums), pitch=value)
        found.append((seconds, bend))
    touches = events["midi_aftertouch"]
    keys = touches["note"].fillna(_ALL_KEYS).tolist()
    for (seconds, channel, value), key in zip(
        _rows(touches, "seconds", "channel", "value"), keys, strict=True
    ):
        how = {"channel": _channel(channel, drums), "value": value}
        one = mido.Message("aftertouch", **how) if key == _ALL_KEYS else None
        found.append((seconds, one or mido.Message("polytouch", note=int(key), **how)))
    return [(_tick(seconds), _STATE, message) for seconds, message in found]


def _rows(frame: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[name].tolist() for name in names), strict=True)


def _track(
    name: str, category: str | None, drums: bool, messages: list[Message]
) -> mido.MidiTrack:  # fmt: skip
    import mido

    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=name, time=0))
    channels = sorted({m.channel for _, order, m in messages if order == _ON})
    program = 0 if drums else program_of(category)[0]
    for channel in channels:
        track.append(mido.Message("program_change", channel=channel, program=program, time=0))
    now = 0
    for tick, _, message in sorted(messages, key=lambda m: m[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=0))
    return track
