"""Instruments made of sines: what one note sounds like.

Two families. *Sustained* voices (strings, brass, winds, choir, synths) are several players, each a
wavetable read at its own detuned, vibrating pitch; the table moves between a soft and a loud
spectrum with the mod wheel (CC1), as orchestral sample libraries do. *Struck* voices (harp,
piano, drums) are sums of partials that die away, each at its own rate.

References
----------
Fletcher, N. H. and Rossing, T. D. The Physics of Musical Instruments. 2nd ed., Springer 1998:
stiff strings (2.18), plucking point (2.8), membrane and kettledrum modes (3.2, 18.4).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Spectrum = Callable[[Float64Array], Float64Array]
"""Amplitude of partials at frequencies in Hz, the fundamental first."""

SAMPLE_RATE = 48_000
_TABLE = 2_048
_MAX_PARTIALS = 96


@dataclass(frozen=True, slots=True)
class Sounding:
    """One note as it is played.

    Attributes
    ----------
    frequency : float
        Hz, before bends.
    n_samples : int
        From the note's beginning to its end; the voice adds its release.
    strength : float
        0…1, from the velocity.
    cents : Callable
        ``cents(n)``: pitch bend over the first ``n`` samples.
    wheel : Callable
        ``wheel(n)``: CC1, 0…1, over the first ``n`` samples.
    """

    frequency: float
    n_samples: int
    strength: float
    cents: Callable[[int], Float64Array]
    wheel: Callable[[int], Float64Array]


@dataclass(frozen=True, slots=True)
class Sustained:
    """A section of players that hold a note. Times in seconds, pitches in cents."""

    soft: Spectrum
    loud: Spectrum
    players: int = 1
    detune_cents: float = 0.0
    vibrato_hz: float = 5.2
    vibrato_cents: float = 0.0
    attack: float = 0.03
    release: float = 0.15
    accent: float = 0.0  # how much louder and noisier the first moment is: bow, tongue
    decay: float | None = None  # a filter that closes after the attack, as on a synthesiser
    breath: float = 0.0
    spread: float = 0.8

    def play(self, note: Sounding, rng: np.random.Generator) -> Float64Array:
        """Return the note's signal, shape=(2, n_samples + release)."""
        n = note.n_samples + round(self.release * SAMPLE_RATE)
        t = np.arange(n) / SAMPLE_RATE
        envelope = self._envelope(note, n)
        bright = note.wheel(n) * (0.35 + 0.65 * note.strength)
        if self.decay is not None:
            bright = bright * np.exp(-t / self.decay)
        place = self._phases(note, t, rng)
        soft, loud = (_table(s, note.frequency) for s in (self.soft, self.loud))
        players = _read(soft, place) * (1 - bright) + _read(loud, place) * bright
        pans = np.linspace(-self.spread, self.spread, self.players) if self.players > 1 else [0.0]
        angles = (np.asarray(pans) + 1) * np.pi / 4
        y = np.stack([np.cos(angles), np.sin(angles)]) @ players / self.players**0.5
        y *= 1 + self.accent * np.exp(-t / 0.045)
        if self.accent:
            y += 0.5 * self.accent * note.strength * _stroke(n, 3_500, rng)
        if self.breath:
            y += self.breath * _breath(n, note.frequency, rng)
        return np.asarray(y * envelope * (0.3 + 0.7 * note.strength**1.5))

    def _envelope(self, note: Sounding, n: int) -> Float64Array:
        rise = max(1, min(round(self.attack * SAMPLE_RATE), note.n_samples))
        envelope = np.ones(n)
        envelope[:rise] = np.sin(np.linspace(0, np.pi / 2, rise, endpoint=False)) ** 1.5
        fall = np.linspace(0, 1, n - note.n_samples)
        envelope[note.n_samples :] = (0.5 + 0.5 * np.cos(np.pi * fall)) * np.exp(-2 * fall)
        return envelope

    def _phases(self, note: Sounding, t: Float64Array, rng: np.random.Generator) -> Float64Array:
        """Return each player's place in the table, shape=(players, n_samples), in cycles."""
        shape = (self.players, 1)
        detune = rng.uniform(-1, 1, shape) * self.detune_cents
        speed = self.vibrato_hz * rng.uniform(0.9, 1.1, shape)
        settling = np.minimum(1.0, t / 0.35) ** 2
        vibrato = np.sin(2 * np.pi * speed * t + rng.uniform(0, 2 * np.pi, shape))
        cents = detune + self.vibrato_cents * settling * vibrato + note.cents(len(t))
        steps = note.frequency / SAMPLE_RATE * np.exp2(cents / 1_200)
        return np.asarray(np.cumsum(steps, axis=1) + rng.uniform(0, 1, shape))


