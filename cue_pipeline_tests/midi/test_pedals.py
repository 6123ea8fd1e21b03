"""When notes cease to sound, by the MIDI specification and by a simulation in steps of time."""

import numpy as np
import pandas as pd
import pytest

from cue_pipeline.midi.pedals import sounding_ends


def _notes(*rows, part=1, channel=0):
    columns = ["note", "start_time", "duration"]
    return pd.DataFrame(rows, columns=columns).assign(midi_track_id=part, channel=channel)


def _controllers(*rows, part=1, channel=0):
    columns = ["cc_number", "cc_value", "time"]
    return pd.DataFrame(rows, columns=columns).assign(
        midi_track_id=part, channel=channel, event_index=range(len(rows))
    )


@pytest.mark.parametrize(
    ("notes", "controllers", "ends"),
    [
        # The damper holds what is released while it is down, and no more than to its release.
        ([(60, 0.0, 1.0), (62, 2.5, 1.0)], [(64, 127, 0.5), (64, 0, 2.0)], [2.0, 3.5]),
        ([(60, 0.0, 1.0)], [(64, 63, 0.5), (64, 0, 2.0)], [1.0]),
        ([(60, 0.0, 1.0)], [(64, 64, 1.0), (64, 0, 2.0)], [2.0]),
        ([(60, 0.0, 1.0)], [(64, 127, 0.5), (64, 0, 1.0)], [1.0]),
        # A half-way value in between is no release.
        ([(60, 0.0, 1.0)], [(64, 127, 0.5), (64, 80, 1.5), (64, 10, 3.0)], [3.0]),
        # Struck again: the string sounds anew.
        ([(60, 0.0, 0.5), (60, 1.0, 0.5)], [(64, 127, 0.0), (64, 0, 4.0)], [1.0, 4.0]),
        # Sostenuto holds only keys that were down as it went down.
        ([(60, 0.0, 1.0), (62, 0.6, 0.2)], [(66, 127, 0.5), (66, 0, 3.0)], [3.0, 0.8]),
        # … and hands over to the damper.
        ([(60, 0.0, 1.0)], [(66, 127, 0.5), (64, 127, 2.0), (66, 0, 3.0), (64, 0, 5.0)], [5.0]),
        # All notes off releases keys, which the damper holds; all sound off silences.
        ([(60, 0.0, 9.0)], [(123, 0, 2.0)], [2.0]),
        ([(60, 0.0, 9.0)], [(64, 127, 1.0), (123, 0, 2.0), (64, 0, 4.0)], [4.0]),
        ([(60, 0.0, 1.0)], [(64, 127, 0.5), (120, 0, 2.0), (64, 0, 4.0)], [2.0]),
        # Reset all controllers lifts the pedals.
        ([(60, 0.0, 1.0)], [(64, 127, 0.5), (121, 0, 2.0), (64, 0, 4.0)], [2.0]),
        # Never lifted: to the last message.
        ([(60, 0.0, 1.0), (72, 5.0, 1.0)], [(64, 127, 0.5)], [6.0, 6.0]),
        ([(60, 0.0, 1.0)], [(1, 127, 0.5)], [1.0]),
    ],
)
def test_a_note_sounds_as_long_as_key_and_pedals_hold_it(notes, controllers, ends):
    found = sounding_ends(_notes(*notes), _controllers(*controllers))
    np.testing.assert_allclose(found, ends)


def test_a_pedal_holds_notes_of_its_own_part_and_channel_only():
    notes = pd.concat([_notes((60, 0.0, 1.0)), _notes((60, 0.0, 1.0), part=2),
                       _notes((60, 0.0, 1.0), channel=3)])  # fmt: skip
    pedal = _controllers((64, 127, 0.5), (64, 0, 2.0))
    np.testing.assert_allclose(sounding_ends(notes, pedal), [2.0, 1.0, 1.0])
    np.testing.assert_allclose(sounding_ends(notes, pedal.iloc[:0]), [1.0, 1.0, 1.0])


@pytest.mark.parametrize("seed", range(20))
def test_no_note_ends_before_its_key_is_released_nor_in_the_order_of_rows(seed):
    rng = np.random.default_rng(seed)
    notes = _notes(*((int(p), s, d) for p, s, d in zip(
        rng.integers(60, 66, 40), rng.uniform(0, 20, 40), rng.uniform(0.1, 2, 40), strict=True
    )))  # fmt: skip
    times = np.sort(rng.uniform(0, 20, 30))
    pedals = _controllers(*(
        (int(c), int(v), t) for c, v, t in
        zip(rng.choice([64, 66], 30), rng.integers(0, 128, 30), times, strict=True)
    ))  # fmt: skip
    ends = sounding_ends(notes, pedals)
    assert (ends >= notes["start_time"] + notes["duration"] - 1e-12).all()
    shuffled = rng.permutation(40)
    np.testing.assert_allclose(sounding_ends(notes.iloc[shuffled], pedals), ends[shuffled])
    np.testing.assert_allclose(
        ends, [_by_time_steps(notes, pedals, i) for i in range(40)], atol=2e-3
    )


def _by_time_steps(notes, pedals, index):
    """Follow one note in steps of a millisecond, as a synthesiser would."""
    note = notes.iloc[index]
    released = note["start_time"] + note["duration"]
    again = notes[(notes["note"] == note["note"]) & (notes["start_time"] > note["start_time"])]
    struck = again["start_time"].min() if len(again) else np.inf
    last = max(pedals["time"].max(), (notes["start_time"] + notes["duration"]).max())
    damper = sostenuto = caught = False
    events = list(pedals[["time", "cc_number", "cc_value"]].itertuples(index=False))
    now = note["start_time"]
    damper_before = [e for e in events if e[1] == 64 and e[0] <= now]
    sostenuto_before = [e for e in events if e[1] == 66 and e[0] <= now]
    damper = bool(damper_before) and damper_before[-1][2] >= 64
    sostenuto = bool(sostenuto_before) and sostenuto_before[-1][2] >= 64
    coming = [e for e in events if e[0] > now]
    while True:
        while coming and coming[0][0] <= now:
            time, controller, value = coming.pop(0)
            if controller == 64:
                damper = value >= 64
            else:
                down = value >= 64
                caught = (caught or (down and not sostenuto and time < released)) and down
                sostenuto = down
        if now >= last or (now >= released and (now >= struck or not (damper or caught))):
            return max(released, min(now, last))
        now += 1e-3
