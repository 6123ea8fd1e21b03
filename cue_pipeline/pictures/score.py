"""Pictures of the score: the tempo with its bars, and every track's notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cue_pipeline.mapping.tracks import track_labels
from cue_pipeline.pictures.canvas import (
    AMBER,
    BLUE,
    FAINT,
    GRID,
    ICE,
    LEVELS,
    WIDTH,
    Canvas,
    time_axis,
)

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame

MOST_FILES = 4
MOST_TRACKS = 28
_LEFT, _RIGHT = 46, 14
_MOST_BARS = 40
_LANE, _NAMES = 20, 160


def tempo_picture(files: DataFrame) -> str:
    """Return the tempo of each MIDI file over its time, with bars, meters and markers.

    Parameters
    ----------
    files : DataFrame
        Rows of ``midi_files``; those of unusable files are left out, and what is beyond four.

    Returns
    -------
    str
        SVG.
    """
    usable = files[files["duration_seconds"].notna() & (files["duration_seconds"] > 0)]
    shown = usable.head(MOST_FILES)
    canvas = Canvas(max(1, len(shown)) * 172 + 8)
    for place, row in enumerate(shown.to_dict("records")):
        _tempo_of_file(canvas, 8 + place * 172, row)
    if shown.empty:
        canvas.text(WIDTH / 2, 96, "no file has any length", colour=FAINT, anchor="middle")
    return canvas.svg()


def _whose_clock(row: Mapping[Any, Any]) -> str:
    """Return a file's path, the time code at which it begins, and whose tempo map it follows."""
    told = [str(row["file_path"])]
    codes, leader = row.get("time_codes"), row.get("clock_from")
    if isinstance(codes, list) and codes:
        told.append(str(codes[0][3]))
    if isinstance(leader, str):
        told.append(f"clock of {leader}")
    return " · ".join(told)


def _tempo_of_file(canvas: Canvas, top: float, row: Mapping[Any, Any]) -> None:
    import numpy as np

    end, w = float(row["duration_seconds"]), WIDTH - _LEFT - _RIGHT
    times = np.array([entry[0] for entry in row["tempo_map"]], float)
    tempos = np.array([60e6 / entry[2] for entry in row["tempo_map"]], float)
    low, high = float(tempos.min()), float(tempos.max())
    margin = max(4.0, (high - low) * 0.15)
    low, high = low - margin, high + margin
    y0, h = top + 44, 96
    canvas.text(_LEFT, top + 14, _whose_clock(row), most=70)
    canvas.text(
        WIDTH - _RIGHT, top + 14, f"{tempos.min():.4g} to {tempos.max():.4g} quarters a minute"
        if len(tempos) > 1 else f"{tempos[0]:.4g} quarters a minute", colour=AMBER, anchor="end",
    )  # fmt: skip
    _bars(canvas, row, y0, h, w, end)
    for value in (low + margin, high - margin)[: 1 + (tempos.max() > tempos.min())]:
        at = y0 + h * (high - value) / (high - low)
        canvas.text(_LEFT - 6, at + 4, f"{value:.0f}", colour=FAINT, size=10, anchor="end")
    if len(times) > w:  # more changes than pixels: what holds at each pixel
        at_pixels = np.linspace(0, end, w)
        tempos = tempos[np.searchsorted(times, at_pixels, side="right") - 1]
        times = at_pixels
    x = _LEFT + w * np.clip(times / end, 0, 1)
    y = y0 + h * (high - tempos) / (high - low)
    points = [(float(x[0]), float(y[0]))]
    for i in range(1, len(x)):
        points += [(float(x[i]), float(y[i - 1])), (float(x[i]), float(y[i]))]
    canvas.polyline([*points, (_LEFT + w, float(y[-1]))], AMBER)
    time_axis(canvas, _LEFT, w, y0 + h + 18, end)


