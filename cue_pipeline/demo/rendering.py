"""A cue's music as audio: its stems, and the mix that is their sum.

Conventions
-----------
Signals are float64, full scale 1.0, at 48 kHz; shape=(n_channels, n_samples). Channels stand in
film order: L C R Ls Rs LFE.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from cue_pipeline.demo.composition import (
    Curve,
    DemoCue,
    Float64Array,
    Part,
    Stem,
    Timeline,
    sampled,
)
from cue_pipeline.demo.voices import SAMPLE_RATE, VOICES, Sounding
from cue_pipeline.demo.wave import FULL_SCALE, pcm24

MIX_CHANNELS = ("L", "C", "R", "Ls", "Rs", "LFE")
LAYOUTS: dict[str, tuple[str, ...]] = {
    "mono": ("",),
    "stereo": ("L", "R"),
    "lcr": ("L", "C", "R"),
    "quad": ("L", "R", "Ls", "Rs"),
    "5.0": ("L", "C", "R", "Ls", "Rs"),
    "5.1": MIX_CHANNELS,
}
PEAK = 10 ** (-2.5 / 20)  # of the loudest channel of the mix


@dataclass(frozen=True, slots=True)
class _Placing:
    """How a channel hears the stage: left and right side, delay, share of the room."""

    left: float
    right: float
    delay_seconds: float
    room: float


_PLACINGS = {
    "": _Placing(0.71, 0.71, 0.0, 1.0),
    "L": _Placing(1.0, 0.0, 0.0, 1.0),
    "C": _Placing(0.45, 0.45, 0.0, 0.6),
    "R": _Placing(0.0, 1.0, 0.0, 1.0),
    "Ls": _Placing(0.22, 0.05, 0.013, 1.1),
    "Rs": _Placing(0.05, 0.22, 0.013, 1.1),
    "LFE": _Placing(0.5, 0.5, 0.0, 0.0),
}
_SMOOTHING_SECONDS = 0.04
_LFE_HZ = 110.0
_RADIO_HZ = (220.0, 3_600.0)


@dataclass(frozen=True, slots=True)
class RenderedStem:
    """One stem, quantised as it will be written: 24 bits in int32, channel label to samples."""

    stem: Stem
    channels: dict[str, npt.NDArray[np.int32]]


def render_cue(cue: DemoCue, seed: int) -> tuple[list[RenderedStem], RenderedStem]:
    """Return a cue's stems and its 5.1 mix.

    The mix is the exact sum of the written stems, rounded once: its peak stands at
    :data:`PEAK`, and the stems keep their levels within it.
    """
    n = round(cue.seconds * SAMPLE_RATE)
    room = _Room(n, np.random.default_rng([seed, 0]))
    wet = [
        (stem, _render_stem(stem, cue, n, room, np.random.default_rng([seed, 1, i])))
        for i, stem in enumerate(cue.stems)
    ]
    gain = PEAK / max(float(np.abs(y).max()) for y in _mixed(wet, cue, n).values())
    stems = [
        RenderedStem(stem, {label: pcm24(y * gain) for label, y in channels.items()})
        for stem, channels in wet
    ]
    written = [
        (done.stem, {label: y.astype(np.float64) for label, y in done.channels.items()})
        for done in stems
    ]
    mix = {label: pcm24(y / FULL_SCALE) for label, y in _mixed(written, cue, n).items()}
    return stems, RenderedStem(Stem(f"{cue.name} 6mx", "5.1"), mix)


def mix_gains(layout: str, cue: DemoCue) -> Iterator[tuple[str, str, float]]:
    """Yield (channel of a stem, channel of the mix, gain)."""
    for label in LAYOUTS[layout]:
        if label:
            yield label, label, 1.0
        else:
            yield from (("", target, gain) for target, gain in cue.mono_to)


def _mixed(
    stems: list[tuple[Stem, dict[str, Float64Array]]], cue: DemoCue, n: int
) -> dict[str, Float64Array]:
    mix = {label: np.zeros(n) for label in MIX_CHANNELS}
    for stem, channels in stems:
        if stem.in_mix:
            for source, target, gain in mix_gains(stem.layout, cue):
                mix[target] += gain * channels[source]
    return mix


def _render_stem(
    stem: Stem, cue: DemoCue, n: int, room: "_Room", rng: np.random.Generator
) -> dict[str, Float64Array]:
    stage = np.zeros((2, n))
    for part in stem.parts:
        stage += _play(part, cue.timeline, n, rng)
    if stem.sound is not None:
        stage += stem.sound(cue.timeline, n, rng)
    angle = (stem.pan + 1) * np.pi / 4
    stage *= stem.level * np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]])
    if stem.radio:
        stage = np.tanh(2.5 * _band(stage, *_RADIO_HZ) / np.abs(stage).max()) * np.abs(stage).max()
    return {label: room.heard(stage, label, stem.wet, i) for i, label in _labels(stem.layout)}


def _labels(layout: str) -> Iterator[tuple[int, str]]:
    for label in LAYOUTS[layout]:
        yield (MIX_CHANNELS.index(label) if label else 1), label


def _play(part: Part, timeline: Timeline, n: int, rng: np.random.Generator) -> Float64Array:
    """Return a part's notes, as its own events say, shape=(2, n)."""
    voice = VOICES[part.voice]
    wheel = _curve(part.controls.get(1, ()), timeline, n, default=80) / 127
    expression = _curve(part.controls.get(11, ()), timeline, n, default=127) / 127
    cents = _curve(part.bends, timeline, n, default=0) * (200 / 8_192)
    swell = _curve(part.pressure, timeline, n, default=0) / 127
    brightness = np.clip(wheel + 0.4 * swell, 0, 1)
    y = np.zeros((2, n))
    for note in part.notes:
        start, end = np.rint(
            timeline.seconds([note.start, note.start + note.length]) * SAMPLE_RATE
        ).astype(int)
        sounding = Sounding(
            frequency=440.0 * 2 ** ((note.pitch - 69) / 12),
            n_samples=int(end - start),
            strength=note.velocity / 127,
            cents=_from(cents, start),
            wheel=_from(brightness, start),
        )
        played = voice.play(sounding, rng)[:, : max(0, n - start)]
        y[:, start : start + played.shape[1]] += played
    return np.asarray(y * expression**1.5 * (0.45 + 0.55 * brightness))


