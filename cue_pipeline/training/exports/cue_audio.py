"""The sound of a cue as FLAC files that begin together: its stems, their sum, and its own mix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

if TYPE_CHECKING:
    from cue_pipeline.reading import Mix, Stem
    from cue_pipeline.training.exports.cue_content import CueContent

Array = np.ndarray[Any, Any]

BLOCK_SECONDS: Final = 30.0
HEADROOM: Final = 0.999
_FULL_SCALE: Final = 1.0
SURELY_BELOW: Final = 0.9
"""What a resampler keeps below full scale: it may pass a peak by some of the rest."""


@dataclass(frozen=True)
class Placed:
    """A stem or mix, and where it is in files that begin with its cue's clock.

    Attributes
    ----------
    sound : Stem or Mix
    first, count : int
        Samples before it, and of it.
    """

    sound: Stem | Mix
    first: int
    count: int


def write_audio(folder: Path, content: CueContent, ids: Mapping[str, str], rate: int) -> float:
    """Write stems and mixes; return the gain that all of them have.

    Parameters
    ----------
    folder : Path
        There: ``stems/ID.flac``, ``mix.flac`` (their sum) and ``final_mix.flac`` (the cue's own,
        where it has one), all of one length.
    content : CueContent
    ids : mapping of str to str
        Names of stems → what their files are called.
    rate : int
        Hz.
    """
    stems = {
        ids[name]: placed(stem, content.starts[name].seconds, rate)
        for name, stem in content.cue.stems.items()
    }
    own = content.mix
    mix = None if own is None else placed(own, content.mix_start.seconds, rate)
    every = [*stems.values(), *([mix] if mix else [])]
    total = max((s.first + s.count for s in every), default=0)
    peak = _write(folder, stems, mix, total, rate, 1.0)
    if peak <= HEADROOM:
        return 1.0
    gain = HEADROOM / peak
    _write(folder, stems, mix, total, rate, gain)
    return gain


def _write(
    folder: Path,
    stems: Mapping[str, Placed],
    mix: Placed | None,
    total: int,
    rate: int,
    gain: float,
) -> float:
    """Write the files of a track; return what its samples reach without the gain.

    From the first sample on that would pass full scale nothing is written: the files are to be
    written again.
    """
    turned, peak = np.float32(gain), 0.0
    with ExitStack() as stack:

        def opened(path: Path) -> Any:
            return stack.enter_context(flac_file(path, rate))

        writers = {name: opened(folder / "stems" / f"{name}.flac") for name in stems}
        summed = opened(folder / "mix.flac")
        for blocks, block in blocks_of(stems, total, rate):
            peak = max(peak, _peak(block), *map(_peak, blocks.values()))
            if peak * gain > _FULL_SCALE:
                continue
            for name, samples in blocks.items():
                writers[name].write(samples * turned)
            summed.write(block * turned)
        if mix is not None:
            own = opened(folder / "final_mix.flac")
            for blocks, _ in blocks_of({"mix": mix}, total, rate):
                peak = max(peak, _peak(blocks["mix"]))
                if peak * gain <= _FULL_SCALE:
                    own.write(blocks["mix"] * turned)
    return peak


def placed(sound: Stem | Mix, start: float, rate: int) -> Placed:
    """Return a sound that begins at ``start`` seconds, in samples."""
    return Placed(sound, round(start * rate), round(sound.duration_seconds * rate))


def flac_file(path: Path | BinaryIO, rate: int) -> Any:
    """Open a mono FLAC file of 24 bits to be written."""
    import soundfile as sf

    return sf.SoundFile(path, "w", samplerate=rate, channels=1, subtype="PCM_24", format="FLAC")


def _peak(samples: Array) -> float:
    return float(np.abs(samples).max(initial=0.0))


def blocks_of(
    sounds: Mapping[str, Placed], total: int, rate: int
) -> Iterator[tuple[dict[str, Array], Array]]:
    """Yield what sounds hold from 0 to ``total``, block by block, and their sum."""
    size = round(BLOCK_SECONDS * rate)
    for first in range(0, total if sounds else 0, size):
        count = min(size, total - first)
        blocks = {name: block_of(sound, first, count, rate) for name, sound in sounds.items()}
        summed = np.zeros(count, np.float32)
        for samples in blocks.values():
            summed += samples
        yield blocks, summed


def block_of(of: Placed, first: int, count: int, rate: int) -> Array:
    """Return samples of a track's file, silent where the sound has not begun or has ended."""
    out = np.zeros(count, np.float32)
    begin = max(first, of.first)
    end = min(first + count, of.first + of.count)
    if end > begin:
        samples = mono(of.sound, (begin - of.first) / rate, (end - begin) / rate, rate)
        n = min(len(samples), end - begin)
        out[begin - first : begin - first + n] = samples[:n]
    return out


def mono(stem: Stem | Mix, start: float, seconds: float, rate: int) -> np.ndarray[Any, Any]:
    """Return the mean of a sound's channels.

    Parameters
    ----------
    start, seconds : float
        From its own first sample; what lies beyond its end is not there.
    rate : int
        Hz.

    Returns
    -------
    np.ndarray, shape=(n_samples,), dtype=float32
    """
    samples: np.ndarray[Any, Any] = stem.audio(start, seconds, sample_rate=rate)
    mean: np.ndarray[Any, Any] = samples.mean(axis=0, dtype=np.float32)
    return mean
