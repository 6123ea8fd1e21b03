"""Sounds that no MIDI track plays: the click, and a riser."""

import numpy as np

from cue_pipeline.demo.composition import Float64Array, Timeline
from cue_pipeline.demo.voices import SAMPLE_RATE, filtered_noise


def click(timeline: Timeline, n: int, rng: np.random.Generator) -> Float64Array:
    """Return a click on each eighth, the first of a bar higher, shape=(2, n)."""
    del rng
    y = np.zeros(n)
    blip = np.arange(round(0.012 * SAMPLE_RATE)) / SAMPLE_RATE
    bars = set(bar_lines(timeline, n / SAMPLE_RATE))
    for eighth in np.arange(0, max(bars), 0.5):
        pitch = 2_000.0 if float(eighth) in bars else 1_200.0
        start = round(float(timeline.seconds(eighth)) * SAMPLE_RATE)
        sound = 0.5 * np.sin(2 * np.pi * pitch * blip) * np.exp(-blip / 0.004)
        y[start : start + len(sound)] += sound[: max(0, n - start)]
    return np.stack([y, y])


def riser(timeline: Timeline, n: int, rng: np.random.Generator) -> Float64Array:
    """Return noise and a glissando that swell up to the last marker and stop, shape=(2, n)."""
    end = min(n, round(float(timeline.seconds(timeline.markers[-1][0])) * SAMPLE_RATE))
    progress = np.linspace(0, 1, end)
    noise = filtered_noise(end, lambda f: np.exp(-f / 4_000) * (f > 900), rng)
    sweep = np.sin(2 * np.pi * np.cumsum(110 * 2 ** (3 * progress**2)) / SAMPLE_RATE)
    flutter = 1 + 0.3 * np.sin(2 * np.pi * np.cumsum(4 + 12 * progress) / SAMPLE_RATE)
    y = np.zeros((2, n))
    y[:, :end] = (0.16 * noise + 0.12 * sweep) * flutter * progress**3
    stop = min(end, 480)
    y[:, end - stop : end] *= np.linspace(1, 0, stop)
    return y


def bar_lines(timeline: Timeline, seconds: float) -> list[float]:
    """Return the positions of bar lines, in quarters; a change of meter starts a bar."""
    lines: list[float] = []
    meters = timeline.meters
    for i, (start, numerator, denominator) in enumerate(meters):
        bar = 4 * numerator / denominator
        position = start
        end = meters[i + 1][0] if i + 1 < len(meters) else np.inf
        while position < end and float(timeline.seconds(position)) < seconds:
            lines.append(position)
            position += bar
    return lines