def _curve(curve: Curve, timeline: Timeline, n: int, default: int) -> Float64Array:
    events = sampled(curve)
    if not events:
        return np.full(n, float(default))
    positions, values = (np.array(column) for column in zip(*events, strict=True))
    starts = np.rint(timeline.seconds(positions) * SAMPLE_RATE).astype(int)
    # A value holds until the next event, as MIDI has it; then smoothed, as samplers do.
    held = np.full(n, float(default))
    for start, value in zip(starts, values, strict=True):
        held[start:] = value
    width = round(_SMOOTHING_SECONDS * SAMPLE_RATE)
    total = np.cumsum(np.pad(held, (width, 0), mode="edge"))
    return np.asarray((total[width:] - total[:-width]) / width)


def _from(values: Float64Array, start: int) -> Callable[[int], Float64Array]:
    """Return ``first(n)``: the n values from ``start`` on; the last one holds."""

    def first(n: int) -> Float64Array:
        found = values[start : start + n]
        return np.pad(found, (0, n - len(found)), mode="edge") if len(found) else values[-1:]

    return first


def _band(y: Float64Array, low_hz: float, high_hz: float) -> Float64Array:
    """Return a signal between two frequencies, with slopes of 12 dB an octave."""
    n = y.shape[-1]
    size = scipy.fft.next_fast_len(n + SAMPLE_RATE // 4, real=True)
    f = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    # Two poles at each end, with their phase: a filter without it would ring before the note.
    high_pass = 1j * f / low_hz / (1 + 1j * f / low_hz)
    gain = (high_pass / (1 + 1j * f / high_hz)) ** 2
    return np.asarray(scipy.fft.irfft(scipy.fft.rfft(y, size) * gain, size)[..., :n])


class _Room:
    """A hall: noise that dies away, another for each channel, high frequencies sooner."""

    _SECONDS = 1.8
    _PRE_DELAY = 0.016
    _FADE = 0.35

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self._n = n
        self._size = scipy.fft.next_fast_len(n + round(self._SECONDS * SAMPLE_RATE), real=True)
        self._responses = scipy.fft.rfft(self._impulses(rng), self._size)
        self._fade = np.ones(n)
        tail = round(self._FADE * SAMPLE_RATE)
        self._fade[-tail:] = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, tail))

    def _impulses(self, rng: np.random.Generator) -> Float64Array:
        """Return one impulse response a channel, each of energy 1."""
        n = round(self._SECONDS * SAMPLE_RATE)
        t = np.arange(n) / SAMPLE_RATE
        noise = rng.standard_normal((len(MIX_CHANNELS), n))
        dark = _band(noise, 120, 1_500)
        impulses = dark * np.exp(-6.91 * t / 1.7) + 0.35 * _band(noise, 1_500, 7_000) * np.exp(
            -6.91 * t / 0.8
        )
        impulses *= np.minimum(1.0, t / 0.025)
        early = np.zeros_like(impulses)
        for taps in early:
            taps[rng.integers(300, 3_000, 7)] = rng.uniform(-1, 1, 7)
        impulses /= np.sqrt(np.sum(impulses**2, axis=1, keepdims=True))
        impulses += 0.12 * early
        delay = round(self._PRE_DELAY * SAMPLE_RATE)
        return np.pad(impulses, ((0, 0), (delay, 0)))[:, :n]

    def heard(self, stage: Float64Array, label: str, wet: float, channel: int) -> Float64Array:
        """Return what the microphone of one channel hears of a stage, shape=(n_samples,)."""
        placing = _PLACINGS[label]
        direct = placing.left * stage[0] + placing.right * stage[1]
        if label == "LFE":
            return np.asarray(_band(direct, 18, _LFE_HZ) * self._fade)
        delay = round(placing.delay_seconds * SAMPLE_RATE)
        direct = np.pad(direct, (delay, 0))[: self._n]
        sent = scipy.fft.rfft(stage.sum(axis=0) * 0.5, self._size)
        reverberation = scipy.fft.irfft(sent * self._responses[channel], self._size)[: self._n]
        return np.asarray((direct + wet * placing.room * reverberation) * self._fade)
