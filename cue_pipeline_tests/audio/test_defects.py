"""Clicks, dropouts and hum: made ones are found where they are, and clean sound has none."""

import numpy as np
import pytest

from cue_pipeline.audio.features.kind import Grid
from cue_pipeline.audio.features.shipped import load_shipped

RATE = 48_000
GRID = Grid(RATE, 512, 2_048)


def heard(*channels, block=131_072):
    """Return the frames, the summary and the warnings of some channels."""
    y = np.stack(channels).astype(np.float32)
    stream = load_shipped("defects").make(GRID, ("L", "R", "C")[: len(y)])
    for first in range(0, y.shape[1], block):
        list(stream.feed(y[:, first : first + block]))
    (frames,) = stream.finish()
    return frames, stream.summary(), stream.warnings()


def notes(seconds=8.0, seed=0):
    """Struck notes with an attack of 3 ms and overtones, over a faint hiss."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(RATE * seconds)) / RATE
    y = 1e-4 * rng.standard_normal(t.size)
    for begin in np.arange(0.1, seconds - 0.5, 0.25):
        at = t[: round(RATE * 0.5)]
        hz = 440.0 * 2.0 ** (rng.integers(-36, 24) / 12.0)
        tone = sum(np.sin(2 * np.pi * hz * k * at) / k**2 for k in range(1, 6) if hz * k < 20_000)
        shaped = 0.2 * tone * np.minimum(at / 0.003, 1.0) * np.exp(-6.0 * at)
        shaped *= np.minimum((at[-1] - at) / 0.02, 1.0)
        first = round(begin * RATE)
        y[first : first + at.size] += shaped
    return y


def drums(seconds=8.0, seed=1):
    """Bursts of noise that begin at once and die away, and low booms."""
    rng = np.random.default_rng(seed)
    y = np.zeros(round(RATE * seconds))
    for begin in np.arange(0.1, seconds - 0.5, 0.2):
        at = np.arange(RATE // 5) / RATE
        decay = np.exp(-at / rng.uniform(0.01, 0.08))
        first = round(begin * RATE)
        boom = np.sin(2 * np.pi * 60.0 * at) * np.exp(-10.0 * at)
        y[first : first + at.size] += 0.2 * decay * rng.standard_normal(at.size) + 0.3 * boom
    return y


def square(hz, seconds=4.0):
    return 0.3 * np.sign(np.sin(2 * np.pi * hz * np.arange(round(RATE * seconds)) / RATE + 0.1))


def pedal(seconds=24.0):
    """A low G, 49 Hz, held throughout, with overtones."""
    t = np.arange(round(RATE * seconds)) / RATE
    return sum(0.1 / k * np.sin(2 * np.pi * 48.999 * k * t) for k in (1, 2, 3))


@pytest.mark.parametrize(
    "clean",
    [notes(), notes(20.0, 3), drums(), square(30.0), square(220.0), pedal(), np.zeros(RATE * 13),
     0.1 * np.random.default_rng(2).standard_normal(RATE * 14)],
    ids=["notes", "more notes", "drums", "low square", "square", "low G", "silence", "noise"],
)  # fmt: skip
def test_clean_sound_has_no_defects(clean):
    frames, _, told = heard(clean)
    assert told == []
    assert not frames.any()
    assert len(frames) == -(-clean.size // RATE)


@pytest.mark.parametrize("block", [131_072, 4_000])
def test_clicks_are_found_where_they_are_in_their_channel(block):
    clean, faulty = notes(), notes()
    for at, jump in ((1.234, 0.2), (3.0, -0.1), (6.72, 0.05)):
        faulty[round(at * RATE)] += jump
    frames, summary, told = heard(clean, faulty, block=block)
    assert frames[:, 0].tolist() == [0, 1, 0, 1, 0, 0, 1, 0]
    assert (summary["L"]["clicks"], summary["R"]["clicks"]) == (0, 3)
    assert told == ["channel R: 3 clicks, the first at 1.234 s."]


def test_an_edit_without_a_fade_is_a_click():
    y = notes()
    y[2 * RATE :] += 0.1 * np.exp(-np.arange(y.size - 2 * RATE) / RATE)  # a step
    assert heard(y)[2] == ["channel L: 1 click at 2.000 s."]


@pytest.mark.parametrize("n", [16, 64, 1_024, 4_096])
@pytest.mark.parametrize("block", [131_072, 4_800])
def test_dropouts_are_found_and_are_no_clicks(n, block):
    t = np.arange(4 * RATE) / RATE
    y = 0.3 * np.sin(2 * np.pi * 220.0 * t) + 0.2 * np.sin(2 * np.pi * 331.0 * t)
    begin = RATE + 40
    y[begin : begin + n] = 0.0
    frames, summary, told = heard(y, block=block)
    assert frames[:, 1].tolist() == [0, 1, 0, 0]
    assert summary["L"]["dropouts"] == 1
    assert "1 dropout at 1.001 s" in told[0]


def test_rests_and_fades_are_no_dropouts():
    y = notes()
    y[RATE : 2 * RATE] = 0.0  # a second of silence is a rest, however it was cut
    gate = np.ones(y.size)
    gate[4 * RATE : 4 * RATE + 2_000] = 0.0
    fade = np.convolve(gate, np.hanning(2_001) / np.hanning(2_001).sum(), mode="same")
    assert not heard(y * np.where(fade < 1e-9, 0.0, fade))[0][:, 1].any()


def hum(hz, n, dbfs=-50.0):
    t = np.arange(n) / RATE
    return sum(10 ** (dbfs / 20) / k * np.sin(2 * np.pi * hz * k * t) for k in (1, 2, 3))


def gated(y, share, parts):
    """Zero a share of a sound, in so many parts."""
    y = y.copy()
    for first in np.linspace(0.13, 1.13, parts, endpoint=False) * y.size / 1.13:
        y[round(first) : round(first + share / parts * y.size)] = 0.0
    return y


@pytest.mark.parametrize("hz", [50, 60])
def test_hum_is_found_beneath_notes_with_its_frequency_and_level(hz):
    y = notes(24.0)
    y[12 * RATE : 20 * RATE] *= 0.0
    _, summary, told = heard(y + hum(hz, y.size))
    assert summary["L"]["hum_hz"] == hz
    assert summary["L"]["hum_dbfs"] == pytest.approx(-50.0, abs=0.5)
    assert told[-1:] == [f"channel L: hum of {hz} Hz throughout, at -50 dBFS."]


@pytest.mark.parametrize(("share", "parts"), [(0.08, 1), (0.15, 1), (0.15, 3), (0.4, 2), (0.6, 1)])
@pytest.mark.parametrize("block", [131_072, 4_800])
def test_hum_is_found_however_much_digital_silence_cuts_it(share, parts, block):
    hiss = 1e-4 * np.random.default_rng(4).standard_normal(32 * RATE)
    _, summary, _ = heard(gated(hum(50, hiss.size) + hiss, share, parts), block=block)
    assert summary["L"]["hum_hz"] == 50
    assert summary["L"]["hum_dbfs"] == pytest.approx(-50.0, abs=0.1)


@pytest.mark.parametrize(("share", "parts"), [(0.15, 1), (0.4, 5), (0.7, 2)])
@pytest.mark.parametrize("clean", [notes, drums, pedal], ids=lambda make: make.__name__)
def test_sound_without_hum_has_none_between_digital_silences(clean, share, parts):
    _, summary, _ = heard(gated(clean(24.0), share, parts))
    assert summary["L"]["hum_hz"] is None


def test_a_drum_on_the_line_that_dies_away_to_silence_is_no_hum():
    at = np.arange(RATE) / RATE
    boom = sum(0.3 / k * np.sin(2 * np.pi * 50.0 * k * at) for k in (1, 2)) * np.exp(-4.0 * at)
    boom[RATE // 2 :] = 0.0
    assert heard(np.tile(boom, 24))[1]["L"]["hum_hz"] is None
