"""Pictures of the sound: a thumbnail of each stem's spectrogram, and the mix beside its stems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cue_pipeline.pictures.canvas import (
    EMBER,
    FAINT,
    LEVELS,
    RELATIVE,
    WIDTH,
    Canvas,
    time_axis,
)

if TYPE_CHECKING:
    import numpy as np

MOST_STEMS = 24
MOST_PIXELS = 120_000
"""Of all thumbnails together: 60 kB if they were pure noise, half of it in music."""
RANGE_DB = 60.0
"""From the loudest shown to black."""
DIFFERENCE_DB = 12.0
"""Difference at which the colour is full."""
_MARGIN = 10


def mel_picture(mels: Mapping[str, np.ndarray], seconds: Mapping[str, float]) -> str:
    """Return a thumbnail of each stem's mel spectrogram, all on one scale of dB and of time.

    Parameters
    ----------
    mels : mapping of str to np.ndarray, shape=(n_frames, n_mels)
        Stem → dB re full scale. Of more than :data:`MOST_STEMS` the first are drawn.
    seconds : mapping of str to float
        Stem → its length.

    Returns
    -------
    str
        SVG; bass at the bottom. The cue's loudest value is brightest, 60 dB below it is black.
    """
    shown = list(mels)[:MOST_STEMS]
    columns = 2 if len(shown) > 3 else 1
    w, h = (WIDTH - _MARGIN * (columns + 1)) / columns, 40.0
    lines = -(-len(shown) // columns)
    canvas = Canvas(lines * (h + 18) + 12 + 16 * (len(mels) > len(shown)))
    top = max((float(mels[name].max()) for name in shown if mels[name].size), default=0.0)
    longest = max(seconds.values(), default=0.0) or 1.0
    for place, name in enumerate(shown):
        x = _MARGIN + (place % columns) * (w + _MARGIN)
        y = 18 + (place // columns) * (h + 18)
        canvas.text(x, y - 4, name, most=int(w / 7))
        canvas.rect(x, y, w, h, "#10141d")
        share = seconds[name] / longest
        if mels[name].size and share > 0:
            pixels = max(1, int(min(w, 480, MOST_PIXELS / (h * len(shown))) * share))
            levels = mel_levels(mels[name], top, rows=int(h), columns=pixels)
            canvas.raster(x, y, w * share, h, levels, EMBER)
            if float(mels[name].max()) < top - RANGE_DB:
                # A dark box alone looks like a picture that could not be drawn.
                canvas.text(x + 6, y + h / 2 + 4, "silent beside the others", colour=FAINT)
    if len(mels) > len(shown):
        canvas.text(_MARGIN, canvas.height - 8, f"{len(mels) - len(shown)} more", colour=FAINT)
    return canvas.svg()


def mix_picture(mix: str, mixed: np.ndarray, stems: Sequence[np.ndarray], length: float) -> str:
    """Return a mix above the power sum of its stems, and where the two differ.

    Parameters
    ----------
    mix : str
        The mix's name.
    mixed : np.ndarray, shape=(n_frames, n_mels)
        dB re full scale.
    stems : sequence of np.ndarray
        The same of each stem; none: the mix is drawn alone.
    length : float
        Seconds of the mix.

    Returns
    -------
    str
        SVG. Powers are added, which tells nothing of phase: whether the samples add up is what
        ``residual_db`` says.
    """
    import numpy as np

    x, w = _MARGIN, WIDTH - 2 * _MARGIN
    rows, columns = 56, w // 2
    top = float(mixed.max()) if mixed.size else 0.0
    bands: list[tuple[str, np.ndarray, Sequence[str]]] = [
        (mix, mel_levels(mixed, top, rows=rows, columns=columns), EMBER)
    ]
    if stems and mixed.size:
        mine = pooled(mixed, rows, columns)
        power = np.zeros((rows, columns))
        for stem in stems:
            fitted = np.full_like(mixed, -120.0, dtype=np.float32)
            n = min(len(stem), len(fitted))
            fitted[:n] = stem[:n]
            power += 10.0 ** (pooled(fitted, rows, columns) / 10)
        theirs = 10 * np.log10(np.maximum(power, 1e-12))
        offset = float(np.median((mine - theirs)[mine > top - RANGE_DB / 2]))
        difference = np.where(
            np.maximum(mine, theirs + offset) > top - RANGE_DB, mine - theirs - offset, 0.0
        )
        middle = (LEVELS - 1) / 2
        relative = np.round(middle + middle * np.clip(difference / DIFFERENCE_DB, -1, 1))
        told = f"sum of {len(stems)} stems, {offset:+.1f} dB"
        bands.append((told, _levels(theirs + offset, top), EMBER))
        told = "mix less stems: amber, the mix has more; blue, less"
        bands.append((told, relative.astype(np.uint8), RELATIVE))
    canvas = Canvas(len(bands) * (rows + 22) + 30)
    for place, (name, levels, palette) in enumerate(bands):
        y = 20 + place * (rows + 22)
        canvas.text(x, y - 5, name, most=90)
        canvas.raster(x, y, w, rows, levels, palette)
    time_axis(canvas, x, w, canvas.height - 8, max(length, 1e-3))
    return canvas.svg()


def mel_levels(mel: np.ndarray, top: float, *, rows: int, columns: int) -> np.ndarray:
    """Return a mel spectrogram as levels, bass at the bottom.

    Parameters
    ----------
    mel : np.ndarray, shape=(n_frames, n_mels)
        dB.
    top : float
        dB of the brightest level.
    rows, columns : int
        Size of the array.
    """
    return _levels(pooled(mel, rows, columns), top)


def pooled(mel: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the loudest of each cell when a spectrogram is cut to rows and columns."""
    import numpy as np

    n_frames, n_mels = mel.shape
    if not mel.size:
        return np.full((rows, columns), -120.0)
    starts = np.arange(columns) * n_frames // columns
    in_time = np.maximum.reduceat(mel, starts, axis=0)
    # An index that repeats (fewer frames than columns) gives that one frame, as it should.
    bands = np.arange(rows) * n_mels // rows
    cells = np.maximum.reduceat(in_time, bands, axis=1)
    return np.asarray(cells.T[::-1], np.float64)


def _levels(db: np.ndarray, top: float) -> np.ndarray:
    import numpy as np

    share = 1.0 - (top - db) / RANGE_DB
    return np.round(np.clip(share, 0.0, 1.0) * (LEVELS - 1)).astype(np.uint8)