@dataclass(frozen=True, slots=True)
class Struck:
    """Something hit or plucked that rings. Times in seconds.

    Attributes
    ----------
    ratios : tuple of float
        Partials relative to the pitch; empty: those of a stiff string.
    stiffness : float
        B of a stiff string: ``f_k = k f sqrt(1 + B k**2)``.
    pluck : float
        Where the string is struck, 0…1; 0: everywhere alike.
    rolloff : float
        Hz at which partials have lost 8.7 dB, at full strength.
    t60 : float
        Time in which the fundamental of 220 Hz falls by 60 dB.
    t60_slope : float
        How much faster higher partials fall.
    damping : float
        Time constant after the note's end.
    strike : float
        Level of the noise of the stroke.
    strike_hz : float
        Its upper limit.
    drop : float
        By how much of itself the pitch falls after the stroke.
    """

    ratios: tuple[float, ...] = ()
    stiffness: float = 0.0
    pluck: float = 0.0
    rolloff: float = 4_000.0
    t60: float = 2.0
    t60_slope: float = 0.3
    damping: float = 0.15
    strike: float = 0.0
    strike_hz: float = 2_000.0
    drop: float = 0.0
    width: float = 0.3

    def play(self, note: Sounding, rng: np.random.Generator) -> Float64Array:
        """Return the note's signal, shape=(2, n_samples + ringing)."""
        n = note.n_samples + round(6 * self.damping * SAMPLE_RATE)
        t = np.arange(n) / SAMPLE_RATE
        cycles = note.frequency * t
        if self.drop:
            cycles = cycles + note.frequency * self.drop * 0.03 * (1 - np.exp(-t / 0.03))
        y = np.zeros((2, n))
        for k, (ratio, amplitude, t60) in enumerate(self._partials(note)):
            m = min(n, round(1.3 * t60 * SAMPLE_RATE))
            partial = amplitude * np.sin(2 * np.pi * ratio * cycles[:m])
            partial *= np.exp(-6.91 / t60 * t[:m])
            side = self.width * (-1) ** k * min(1.0, k / 3)
            y[0, :m] += partial * (1 + side)
            y[1, :m] += partial * (1 - side)
        if self.strike:
            y += self.strike * note.strength * _stroke(n, self.strike_hz, rng)
        ringing = np.ones(n)
        ringing[note.n_samples :] = np.exp(
            -np.arange(n - note.n_samples) / (self.damping * SAMPLE_RATE)
        )
        rise = min(n, 48)  # one millisecond: no click, and no late onset
        ringing[:rise] *= np.linspace(0, 1, rise, endpoint=False)
        return np.asarray(y * ringing * note.strength**1.5)

    def _partials(self, note: Sounding) -> list[tuple[float, float, float]]:
        """Return (ratio, amplitude, t60) of each partial below 18 kHz."""
        found = []
        rolloff = self.rolloff * (0.4 + 0.6 * note.strength)
        ratios = self.ratios or tuple(
            k * (1 + self.stiffness * k * k) ** 0.5 for k in range(1, _MAX_PARTIALS)
        )
        for k, ratio in enumerate(ratios, start=1):
            f = ratio * note.frequency
            if f > 18_000:
                break
            amplitude = np.exp(-f / rolloff) / k**0.7
            if self.pluck:
                amplitude *= abs(np.sin(np.pi * k * self.pluck))
            base = self.t60 * (220 / note.frequency) ** 0.5
            if amplitude > 3e-5:
                found.append((ratio, float(amplitude), base / (1 + self.t60_slope * (k - 1))))
        return found


