"""A cue's MIDI file, rebuilt from nothing but the tables, and written by another program."""

import io

import mido

from cue_pipeline_tests.midi.smf import rows


def channel_messages(tables):
    """Every channel voice message as (track index, tick, status, data1, data2), in file order."""
    track_index = dict(rows(tables["midi_tracks"], "id", "track_index"))
    found = []  # (track index, event index, tick, status, data1, data2)
    for track_id, strays in rows(tables["midi_tracks"], "id", "stray_note_offs"):
        for event, tick, channel, note, velocity in strays:
            found.append((track_id, event, tick, *_note_off(channel, note, velocity)))
    for note in rows(
        tables["midi_notes"], "midi_track_id", "event_index", "start_tick", "channel", "note",
        "velocity", "end_event_index", "end_tick", "release_velocity",
    ):  # fmt: skip
        track_id, event, start, channel, pitch, velocity, end_event, end, release = note
        found.append((track_id, event, start, 0x90 | channel, pitch, velocity))
        if end_event is not None:
            found.append((track_id, end_event, end, *_note_off(channel, pitch, release)))
    at = ("midi_track_id", "event_index", "tick", "channel")
    for *key, channel, number, value in rows(tables["midi_cc"], *at, "cc_number", "cc_value"):
        found.append((*key, 0xB0 | channel, number, value))
    for *key, channel, program in rows(tables["midi_program_changes"], *at, "program"):
        found.append((*key, 0xC0 | channel, program, 0))
    for *key, channel, value in rows(tables["midi_pitch_bends"], *at, "value"):
        found.append((*key, 0xE0 | channel, value + 8192 & 0x7F, value + 8192 >> 7))
    for *key, channel, note, value in rows(tables["midi_aftertouch"], *at, "note", "value"):
        pressed = (0xD0 | channel, value, 0) if note is None else (0xA0 | channel, note, value)
        found.append((*key, *pressed))
    found = sorted((track_index[track_id], event, *rest) for track_id, event, *rest in found)
    return [(track, *rest) for track, _, *rest in found]


def _note_off(channel, note, velocity):
    return (0x90 | channel, note, 0) if velocity is None else (0x80 | channel, note, velocity)


def rebuilt_file(tables):
    """Bytes of a file of format 1: the tracks at their places, tempo and meter on the first."""
    (row,) = tables["midi_files"].to_dict("records")
    messages = channel_messages(tables)
    last = max([track for track, *_ in messages], default=0)
    timed = [[] for _ in range(last + 1)]  # (tick, order, message)
    for track, tick, status, data1, data2 in messages:
        one = status & 0xE0 == 0xC0
        octets = [status, data1] if one else [status, data1, data2]
        timed[track].append((tick, 1, mido.Message.from_bytes(octets)))
    for _, tick, micros in row["tempo_map"]:
        timed[0].append((tick, 0, mido.MetaMessage("set_tempo", tempo=micros)))
    for _, tick, numerator, denominator in row["time_signature_map"]:
        meter = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
        timed[0].append((tick, 0, meter))
    for _, tick, text in row["markers"]:
        timed[0].append((tick, 0, mido.MetaMessage("marker", text=text)))
    names = dict(rows(tables["midi_tracks"], "track_index", "track_name"))
    file = mido.MidiFile(type=1, ticks_per_beat=row["ticks_per_beat"], charset="utf-8")
    for index, events in enumerate(timed):
        written = [mido.MetaMessage("track_name", name=names.get(index, ""))]
        now = 0
        for tick, _, event in sorted(events, key=lambda e: e[:2]):
            written.append(event.copy(time=tick - now))
            now = tick
        file.tracks.append(mido.MidiTrack(written))
    stream = io.BytesIO()
    file.save(file=stream)
    return stream.getvalue()
