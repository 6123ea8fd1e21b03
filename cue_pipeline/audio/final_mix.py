"""Does the mix equal the sum of its stems? What is left of the one without the other, in dB.

Channel by channel: the mix's L without the sum of all stems' L, and so on, at unity gain; also
what is left at the gain that fits best, since a mix is often trimmed. A stem that has channels
which the mix has not (a mono stem: its place in the mix is anybody's guess) is taken away from
every channel of the mix, at the gains that fit best (:mod:`.panned`).

Groups stand where the inventory put them, by time references or by their sound (:mod:`.starts`);
those of unknown start are taken to begin with the earliest. If little cancels, a lag of up to half
a second is looked for. A mix that no stem meets has no residual: nothing was taken away from it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cue_pipeline.audio.compiled.choice import composite_of, four_products
from cue_pipeline.audio.group_pass import BLOCK_SAMPLES, GroupReader
from cue_pipeline.audio.grouping import ChannelGroup
from cue_pipeline.audio.levels import rounded
from cue_pipeline.audio.mel_filters import Float32Array, Float64Array
from cue_pipeline.audio.panned import PannedSums
from cue_pipeline.audio.sources import finite

_HEAD_SECONDS = 30
_MAX_LAG_SECONDS = 0.5
_SEEK_LAG_ABOVE_DB = -20.0
_LEAST_CORRELATION = 0.2  # of what is worth reading the cue a second time for
_FIT_FLOOR_DB = -60.0  # sums of squares in float32 resolve no more


@dataclass(frozen=True, slots=True)
class Residual:
    """What is left of a mix when its stems are taken away.

    Attributes
    ----------
    residual_db : float or None
        Power of the rest re power of the mix, dB; -inf is told as -200; None: not computed.
    method : str
        How it was computed, or why not.
    details : dict
        ``alignment``, ``lag_samples``, ``stems``; where all stems have their place in the mix
        ``fitted_gain_db``, ``fitted_residual_db``, ``channels`` (dB of each) and ``unfed``
        (channels of the mix that no stem has) with ``unfed_left_db`` (dB of each that sounds, by
        excerpts: what the stems' channels at any gains leave of it), else ``panned`` (gains, dB).
    """

    residual_db: float | None
    method: str
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the ``residual`` column."""
        return {"method": self.method, **self.details}


class _Aligned:
    """A group read from a given sample of the mix on, at the mix's rate."""

    def __init__(
        self, folder: Path, group: ChannelGroup, rate: int, lead: int, *, compiled: bool
    ) -> None:
        self.reader = GroupReader(folder, group, rate, convert_to=rate, compiled=compiled)
        self.labels = self.reader.labels
        self._wait = max(0, lead)
        self._drop = max(0, -lead)

    def add(self, rows: Sequence[Float32Array]) -> None:
        """Add the next samples of each channel to a row of its own; silence after the end."""
        n = len(rows[0])
        while self._drop:
            dropped = self.reader.read(np.empty((len(rows), min(n, self._drop)), np.float32))
            self._drop = max(0, self._drop - dropped) if dropped else 0
        wait = min(self._wait, n)
        self._wait -= wait
        if wait < n:
            self.reader.add([row[wait:] for row in rows])


@dataclass(slots=True)
class _Sums:
    """Products of mix and stems, per compared signal."""

    compiled: bool
    mix: Float64Array
    stems: Float64Array
    cross: Float64Array
    rest: Float64Array

    @classmethod
    def zeros(cls, n: int, *, compiled: bool) -> "_Sums":
        return cls(compiled, *np.zeros((4, n)))

    def feed(self, mix: Float32Array, stems: Float32Array) -> None:
        for i, (m, s) in enumerate(zip(mix, stems, strict=True)):
            found = four_products(m, s, compiled=self.compiled)
            self.mix[i] += found[0]
            self.stems[i] += found[1]
            self.cross[i] += found[2]
            self.rest[i] += found[3]

    @property
    def residual(self) -> float | None:
        """What is left at unity gain, dB; None where the mix is silent."""
        return _ratio_db(float(self.rest.sum()), float(self.mix.sum()))

    @property
    def stems_power(self) -> float:
        """Sum of squares of the stems' sum."""
        return float(self.stems.sum())

    @property
    def gain(self) -> float:
        """Of the stems, that leaves least of the mix."""
        power = float(self.stems.sum())
        return float(self.cross.sum()) / power if power else 0.0

    @property
    def fitted(self) -> float | None:
        """What is left at that gain, dB."""
        mix = float(self.mix.sum())
        left = (
            mix - 2 * self.gain * float(self.cross.sum()) + self.gain**2 * float(self.stems.sum())
        )
        db = _ratio_db(max(left, 0.0), mix)
        return None if db is None else max(db, _FIT_FLOOR_DB)


def _ratio_db(part: float, whole: float) -> float | None:
    if whole <= 0.0:
        return None
    return 10.0 * math.log10(part / whole) if part > whole * 1e-20 else -200.0


def measure_residual(
    folder: Path, mix: ChannelGroup, stems: Sequence[ChannelGroup], *, compiled: bool = False
) -> Residual:
    """Return how far a mix is from the sum of its stems.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    mix : ChannelGroup
    stems : sequence of ChannelGroup
        All stems of the cue.
    compiled : bool
        By the compiled kernels (see :mod:`.compiled.choice`).
    """
    if not stems:
        return Residual(None, "not computed: the cue has no stems")
    leads, alignment = _leads(mix, stems)
    if not any(_meet(mix, stem, lead) for stem, lead in zip(stems, leads, strict=True)):
        return Residual(
            None,
            "not computed: by their starts no stem sounds while the mix does",
            {"alignment": alignment, "stems": len(stems)},
        )
    labels = _compared(mix, stems)
    compare = (
        partial(_compare, folder, mix, stems, labels=labels, compiled=compiled)
        if labels
        else partial(_compare_panned, folder, mix, stems, compiled=compiled)
    )
    sums, heads = compare(leads)
    residual = sums.residual
    lag = 0
    if (residual or 0.0) > _SEEK_LAG_ABOVE_DB:
        lag = find_lag(heads[0], heads[1], mix.sample_rate)
        if lag:
            moved, _ = compare([lead + lag for lead in leads])
            if (moved.residual or 0.0) < (residual or 0.0) - 1.0:
                sums, residual = moved, moved.residual
                alignment = "correlation"
            else:
                lag = 0
    return _told(sums, residual, labels, mix, stems, alignment, lag)


def _leads(mix: ChannelGroup, stems: Sequence[ChannelGroup]) -> tuple[list[int], str]:
    """Return by how many samples each stem starts after the mix, and how that is known."""
    groups = [mix, *stems]
    start = mix.start_offset_seconds or 0.0
    leads = [round(((s.start_offset_seconds or 0.0) - start) * mix.sample_rate) for s in stems]
    known = [g.start_offset_seconds is not None for g in groups]
    if not any(known):
        return leads, "all taken to start together"
    by_sound = any(g.grouping.get("start_from") == "sound" for g in groups)
    told = "sound" if by_sound else "time reference"
    return leads, told if all(known) else f"{told}; {known.count(False)} taken to start first"


def _meet(mix: ChannelGroup, stem: ChannelGroup, lead: int) -> bool:
    return lead < mix.frames and lead + stem.duration_seconds * mix.sample_rate > 0


def _compared(mix: ChannelGroup, stems: Sequence[ChannelGroup]) -> list[str]:
    """Return the labels to compare; none where a stem has others than the mix."""
    of_mix = [c.label for c in mix.channels]
    of_stems = [{c.label for c in stem.channels} for stem in stems]
    if any(not labels <= set(of_mix) for labels in of_stems):
        return []
    return [label for label in of_mix if any(label in labels for labels in of_stems)]


def _compare(
    folder: Path,
    mix: ChannelGroup,
    stems: Sequence[ChannelGroup],
    leads: Sequence[int],
    *,
    labels: Sequence[str],
    compiled: bool,
) -> tuple[_Sums, tuple[Float32Array, Float32Array]]:
    """Return the sums over the whole mix, and the first half minute of both downmixes."""
    rate = mix.sample_rate
    readers: list[_Aligned] = []
    sums = _Sums.zeros(len(labels), compiled=compiled)
    heads: tuple[list[Float32Array], list[Float32Array]] = ([], [])
    done = 0
    try:
        readers = [
            _Aligned(folder, g, rate, n, compiled=compiled)
            for g, n in zip(stems, leads, strict=True)
        ]
        for mixed, summed in _pairs(folder, mix, readers, labels, compiled=compiled):
            sums.feed(mixed, summed)
            if done < _HEAD_SECONDS * rate:
                heads[0].append(composite_of(mixed).copy())
                heads[1].append(composite_of(summed).copy())
            done += mixed.shape[1]
    finally:
        for reader in readers:
            reader.reader.close()
    empty = np.empty(0, np.float32)
    return sums, (np.concatenate([*heads[0], empty]), np.concatenate([*heads[1], empty]))


def _compare_panned(
    folder: Path,
    mix: ChannelGroup,
    stems: Sequence[ChannelGroup],
    leads: Sequence[int],
    *,
    compiled: bool,
) -> tuple[PannedSums, tuple[Float32Array, Float32Array]]:
    """Return the products over the whole mix, and the first half minute of both downmixes."""
    rate = mix.sample_rate
    sums = PannedSums(mix, stems)
    of_mix = list(sums.rows[0].values())
    block = np.empty((sums.n_rows, BLOCK_SAMPLES), np.float32)
    heads: tuple[list[Float32Array], list[Float32Array]] = ([], [])
    done = 0
    readers: list[_Aligned] = []
    reader = GroupReader(folder, mix, rate, convert_to=rate, compiled=compiled)
    try:
        readers += [
            _Aligned(folder, g, rate, n, compiled=compiled)
            for g, n in zip(stems, leads, strict=True)
        ]
        for raw in reader.blocks(BLOCK_SAMPLES):
            n = raw.shape[1]
            block[:, :n] = 0.0  # a channel that cannot be opened is silent
            for label, row in zip(reader.labels, raw, strict=True):
                block[sums.rows[0][label], :n] = finite(row)
            for stem, rows in zip(readers, sums.rows[1:], strict=True):
                if stem.labels:
                    stem.add([block[rows[label], :n] for label in stem.labels])
            sums.feed(block[:, :n])
            if done < _HEAD_SECONDS * rate:
                heads[0].append(block[of_mix, :n].sum(axis=0))
                heads[1].append(block[len(of_mix) :, :n].sum(axis=0))
            done += n
    finally:
        reader.close()
        for stem in readers:
            stem.reader.close()
    empty = np.empty(0, np.float32)
    return sums, (np.concatenate([*heads[0], empty]), np.concatenate([*heads[1], empty]))


def _pairs(
    folder: Path,
    mix: ChannelGroup,
    stems: Sequence[_Aligned],
    labels: Sequence[str],
    *,
    compiled: bool,
) -> Iterator[tuple[Float32Array, Float32Array]]:
    """Yield blocks of the mix and of the stems' sum, shape=(compared, n) both.

    The next pair overwrites them.
    """
    rate = mix.sample_rate
    compared = tuple(c for c in mix.channels if c.label in labels)
    reader = GroupReader(
        folder, replace(mix, channels=compared), rate, convert_to=rate, compiled=compiled
    )
    mixed, total = np.empty((2, len(labels), BLOCK_SAMPLES), np.float32)
    try:
        for raw in reader.blocks(BLOCK_SAMPLES):
            n = raw.shape[1]
            mixed[:, :n] = 0.0  # a channel that cannot be opened is silent
            for row, label in zip(raw, reader.labels, strict=True):
                mixed[labels.index(label), :n] = finite(row)
            total[:, :n] = 0.0
            for stem in stems:
                if stem.labels:
                    stem.add([total[labels.index(label), :n] for label in stem.labels])
            yield mixed[:, :n], total[:, :n]
    finally:
        reader.close()


def _told(
    sums: _Sums | PannedSums,
    residual: float | None,
    labels: Sequence[str],
    mix: ChannelGroup,
    stems: Sequence[ChannelGroup],
    alignment: str,
    lag: int,
) -> Residual:
    if residual is None:
        return Residual(None, "not computed: the mix is silent")
    if not sums.stems_power:
        return Residual(None, "not computed: the stems are silent where the mix sounds")
    details: dict[str, Any] = {
        "alignment": alignment,
        "lag_samples": lag,
        "stems": len(stems),
    }
    if isinstance(sums, PannedSums):
        details["panned"] = sums.gains_db
        return Residual(
            residual,
            "channel by channel; stems without a place in the mix at the gains that fit best",
            details,
        )
    details["fitted_gain_db"] = rounded(20 * math.log10(abs(sums.gain))) if sums.gain else None
    details["fitted_residual_db"] = rounded(sums.fitted)
    each = zip(labels, sums.rest, sums.mix, strict=True)
    details["channels"] = {lb: rounded(_ratio_db(float(r), float(m))) for lb, r, m in each}
    details["unfed"] = [c.label for c in mix.channels if c.label not in labels]
    if mix.grouping.get("unfed_left_db"):
        details["unfed_left_db"] = mix.grouping["unfed_left_db"]
    return Residual(residual, "channel by channel, at unity gain", details)


def find_lag(a: Float32Array, b: Float32Array, sample_rate: int) -> int:
    """Return by how many samples ``b`` must be delayed to lie on ``a``.

    Parameters
    ----------
    a, b : np.ndarray, shape=(n,)
        The same music, more or less.
    sample_rate : int
        Hz; lags of up to half a second are looked at.

    Returns
    -------
    int
        0 where either is silent or nothing of the one is found in the other.
    """
    import scipy.fft

    n = min(a.size, b.size)
    reach = int(_MAX_LAG_SECONDS * sample_rate)
    if n == 0 or not a[:n].any() or not b[:n].any():
        return 0
    size = scipy.fft.next_fast_len(n + reach, real=True)
    spectrum = scipy.fft.rfft(a[:n], size, workers=1)
    spectrum *= np.conj(scipy.fft.rfft(b[:n], size, workers=1))
    correlation = scipy.fft.irfft(spectrum, size, workers=1)
    around = np.concatenate((correlation[-reach:], correlation[: reach + 1]))
    best = int(np.argmax(around))
    power = math.sqrt(float(np.dot(a[:n], a[:n])) * float(np.dot(b[:n], b[:n])))
    return best - reach if float(around[best]) >= _LEAST_CORRELATION * power else 0