def _table(spectrum: Spectrum, frequency: float) -> Float64Array:
    """Return one period with root mean square 1, and its first sample again at the end."""
    count = int(min(_MAX_PARTIALS, 0.42 * SAMPLE_RATE / frequency))
    partials = frequency * np.arange(1, count + 1, dtype=np.float64)
    bins = np.zeros(_TABLE // 2 + 1, dtype=np.complex128)
    # Quadratic phases spread the energy over the period: no click once a cycle.
    turns = 0.5 * np.arange(count) * np.arange(1, count + 1) / count
    bins[1 : count + 1] = spectrum(partials) * np.exp(2j * np.pi * turns)
    table = np.fft.irfft(bins)
    table /= np.sqrt(np.mean(table**2))
    return np.append(table, table[0])


def _read(table: Float64Array, cycles: Float64Array) -> Float64Array:
    place = (cycles % 1.0) * _TABLE
    index = place.astype(np.int32)
    low = table[index]
    return np.asarray(low + (table[index + 1] - low) * (place - index))


def filtered_noise(
    n: int, shape: Callable[[Float64Array], Float64Array], rng: np.random.Generator
) -> Float64Array:
    """Return noise of a given spectrum, root mean square 1, shape=(2, n)."""
    size = 1 << max(8, (n - 1).bit_length())
    spectrum = np.fft.rfft(rng.standard_normal((2, size)))
    spectrum *= shape(np.fft.rfftfreq(size, 1 / SAMPLE_RATE).astype(np.float64))
    y = np.fft.irfft(spectrum, axis=-1)[:, :n]
    return np.asarray(y / np.sqrt(np.mean(y**2)))


def _breath(n: int, frequency: float, rng: np.random.Generator) -> Float64Array:
    def air(f: Float64Array) -> Float64Array:
        near = np.exp(-((np.log2(np.maximum(f, 20) / (2 * frequency))) ** 2) / 0.5)
        return np.asarray(near + 0.15 * (f > 1_500) * np.exp(-f / 5_000))

    return filtered_noise(n, air, rng)


def _stroke(n: int, limit_hz: float, rng: np.random.Generator) -> Float64Array:
    m = min(n, round(0.12 * SAMPLE_RATE))
    y = np.zeros((2, n))
    t = np.arange(m) / SAMPLE_RATE
    y[:, :m] = filtered_noise(m, lambda f: np.exp(-((f / limit_hz) ** 2)), rng) * np.exp(-t / 0.012)
    return y


def _rolled(limit_hz: float, slope: float = 1.0) -> Spectrum:
    """Amplitudes that fall as ``1/k**slope``, and beyond a limit exponentially."""
    return lambda f: (f[0] / f) ** slope * np.exp(-f / limit_hz)


def _resonant(base: Spectrum, *formants: tuple[float, float, float]) -> Spectrum:
    """Add resonances (Hz, width in octaves, gain): a body's or a mouth's."""

    def spectrum(f: Float64Array) -> Float64Array:
        gain = np.ones_like(f)
        for centre, width, height in formants:
            gain += height * np.exp(-((np.log2(f / centre) / width) ** 2))
        return np.asarray(base(f) * gain)

    return spectrum


_FIDDLE = ((280.0, 0.2, 1.0), (480.0, 0.25, 1.2), (1_100.0, 0.4, 0.7), (2_600.0, 0.4, 1.4))
_CELLO = ((110.0, 0.3, 0.8), (220.0, 0.3, 1.2), (600.0, 0.4, 0.8), (1_500.0, 0.5, 0.8))
_OO = ((350.0, 0.3, 6.0), (800.0, 0.25, 2.0), (2_500.0, 0.2, 0.4))
_AH = ((700.0, 0.25, 6.0), (1_150.0, 0.2, 5.0), (2_800.0, 0.15, 3.0), (3_400.0, 0.15, 2.0))

VOICES: dict[str, Sustained | Struck] = {
    "violins": Sustained(
        _resonant(_rolled(1_900), *_FIDDLE),
        _resonant(_rolled(5_500, 0.9), *_FIDDLE),
        players=7,
        detune_cents=9,
        vibrato_cents=14,
        attack=0.016,
        release=0.18,
        accent=0.7,
        breath=0.02,
    ),
    "violas": Sustained(
        _resonant(_rolled(1_200), *_CELLO),
        _resonant(_rolled(3_200, 0.9), *_FIDDLE),
        players=6,
        detune_cents=8,
        vibrato_cents=11,
        attack=0.12,
        release=0.35,
        breath=0.015,
    ),
    "celli": Sustained(
        _resonant(_rolled(900), *_CELLO),
        _resonant(_rolled(2_800, 0.9), *_CELLO),
        players=5,
        detune_cents=7,
        vibrato_cents=10,
        attack=0.02,
        release=0.25,
        accent=0.5,
        breath=0.02,
    ),
    "horns": Sustained(
        _resonant(_rolled(420, 0.5), (400.0, 0.5, 1.0)),
        _resonant(_rolled(1_250, 0.35), (480.0, 0.6, 0.8), (1_400.0, 0.5, 0.5)),
        players=4,
        detune_cents=5,
        vibrato_cents=3,
        attack=0.022,
        release=0.16,
        accent=0.4,
        breath=0.008,
        spread=0.5,
    ),
    "trombones": Sustained(
        _resonant(_rolled(600, 0.4), (520.0, 0.5, 1.0)),
        _resonant(_rolled(2_600, 0.3), (560.0, 0.5, 1.0), (1_900.0, 0.5, 0.6)),
        players=4,
        detune_cents=6,
        vibrato_cents=2,
        attack=0.014,
        release=0.1,
        accent=0.6,
        spread=0.6,
    ),
    "choir": Sustained(
        _resonant(_rolled(1_500), *_OO),
        _resonant(_rolled(3_500, 0.9), *_AH),
        players=9,
        detune_cents=14,
        vibrato_hz=4.9,
        vibrato_cents=16,
        attack=0.16,
        release=0.45,
        breath=0.03,
        spread=1.0,
    ),
    "flute": Sustained(
        lambda f: np.array([1.0, 0.22, 0.06, 0.03, 0.01] + [0.0] * 96)[: len(f)],
        lambda f: np.array([1.0, 0.55, 0.25, 0.12, 0.06, 0.03] + [0.0] * 96)[: len(f)],
        vibrato_cents=13,
        attack=0.018,
        release=0.1,
        accent=0.35,
        breath=0.09,
    ),
    "pad": Sustained(
        _rolled(700),
        _rolled(2_200),
        players=7,
        detune_cents=13,
        vibrato_cents=3,
        attack=0.25,
        release=0.6,
        spread=1.0,
    ),
    "pulse": Sustained(
        _rolled(350),
        _rolled(5_000, 0.8),
        players=3,
        detune_cents=9,
        attack=0.003,
        release=0.05,
        decay=0.11,
        spread=0.7,
    ),
    "harp": Struck(
        stiffness=3e-5,
        pluck=0.31,
        rolloff=3_600,
        t60=4.0,
        t60_slope=0.35,
        damping=0.35,
        strike=0.04,
        strike_hz=1_600,
    ),
    "piano": Struck(
        stiffness=4e-4,
        pluck=0.12,
        rolloff=2_600,
        t60=5.0,
        t60_slope=0.28,
        damping=0.09,
        strike=0.10,
        strike_hz=900,
    ),
    "pizzicato": Struck(
        stiffness=2e-4,
        pluck=0.22,
        rolloff=900,
        t60=1.5,
        t60_slope=0.5,
        damping=0.12,
        strike=0.12,
        strike_hz=700,
        width=0.1,
    ),
    "timpani": Struck(
        ratios=(1.0, 1.5, 1.98, 2.44, 2.9, 3.36, 4.1),
        rolloff=700,
        t60=1.6,
        t60_slope=0.45,
        damping=0.5,
        strike=0.28,
        strike_hz=900,
        drop=0.03,
    ),
    "drums": Struck(
        ratios=(1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501),
        rolloff=420,
        t60=0.55,
        t60_slope=0.35,
        damping=0.4,
        strike=0.5,
        strike_hz=2_200,
        drop=0.6,
    ),
}
