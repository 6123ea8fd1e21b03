"""Pictures of the match: how well each track fits each stem, and one of them note by note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cue_pipeline.hearing.heard_times import Knots, heard_times, is_cut, none_within
from cue_pipeline.pictures.canvas import (
    AMBER,
    EMBER,
    FAINT,
    GREEN,
    ICE,
    INK,
    LEVELS,
    RED,
    WIDTH,
    Canvas,
    time_axis,
)
from cue_pipeline.pictures.score import note_levels
from cue_pipeline.pictures.sound import mel_levels

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame

MOST_ROWS = 40
MOST_COLUMNS = 40
MIN_MARKED = 0.05
"""Score from which the best of a row is marked."""
MOST_CELLS = 300
"""Up to which each score is written into its cell."""
_LEFT, _RIGHT = 160, 14
_SHADES = ("#1b2130", *EMBER[1:6])


def evidence_picture(tracks: Sequence[str], groups: Sequence[str], scores: np.ndarray) -> str:
    """Return the scores of tracks (rows) against groups (columns) as a matrix.

    Parameters
    ----------
    tracks, groups : sequence of str
        Names.
    scores : np.ndarray, shape=(len(tracks), len(groups))
        0 to 1; NaN where the ear abstains.

    Returns
    -------
    str
        SVG. The best of each row is marked; a dot stands where the ear abstains.
    """
    import numpy as np

    scores = scores[:MOST_ROWS, :MOST_COLUMNS]
    n, m = scores.shape
    cell_w = min(64.0, (WIDTH - _LEFT - _RIGHT - 40) / max(1, m))
    cell_h, top = 18.0, 92.0
    canvas = Canvas(top + n * cell_h + 26)
    for j, group in enumerate(groups[:m]):
        canvas.text(_LEFT + (j + 0.4) * cell_w, top - 6, group, size=10, most=20, turned=True)
    if n * m > MOST_CELLS:
        levels = np.round(np.clip(np.nan_to_num(scores, nan=0.0), 0.0, 1.0) * (LEVELS - 1))
        # Each score fills 2 x 2 pixels, since a browser blurs what it stretches.
        blocks = np.kron(levels.astype(np.uint8), np.ones((2, 2), np.uint8))
        canvas.raster(_LEFT, top, m * cell_w, n * cell_h, blocks, _SHADES)
    for i, track in enumerate(tracks[:n]):
        y = top + i * cell_h
        canvas.text(_LEFT - 8, y + 13, track or f"(track {i})", anchor="end", most=22)
        if n * m <= MOST_CELLS:
            for j in range(m):
                _cell(canvas, _LEFT + j * cell_w, y, cell_w, cell_h, float(scores[i, j]))
        if np.nanmax(scores[i], initial=0.0) >= MIN_MARKED:
            best = int(np.nanargmax(scores[i]))
            canvas.rect(_LEFT + best * cell_w + 0.5, y + 0.5, 2.5, cell_h - 1, INK)
    more = [
        f"{len(names) - shown} more {what}"
        for names, shown, what in ((tracks, n, "tracks"), (groups, m, "stems"))
        if len(names) > shown
    ]
    canvas.text(
        _LEFT, canvas.height - 8,
        "; ".join(["score 0 to 1, the best of a row with a white edge, · not judged", *more]),
        colour=FAINT, size=10,
    )  # fmt: skip
    return canvas.svg()


def _cell(canvas: Canvas, x: float, y: float, w: float, h: float, score: float) -> None:
    middle = (x + w / 2, y + h / 2 + 4)
    if score != score:  # NaN
        canvas.text(*middle, "·", colour=FAINT, anchor="middle")
        return
    canvas.rect(x + 0.5, y + 0.5, w - 1, h - 1, _shade(score))
    if w >= 26:
        colour = INK if score < 0.8 else "#161b26"
        canvas.text(*middle, f"{score:.2f}", size=10, anchor="middle", colour=colour)


def _shade(score: float) -> str:
    place = min(max(score, 0.0), 1.0) * (len(_SHADES) - 1)
    low = min(int(place), len(_SHADES) - 2)
    a, b = ([int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in (_SHADES[low], _SHADES[low + 1]))
    mixed = (round(p + (q - p) * (place - low)) for p, q in zip(a, b, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


@dataclass(frozen=True, slots=True)
class Clock:
    """A row of ``stem_alignments`` that tells something."""

    lag_seconds: float
    knots: Knots
    method: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A track and the stem that it was mapped to.

    Attributes
    ----------
    track, stem : str
        Names.
    state : str
        As in ``track_mappings``.
    confidence : float
        0 to 1.
    notes : DataFrame
        The track's rows of ``midi_notes``.
    mel : np.ndarray, shape=(n_frames, n_mels)
        The stem's, dB re full scale.
    frames_per_second : float
        Of the spectrogram.
    clock : Clock or None
        Where the score is heard in the stem; None: not known.
    """

    track: str
    stem: str
    state: str
    confidence: float
    notes: DataFrame
    mel: np.ndarray
    frames_per_second: float
    clock: Clock | None = None


