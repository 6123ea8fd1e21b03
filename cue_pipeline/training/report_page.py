"""The census of a library as one page of HTML: no server, no script, light and dark."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from cue_pipeline.cue.shown import shown
from cue_pipeline.errors import ExportError
from cue_pipeline.training.census import MOST_VOICES, STATES, Census, Notes
from cue_pipeline.training.exports.card import unit_of

_MOST_LISTED: Final = 100
_SERIES: Final = {"train": 1, "validation": 2, "test": 3}
_WIDTH, _BAR, _LEFT, _RIGHT = 720, 20, 150, 90
_NOTE_NAMES: Final = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def write_report(path: Path, census: Census, *, library: str) -> None:
    """Write the page; it has its name when it is whole.

    Parameters
    ----------
    path : Path
    census : Census
    library : str
        What it was counted of, as people may see it: no password.

    Raises
    ------
    ExportError
        If it cannot be written there.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(page(census, library=library), encoding="utf-8")
        part.replace(path)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise ExportError(
            f"'{path}' cannot be written: {e.strerror}. Name a file in a folder that is there and "
            "in which you may write."
        ) from None


def page(census: Census, *, library: str) -> str:
    """Return the page as HTML."""
    sections = [
        _overview(census),
        _hours(census),
        _polyphony(census),
        _pitches(census),
        _velocities(census),
        _clocks(census),
        _states(census),
        _repetitions(census),
        _left_out(census),
    ]
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by cue-pipeline {version('cue-pipeline')}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Data set: {_text(library)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>What {_text(library)} holds for training</h1><p class='made'>Counted {made}.</p>"
        + "\n".join(sections)
        + "</main></body></html>\n"
    )


def _text(value: Any) -> str:
    return html.escape(shown(str(value)))


def _section(title: str, said: str, *parts: str) -> str:
    body = "".join(parts)
    return f"<section><h2>{html.escape(title)}</h2><p>{said}</p>{body}</section>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    body = "".join(
        "<tr>" + "".join(f"<td{_kind(v)}>{_cell(v)}</td>" for v in row) + "</tr>" for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class='wide'>{table}</div>"


def _kind(value: Any) -> str:
    return " class='n'" if isinstance(value, (int, float)) else ""


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else _text(value)


def _series(split: str) -> int:
    return _SERIES.get(split, 4)


def _legend(splits: Sequence[str]) -> str:
    items = "".join(f"<li><span class='k s{_series(s)}'></span>{_text(s)}</li>" for s in splits)
    return f"<ul class='legend'>{items}</ul>"


def _bars(rows: Sequence[tuple[str, Sequence[tuple[int, float]], str]], label: str) -> str:
    """Return stacked bars: of each row its name, its parts (series and length) and its value."""
    most = max((sum(n for _, n in parts) for _, parts, _ in rows), default=0.0) or 1.0
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    shapes = []
    for i, (name, parts, value) in enumerate(rows):
        y, x = i * (_BAR + 6), float(_LEFT)
        middle = y + _BAR * 0.72
        shapes.append(f"<text x='{_LEFT - 8}' y='{middle:.1f}' class='r'>{_text(name)}</text>")
        for series, length in parts:
            width = length * scale
            if width > 0:
                shapes.append(
                    f"<rect x='{x:.1f}' y='{y}' width='{max(width, 0.5):.1f}' height='{_BAR}' "
                    f"class='s{series}'/>"
                )
            x += width
        shapes.append(f"<text x='{x + 6:.1f}' y='{middle:.1f}'>{_text(value)}</text>")
    return _svg(len(rows) * (_BAR + 6), label, shapes)


def _columns(values: Sequence[float], names: Sequence[str], label: str, every: int = 1) -> str:
    """Return a histogram: upright bars with names below."""
    height, most = 140, max(values, default=0.0) or 1.0
    step = (_WIDTH - 20) / max(1, len(values))
    shapes = []
    for i, (value, name) in enumerate(zip(values, names, strict=True)):
        tall = height * value / most
        x = 10 + i * step
        if value > 0:
            shapes.append(
                f"<rect x='{x:.1f}' y='{height - tall:.1f}' width='{max(step - 1.5, 0.8):.1f}' "
                f"height='{max(tall, 0.5):.1f}' class='s1'>"
                f"<title>{_text(name)}: {value:,.4g}</title></rect>"
            )
        if i % every == 0:
            shapes.append(
                f"<text x='{x + step / 2:.1f}' y='{height + 16}' class='m'>{_text(name)}</text>"
            )
    shapes.append(f"<line x1='10' x2='{_WIDTH - 10}' y1='{height}' y2='{height}'/>")
    return _svg(height + 24, label, shapes)


def _svg(height: float, label: str, shapes: Sequence[str]) -> str:
    return (
        f"<svg viewBox='0 0 {_WIDTH} {height:.0f}' role='img' aria-label='{html.escape(label)}'>"
        f"{''.join(shapes)}</svg>"
    )


# Sections


