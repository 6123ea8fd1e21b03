"""A sequence as the bytes of a Standard MIDI File."""

import io
from collections.abc import Iterable, Iterator

import mido

from cue_pipeline.demo.composition import (
    Part,
    Sequence,
    Timeline,
    microseconds_per_quarter,
    sampled,
)

# Within one tick: what names and sets up first, ends before beginnings.
_META, _PROGRAM, _CONTROL, _NOTE_OFF, _NOTE_ON, _AFTER = range(6)

_Event = tuple[float, int, mido.Message | mido.MetaMessage]


def midi_file_bytes(sequence: Sequence, timeline: Timeline) -> bytes:
    """Return a format 1 file: the conductor's track first, then one track a part."""
    midi = mido.MidiFile(type=1, ticks_per_beat=sequence.ticks_per_beat, charset="utf-8")
    midi.tracks.append(
        _track(sequence.conductor, _conductor_events(timeline), sequence.ticks_per_beat)
    )
    for part in sequence.parts:
        midi.tracks.append(_track(part.name, _part_events(part), sequence.ticks_per_beat))
    out = io.BytesIO()
    midi.save(file=out)
    return out.getvalue()


def _track(name: str, events: Iterable[_Event], ticks_per_beat: int) -> mido.MidiTrack:
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    now = 0
    placed = [(round(position * ticks_per_beat), rank, msg) for position, rank, msg in events]
    for tick, _, message in sorted(placed, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track"))
    return track


def _conductor_events(timeline: Timeline) -> Iterator[_Event]:
    for position, numerator, denominator in timeline.meters:
        yield (
            position,
            _META,
            mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator),
        )
    for position, key in timeline.keys:
        yield position, _META, mido.MetaMessage("key_signature", key=key)
    for position, bpm in timeline.tempo:
        tempo = microseconds_per_quarter(bpm)
        yield position, _META, mido.MetaMessage("set_tempo", tempo=tempo)
    for position, text in timeline.markers:
        yield position, _META, mido.MetaMessage("marker", text=text)


def _part_events(part: Part) -> Iterator[_Event]:
    channel = part.channel
    for position, text in part.texts:
        yield position, _META, mido.MetaMessage("text", text=text)
    for position, program in part.programs:
        yield (
            position,
            _PROGRAM,
            mido.Message("program_change", channel=channel, program=program),
        )
    for number, curve in part.controls.items():
        for position, value in sampled(curve):
            yield (
                position,
                _CONTROL,
                mido.Message("control_change", channel=channel, control=number, value=value),
            )
    for position, value in sampled(part.bends):
        yield position, _CONTROL, mido.Message("pitchwheel", channel=channel, pitch=value)
    for position, value in sampled(part.pressure):
        yield position, _AFTER, mido.Message("aftertouch", channel=channel, value=value)
    for position, pitch, value in part.key_pressure:
        yield (
            position,
            _AFTER,
            mido.Message("polytouch", channel=channel, note=pitch, value=value),
        )
    for note in part.notes:
        yield (
            note.start,
            _NOTE_ON,
            mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity),
        )
        yield (
            note.start + note.length,
            _NOTE_OFF,
            mido.Message("note_off", channel=channel, note=note.pitch, velocity=64),
        )
