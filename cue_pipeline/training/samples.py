"""Samples of stems and mixes, on one clock and in one layout."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cue_pipeline.audio.stereo_gains import stereo_gains

if TYPE_CHECKING:
    from pathlib import Path

    from cue_pipeline.reading import Library, Mix, Stem
    from cue_pipeline.warehouse.stem_index import MixRow

Float32 = NDArray[np.float32]

_KEPT_CUES: Final = 4_096


class Sounds:
    """Reads samples of a library's stems and mixes, from any thread.

    Parameters
    ----------
    library : Library
    """

    def __init__(self, library: Library) -> None:
        from cue_pipeline.audio.excerpt import ExcerptReader

        self._excerpts = ExcerptReader()
        self._cue = lru_cache(_KEPT_CUES)(library.__getitem__)
        self._folder = lru_cache(_KEPT_CUES)(self._find_folder)

    def stem(self, key: str, name: str) -> Stem:
        """Return a stem, of a cue that is opened once."""
        return self._cue(key).stems[name]

    def mix(self, key: str, name: str) -> Mix:
        """Return a mix, of a cue that is opened once."""
        return self._cue(key).mixes[name]

    def read_stem(self, key: str, name: str, start: float, rate: int, out: Float32) -> None:
        """Fill an array, shape=(channels, n), with a stem from ``start`` on, on its own clock."""
        self._read(self.stem(key, name), self._folder(key), start, rate, out)

    def read_mix(self, key: str, name: str, start: float, rate: int, out: Float32) -> None:
        """Fill an array, shape=(channels, n), with a mix from ``start`` on, on its own clock."""
        self._read(self.mix(key, name), self._folder(key), start, rate, out)

    def _find_folder(self, key: str) -> Path:
        return self._cue(key).folder

    def _read(self, sound: Stem | Mix, folder: Path, start: float, rate: int, out: Float32) -> None:
        filled, labels = 0, sound.labels
        for at, block in self._excerpts.blocks(
            folder, sound.row["channels"], start=start, n=out.shape[1], sample_rate=rate
        ):
            out[:, filled:at] = 0.0
            filled = at + block.shape[1]
            out[:, at:filled] = folded(block, labels, len(out))
        out[:, filled:] = 0.0


def folded(samples: Float32, labels: Sequence[str], channels: int) -> Float32:
    """Return samples in one channel, or in two.

    Parameters
    ----------
    samples : np.ndarray, shape=(n_channels, n)
    labels : sequence of str
        Of its channels.
    channels : int
        1: the mean of all, of which the mel is made. 2: left and right, by
        :func:`~cue_pipeline.audio.stereo_gains.stereo_gains`: a mono sound in both, wider ones
        folded down by Recommendation ITU-R BS.775.

    Returns
    -------
    np.ndarray, shape=(channels, n), dtype=float32
        Perhaps a view.
    """
    if channels == 1:
        if len(samples) == 1:
            return samples
        mean: Float32 = np.add(samples[0], samples[1])
        for other in samples[2:]:
            mean += other
        mean *= np.float32(1.0 / len(samples))
        return mean[None]
    if list(labels) == ["L", "R"]:
        return samples
    found: Float32 = stereo_gains(labels, audible=True) @ samples
    return found


def mixes_on_clock(
    mixes: Sequence[MixRow], starts: dict[tuple[str, str], float | None]
) -> tuple[dict[tuple[str, str], tuple[str, float]], dict[tuple[str, str], str]]:
    """Return the mix of each stem, and how much later than the stem it starts, or why not.

    Parameters
    ----------
    mixes : sequence of MixRow
    starts : dict of (str, str) to float or None
        Cue key and stem → where the stem starts on the clock of the cue's audio; None: not known.

    Returns
    -------
    found : dict of (str, str) to (str, float)
        Cue key and stem → the mix's name, and the seconds to add to a time of the stem for one of
        the mix.
    lacking : dict of (str, str) to str
        Cue key and stem → why its mix is not known, or not where.
    """
    of_cue: dict[str, MixRow] = {}
    for mix in mixes:
        known = of_cue.get(mix.cue_key)
        if known is None or (known.role != "mix" and mix.role == "mix"):
            of_cue[mix.cue_key] = mix
    timed = {key for (key, _), start in starts.items() if start is not None}
    found, lacking = {}, {}
    for (key, stem), start in starts.items():
        own = of_cue.get(key)
        if own is None:
            lacking[key, stem] = "its cue has no mix"
        elif start is not None and own.start_offset_seconds is not None:
            found[key, stem] = own.name, start - own.start_offset_seconds
        elif start is None and own.start_offset_seconds is None and key not in timed:
            found[key, stem] = own.name, 0.0  # consolidated files begin together
        else:
            lacking[key, stem] = f"nothing tells where mix '{own.name}' starts beside it"
    return found, lacking