def _bars(
    canvas: Canvas, row: Mapping[Any, Any], y0: float, h: float, w: float, end: float
) -> None:
    """Draw bar lines, numbered; where there are many, every second, fifth or tenth."""
    import numpy as np

    from cue_pipeline.midi.timing import bars_beats_to_seconds, seconds_to_bars_beats

    clock = (row["tempo_map"], row["time_signature_map"], int(row["ticks_per_beat"]))
    last = int(seconds_to_bars_beats(end, *clock)[0])
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if last / s <= _MOST_BARS), None)
    step = step or -(-last // _MOST_BARS)
    bars = np.unique(np.concatenate([[1], np.arange(step, last + 1, step)]))
    at = _LEFT + w * bars_beats_to_seconds(bars, 1.0, *clock) / end
    every = max(1, -(-len(bars) // 20))
    for k, (bar, x) in enumerate(zip(bars, at, strict=True)):
        canvas.line(float(x), y0, float(x), y0 + h, GRID)
        if k % every == 0:
            canvas.text(float(x) + 2, y0 + h - 3, f"{bar}", colour=FAINT, size=9)
    _words(canvas, row, y0, w, end)


def _words(canvas: Canvas, row: Mapping[Any, Any], y0: float, w: float, end: float) -> None:
    """Write meters and markers above the curve, those that have room."""
    entries = [(e[0], f"{e[2]}/{e[3]}", BLUE, 0) for e in row["time_signature_map"]]
    entries += [(e[0], str(e[2]), FAINT, 1) for e in row["markers"]]
    free = [0.0, 0.0]
    for time, word, colour, line in sorted(entries, key=lambda e: e[0]):
        x = _LEFT + w * min(time / end, 1.0)
        cut = word[:24]
        if x < free[line] or x + 6 * len(cut) > WIDTH:
            continue
        canvas.text(x, y0 - 4 - 12 * line, cut, colour=colour, size=10)
        canvas.line(x, y0 - 4, x, y0 + 4, colour)
        free[line] = x + 6.5 * len(cut) + 8


def roll_picture(tracks: DataFrame, notes: DataFrame) -> str:
    """Return a piano roll of every track, one lane each, over the same time.

    Parameters
    ----------
    tracks : DataFrame
        Rows of ``midi_tracks``; of more than :data:`MOST_TRACKS` the first are drawn.
    notes : DataFrame
        Rows of ``midi_notes``.

    Returns
    -------
    str
        SVG. In each lane the track's lowest note lies at the bottom, its highest at the top.
    """
    shown = tracks.head(MOST_TRACKS)
    height = max(1, len(shown)) * (_LANE + 2) + 46
    canvas = Canvas(height + 14 * (len(tracks) > len(shown)))
    x, w = _NAMES, WIDTH - _NAMES - _RIGHT
    ends = (notes["start_time"] + notes["duration"]).to_numpy(float)
    end = max(float(ends.max(initial=0.0)), 1e-3)
    counts = notes.groupby("midi_track_id").size()
    for lane, (track_id, name) in enumerate(zip(shown["id"], track_labels(shown), strict=True)):
        y = 10 + lane * (_LANE + 2)
        of = notes[notes["midi_track_id"] == track_id]
        canvas.text(10, y + 14, name, most=17)
        canvas.rect(x, y, w, _LANE, "#1b2130")
        if len(of):
            levels = note_levels(of, 0.0, end, rows=_LANE, columns=w)
            canvas.raster(x, y, w, _LANE, levels, ("#1b2130", *ICE[1:]))
        label = f"{int(counts.get(track_id, 0)):,}"
        canvas.text(x - 8, y + 14, label, colour=FAINT, size=9, anchor="end")
    time_axis(canvas, x, w, 10 + len(shown) * (_LANE + 2) + 22, end)
    if len(tracks) > len(shown):
        canvas.text(10, height + 6, f"{len(tracks) - len(shown)} more tracks", colour=FAINT)
    return canvas.svg()


def note_levels(
    notes: DataFrame, start: float, end: float, *, rows: int, columns: int
) -> np.ndarray:
    """Return notes as levels: pitch upwards, time to the right, velocity as brightness.

    Parameters
    ----------
    notes : DataFrame
        ``note``, ``velocity``, ``start_time``, ``duration`` of at least one note.
    start, end : float
        Seconds at the left and right edge.
    rows, columns : int
        Size of the array. The rows span the notes' own range, an octave at least.
    """
    import numpy as np

    pitch = notes["note"].to_numpy(int)
    low, high = int(pitch.min()), int(pitch.max())
    spare = max(0, 12 - (high - low))
    low, span = low - spare // 2, high - low + spare
    row = np.round((rows - 1) * (1 - (pitch - low) / span)).astype(int)
    scale = columns / (end - start)
    begin = notes["start_time"].to_numpy(float)
    left = np.floor((begin - start) * scale).astype(int)
    right = np.ceil((begin + notes["duration"].to_numpy(float) - start) * scale).astype(int)
    inside = (right > 0) & (left < columns)
    left = np.clip(left, 0, columns - 1)
    right = np.clip(np.maximum(right, left + 1), 1, columns)
    level = 6 + notes["velocity"].to_numpy(int) * (LEVELS - 7) // 127
    # Each note adds its level at its left edge and takes it away at its right; summing along
    # time paints all of them at once.
    edges = np.zeros((rows, columns + 1), np.int64)
    np.add.at(edges, (row[inside], left[inside]), level[inside])
    np.subtract.at(edges, (row[inside], right[inside]), level[inside])
    return np.asarray(np.minimum(edges.cumsum(axis=1)[:, :columns], LEVELS - 1))