WINDOW_SECONDS = 45.0
"""What is shown of a pair: the stretch with the most notes."""


def alignment_picture(pairs: Sequence[Pair]) -> str:
    """Return each track's piano roll above the spectrogram of its stem, on the same time.

    Parameters
    ----------
    pairs : sequence of Pair
        Notes stand where they are heard, right above their sound; those outside the recording are
        not drawn.

    Returns
    -------
    str
        SVG, 45 seconds of each.
    """
    canvas = Canvas(len(pairs) * 186 + 8)
    for place, pair in enumerate(pairs):
        _pair(canvas, 8 + place * 186, pair)
    return canvas.svg()


def _pair(canvas: Canvas, top: float, pair: Pair) -> None:
    import numpy as np

    x, w, roll_h, mel_h = 10, WIDTH - 20, 56, 72
    length = len(pair.mel) / pair.frames_per_second
    notes, none = _heard(pair.notes, pair.clock, length)
    start = _busiest(notes["start_time"].to_numpy(float), length)
    end = min(start + WINDOW_SECONDS, max(length, start + 1.0))
    colour = {"auto": GREEN, "confirmed": GREEN, "review": AMBER}.get(pair.state, RED)
    canvas.text(x, top + 13, f"{pair.track} → {pair.stem}", most=64)
    known = "lag not known"
    if pair.clock is not None:
        known = f"lag {pair.clock.lag_seconds:+.3f} s, {_BY[pair.clock.method]}"
    canvas.text(
        x + w, top + 13, f"{pair.state}, {pair.confidence:.2f}, {known}", colour=colour,
        anchor="end",
    )  # fmt: skip
    canvas.rect(x, top + 20, w, roll_h, "#1b2130")
    if none is not None:
        canvas.text(x + w / 2, top + 24 + roll_h / 2, none, colour=AMBER, anchor="middle")
    else:
        levels = note_levels(notes, start, end, rows=roll_h // 2, columns=w)
        canvas.raster(x, top + 20, w, roll_h, levels, ("#1b2130", *ICE[1:]))
    first, last = (round(t * pair.frames_per_second) for t in (start, end))
    mel = np.asarray(pair.mel[max(first, 0) : last], np.float32)
    y = top + 22 + roll_h
    canvas.rect(x, y, w, mel_h, "#10141d")
    if mel.size:
        # What is not there (the file ends before the window does) stays empty.
        share = min(1.0, len(mel) / max(1, last - first))
        pixels = max(1, round(w * share / 2))
        shown = mel_levels(mel, float(mel.max()), rows=mel_h, columns=pixels)
        canvas.raster(x, y, w * share, mel_h, np.minimum(shown, LEVELS - 1), EMBER)
    time_axis(canvas, x, w, y + mel_h + 18, end, start)


_BY = {
    "sound": "by sound",
    "time_code": "by time codes",
    "bext": "by time references",
    "stated": "as stated",
}


def _heard(notes: DataFrame, clock: Clock | None, seconds: float) -> tuple[DataFrame, str | None]:
    """Return the notes within a recording, where they are heard, and why there are none.

    Where nothing tells the clock all stand as in the score.
    """
    if clock is None:
        return notes, None
    starts = heard_times(clock.knots, notes["start_time"])
    ends = heard_times(clock.knots, notes["start_time"] + notes["duration"])
    moved = notes.assign(start_time=starts, duration=ends - starts)
    inside = (ends > 0.0) & (starts < seconds) & ~is_cut(clock.knots, notes["start_time"])
    return moved[inside], none_within(starts, ends, seconds)


def _busiest(onsets: np.ndarray, length: float) -> float:
    """Return where a window with the most onsets starts, whole seconds within the file."""
    import numpy as np

    if length <= WINDOW_SECONDS or not len(onsets):
        return 0.0
    starts = np.arange(0.0, length - WINDOW_SECONDS + 1.0)
    ordered = np.sort(onsets)
    held = np.searchsorted(ordered, starts + WINDOW_SECONDS) - np.searchsorted(ordered, starts)
    return float(starts[int(held.argmax())])