def _overview(census: Census) -> str:
    rows = []
    for split in census.splits:
        seconds = sum(s for (_, of), s in census.seconds.items() if of == split)
        complete = census.complete_seconds[split] / seconds if seconds else 0.0
        rows.append(
            (split, census.cues[split], census.stems[split], _duration(seconds), f"{complete:.0%}")
        )
    notes = sum(n.count for n in census.notes.values())
    return _section(
        "Splits",
        f"{sum(census.cues.values()):,} cues, {sum(census.stems.values()):,} stems, {notes:,} "
        "notes that are labels. Labels of a stem are complete where nothing in review or unmatched "
        "could sound in it; the last column is the share of the sound that is in such stems.",
        _table(("split", "cues", "stems", "sound of stems", "of it with complete labels"), rows),
    )


def _hours(census: Census) -> str:
    totals: dict[str, float] = {}
    for (category, _), seconds in census.seconds.items():
        totals[category] = totals.get(category, 0.0) + seconds
    ordered = sorted(totals, key=lambda c: (-totals[c], c))
    bars = [
        (
            category,
            [(_series(s), census.seconds.get((category, s), 0.0)) for s in census.splits],
            _duration(totals[category]),
        )
        for category in ordered
    ]
    unit, per_hour, digits = unit_of(sum(totals.values()) / 3600)
    rows = []
    for c in ordered:
        of_splits = (census.seconds.get((c, s), 0.0) for s in census.splits)
        told = (f"{s / 3600 * per_hour:,.{digits}f}" for s in (*of_splits, totals[c]))
        rows.append((c, *told))
    return _section(
        "Sound by category",
        "Length of stems, silence included, by the category of the stem.",
        _legend(census.splits),
        _bars(bars, "Sound by category and split"),
        _details(f"In {unit}", _table(("category", *census.splits, "all"), rows)),
    )


