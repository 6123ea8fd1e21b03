"""A recording that wanders, from its files through the whole pipeline into an exported folder."""

import mido
import numpy as np
import pretty_midi
import pytest
import soundfile as sf

from cue_pipeline_tests.hearing.sounding import SR, phrase, tone
from cue_pipeline_tests.workspace import Workspace

SECONDS = 60.0
PARTS = {"Violins I": (1, 67), "Celli": (2, 45), "Piano": (3, 57)}
STEMS = {"Violins I": "1m01 VLN I_01", "Celli": "1m01 VCS_01", "Piano": "1m01 PNO_01"}


def wandered(seconds):
    """Return where players are: late, a little slow, and early and late by turns of a minute."""
    return seconds * 1.0005 + 0.4 + 0.035 * np.sin(2 * np.pi * seconds / 60.0)


def write(cue):
    """Write the score in even time, and stems that are played as the clock wanders."""
    score = mido.MidiFile(ticks_per_beat=480)  # 120 a minute: 960 ticks a second
    (cue / "MIDI").mkdir(parents=True)
    (cue / "PT" / "Audio Files").mkdir(parents=True)
    played = {}
    for channel, (name, (seed, low)) in enumerate(PARTS.items()):
        notes = phrase(seed, low=low, n=120, seconds=SECONDS)
        # On the ticks that the file can hold.
        notes = [(round(s * 960) / 960, round(d * 960) / 960, p, v) for s, d, p, v in notes]
        played[name] = notes
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        events = [(s, "note_on", p, v) for s, _, p, v in notes]
        events += [(s + d, "note_off", p, 0) for s, d, p, _ in notes]
        now = 0
        for at, kind, pitch, velocity in sorted(events, key=lambda e: (e[0], e[1] == "note_on")):
            tick = round(at * 960)
            track.append(
                mido.Message(kind, note=pitch, velocity=velocity, channel=channel, time=tick - now)
            )
            now = tick
        score.tracks.append(track)
        sound = tone([(float(wandered(s)), d, p, v) for s, d, p, v in notes])
        path = cue / "PT" / "Audio Files" / f"{STEMS[name]}.wav"
        sf.write(path, sound, SR, subtype="PCM_24")
    score.save(cue / "MIDI" / "1m01.mid")
    return played


@pytest.mark.slow
def test_exported_notes_are_within_25_ms_of_where_they_were_played(tmp_path):
    done = Workspace(tmp_path)
    played = write(done.base / "1m01 Wandering")
    done.run("process", str(done.base))
    done.run("export", "slakh", "set", "--license", "CC0-1.0")
    done.run("export", "verify", "set", "--against-tables")
    names = sorted(STEMS, key=STEMS.__getitem__)  # stems are in natural order of their names
    for i, name in enumerate(names):
        file = pretty_midi.PrettyMIDI(str(tmp_path / f"set/Track00001/MIDI/S0{i}.mid"))
        found = np.sort([note.start for part in file.instruments for note in part.notes])
        expected = np.sort([wandered(start) for start, _, _, _ in played[name]])
        assert len(found) == len(expected)
        assert np.abs(found - expected).max() < 0.025