def _details(title: str, body: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>{body}</details>"


def _duration(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:,.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _polyphony(census: Census) -> str:
    total = sum(census.voices.values(), np.zeros(MOST_VOICES + 1))
    names = [str(i) for i in range(MOST_VOICES)] + [f"{MOST_VOICES}+"]
    share = (100 * total / total.sum()).tolist() if total.sum() else total.tolist()
    rows = []
    for category, seconds in sorted(census.voices.items()):
        sounding = seconds[1:].sum()
        mean = (
            float((seconds[1:] * np.arange(1, MOST_VOICES + 1)).sum() / sounding)
            if sounding
            else 0.0
        )
        most = int(np.flatnonzero(seconds).max(initial=0))
        rows.append((category, f"{sounding / seconds.sum():.0%}", mean, names[most]))
    return _section(
        "Polyphony",
        "Of the time of stems with labels, per cent in which so many keys are down at once (pedals "
        "not counted).",
        _columns(share, names, "Share of time by number of keys that are down"),
        _table(("category", "some key down", "keys at once, mean", "most"), rows),
    )


def _quantiles(counts: np.ndarray[Any, Any]) -> list[int]:
    """Return least, 5 %, median, 95 % and greatest of a histogram."""
    summed = np.cumsum(counts)
    at = [1, *(np.ceil(q * summed[-1]) for q in (0.05, 0.5, 0.95)), summed[-1]]
    return [int(np.searchsorted(summed, k)) for k in at]


def _pitches(census: Census) -> str:
    some = _with_notes(census.notes)
    shapes, step = [], _BAR + 6
    scale = (_WIDTH - _LEFT - _RIGHT) / 127
    for i, (name, notes) in enumerate(some):
        least, low, middle, high, greatest = (_LEFT + scale * p for p in _quantiles(notes.pitches))
        y = i * step + _BAR / 2
        shapes += [
            f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' class='r'>{_text(name)}</text>",
            f"<line x1='{least:.1f}' x2='{greatest:.1f}' y1='{y:.1f}' y2='{y:.1f}'/>",
            f"<rect x='{low:.1f}' y='{y - 7:.1f}' width='{max(high - low, 1):.1f}' height='14' "
            "class='s1'/>",
            f"<line x1='{middle:.1f}' x2='{middle:.1f}' y1='{y - 9:.1f}' y2='{y + 9:.1f}' "
            "class='strong'/>",
        ]
    for octave in range(0, 128, 24):
        x = _LEFT + scale * octave
        shapes.append(
            f"<text x='{x:.1f}' y='{len(some) * step + 12}' class='m'>{_note(octave)}</text>"
        )
    rows = [
        (name, notes.count, *(f"{_note(p)} ({p})" for p in _quantiles(notes.pitches)))
        for name, notes in some
    ]
    return _section(
        "Pitch",
        "The line is all notes of a category, the box 90 % of them, the mark the median. 60 is C4.",
        _svg(len(some) * step + 18, "Range of pitches by category", shapes),
        _details("In numbers",
                 _table(("category", "notes", "lowest", "5 %", "median", "95 %", "highest"), rows)),
    )  # fmt: skip


def _with_notes(notes: Mapping[str, Notes]) -> list[tuple[str, Notes]]:
    return sorted((item for item in notes.items() if item[1].count), key=lambda i: -i[1].count)


def _note(pitch: int) -> str:
    return f"{_NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}"


def _velocities(census: Census) -> str:
    total = sum((n.velocities for n in census.notes.values()), np.zeros(128, np.int64))
    names = [str(v) for v in range(128)]
    rows = [
        (name, *_quantiles(notes.velocities), int(np.count_nonzero(notes.velocities)))
        for name, notes in _with_notes(census.notes)
    ]
    return _section(
        "Velocity",
        "Notes by velocity. A category of one velocity was drawn, not played.",
        _columns(total.tolist(), names, "Notes by velocity", every=16),
        _table(("category", "lowest", "5 %", "median", "95 %", "highest", "different"), rows),
    )


def _clocks(census: Census) -> str:
    names = [f"{i / 10:.1f}–{(i + 1) / 10:.1f}" for i in range(10)]
    bars = [
        (
            names[i],
            [(_series(s), float(census.confidences[s][i])) for s in census.splits],
            f"{sum(int(census.confidences[s][i]) for s in census.splits):,}",
        )
        for i in range(9, -1, -1)
    ]
    return _section(
        "Alignment",
        "Stems by the confidence of the clock that puts the score's notes into them, and what "
        "tells it. Where nothing does (<code>none</code>), notes are no labels.",
        _legend(census.splits),
        _bars(bars, "Stems by confidence of their clock"),
        _table(("told by", "stems × MIDI files"), census.methods.most_common()),
    )


def _states(census: Census) -> str:
    rows = []
    for split in census.splits:
        counts = census.states[split]
        n = sum(counts.values())
        share = counts["review"] / n if n else 0.0
        rows.append((split, *(counts[state] for state in STATES), n, f"{share:.0%}"))
    return _section(
        "Review",
        "Tracks with notes by the state of their mapping. Only <code>confirmed</code> and "
        "<code>auto</code> are labels; <code>cue-pipeline mappings CUE --review</code> shows what "
        "waits for a person.",
        _table(("split", *STATES, "tracks", "in review"), rows),
    )


def _repetitions(census: Census) -> str:
    across = [r for r in census.repetitions if r.split != r.of_split]
    ordered = sorted(census.repetitions, key=lambda r: (r.split == r.of_split, -r.share))
    rows = [
        (r.cue_key, r.split, r.of, r.of_split, f"{r.share:.0%} of {r.why}")
        for r in ordered[:_MOST_LISTED]
    ]
    told = f"{len(ordered):,} cues repeat another one; {len(across):,} of them across splits."
    if across:
        told += " Those come first: <code>cue-pipeline splits make</code> brings them together."
    if len(ordered) > _MOST_LISTED:
        told += f" The first {_MOST_LISTED} are listed."
    heads = ("cue", "split", "repeats", "split of that", "how much")
    return _section("Repetitions", told, _table(heads, rows) if rows else "")


def _left_out(census: Census) -> str:
    rows = list(census.left_out.items())
    told = f"{len(rows):,} cues are not counted here."
    if len(rows) > _MOST_LISTED:
        told += f" The first {_MOST_LISTED} are listed."
    return _section(
        "Not counted", told, _table(("cue", "why"), rows[:_MOST_LISTED]) if rows else ""
    )


_STYLE: Final = """
:root{--ground:#fff;--ink:#1c1f24;--faint:#5b6470;--line:#c8ced6;--s1:#2f6db5;--s2:#b3611a;
--s3:#2e7d4f;--s4:#7a7f87;--strong:#111}
@media (prefers-color-scheme:dark){:root{--ground:#15181c;--ink:#e6e9ed;--faint:#a3acb8;
--line:#3a424c;--s1:#6aa8ee;--s2:#e59a53;--s3:#64bd8a;--s4:#9aa1ab;--strong:#fff}}
body{background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:0}
main{max-width:760px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:24px}h2{font-size:18px;margin:40px 0 4px}p,.made{color:var(--faint);margin:4px 0 12px}
svg{width:100%;height:auto;margin:8px 0}svg text{fill:var(--ink);font-size:12px}
svg text.r{text-anchor:end}svg text.m{text-anchor:middle;fill:var(--faint)}
svg line{stroke:var(--faint)}svg line.strong{stroke:var(--strong);stroke-width:2}
.s1{fill:var(--s1);background:var(--s1)}.s2{fill:var(--s2);background:var(--s2)}
.s3{fill:var(--s3);background:var(--s3)}.s4{fill:var(--s4);background:var(--s4)}
.legend{display:flex;gap:16px;list-style:none;padding:0;margin:4px 0}
.k{display:inline-block;width:12px;height:12px;margin-right:6px;vertical-align:-1px}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid var(--line);
vertical-align:top}td.n{font-variant-numeric:tabular-nums}summary{cursor:pointer;color:var(--faint)}
code{font-size:13px}
"""
