"""The samples of tar shards: windows of a stem, or whole cues, as files."""

from __future__ import annotations

import io
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.training.exports.cue_audio import SURELY_BELOW, flac_file, mono, write_audio
from cue_pipeline.training.exports.cue_content import CueContent

if TYPE_CHECKING:
    from cue_pipeline.reading import Stem
    from cue_pipeline.training.exports.selection import Chosen

STEMS: Final = "stems"
"""In rows that are not written yet: what the card counts."""


@dataclass(frozen=True)
class Cut:
    """How samples are cut.

    Attributes
    ----------
    seconds, hop : float or None
        Length of a window, and from one to the next; None: whole cues.
    sample_rate : int
        Hz.
    """

    seconds: float | None
    hop: float | None
    sample_rate: int


@dataclass(frozen=True)
class Sample:
    """One sample, before it is in a shard.

    Attributes
    ----------
    name : str
    files : mapping of str to bytes or Path
        What follows the name, and what it holds.
    row : dict
        Of the index, but for ``sample`` and ``shard``.
    """

    name: str
    files: Mapping[str, bytes | Path]
    row: dict[str, Any]


def samples_of(chosen: Chosen, cut: Cut, scratch: Path, first: int = 0) -> Iterator[Sample]:
    """Yield the samples of one cue, in the order of stem and time.

    Parameters
    ----------
    chosen : Chosen
    cut : Cut
    scratch : Path
        A folder for what is too long for memory; overwritten by the next.
    first : int
        How many are left out at the beginning; they are not computed.
    """
    content = CueContent(chosen.cue)
    if cut.seconds is None:
        yield _whole(chosen, content, cut.sample_rate, scratch)
        return
    hop = cut.hop or cut.seconds
    places = [
        ((i, name, stem), k * hop)
        for i, (name, stem) in enumerate(chosen.cue.stems.items())
        for k in range(max(1, math.ceil(stem.duration_seconds / hop)))
    ]
    if first == 0:
        for stem in chosen.cue.stems.values():
            stem.audio(0.0, 0.0)  # a file that is gone or another leaves out the whole cue
    for of, start in places[first:]:
        yield _window(chosen, content, of, start, cut)


def _window(
    chosen: Chosen, content: CueContent, of: tuple[int, str, Stem], start: float, cut: Cut
) -> Sample:
    i, name, stem = of
    seconds, rate = float(cut.seconds or 0.0), cut.sample_rate
    count = round(seconds * rate)
    gain = _gain(stem)
    begin = content.starts[name].seconds + start
    mine = content.notes[content.notes["stem"] == name]
    mine = mine[(mine["start"] < begin + seconds) & (mine["sounds_until"] > begin)]
    row = {
        "split": chosen.split or "",
        "cue_key": chosen.cue.key,
        "stem": name,
        "instrument_category": stem.category or "",
        "start_seconds": round(start, 6),
        "seconds": seconds,
        "notes": len(mine),
        "labels_complete": content.complete(name, start, start + seconds),
    }
    samples = np.zeros(count, np.float32)
    heard = mono(stem, start, seconds, rate)[:count]
    samples[: len(heard)] = heard * np.float32(gain)
    told = {
        **row,
        "split": chosen.split,
        "instrument_category": stem.category,
        "sounding_seconds": round(len(heard) / rate, 6),
        "sample_rate": rate,
        "gain": gain,
        "stem_start_seconds": round(content.starts[name].seconds, 6),
        "notes": _notes(mine, begin),
    }
    if start == 0.0:
        row[STEMS] = [_counted(content, name)]
    key = f"{chosen.cue.id:016x}-{i:03}-{round(start * 1_000):08}"
    return Sample(key, {"flac": _encoded(samples, rate), "json": _json(told)}, row)


def _counted(content: CueContent, name: str) -> list[Any]:
    """Return what the card counts a stem by: category, seconds, and whether labels are complete."""
    stem = content.cue.stems[name]
    return [stem.category, stem.duration_seconds, name not in content.incomplete]


def _gain(stem: Stem) -> float:
    """Return what keeps a stem below full scale, resampled too; 1 where nothing passes it."""
    peak = stem.row.get("peak_dbfs")
    level = 0.0 if peak is None or peak != peak else 10.0 ** (peak / 20.0)
    return 1.0 if level <= SURELY_BELOW else float(SURELY_BELOW / level)


def _notes(notes: Any, begin: float) -> list[list[float]]:
    columns = (
        (notes["start"] - begin).round(6).tolist(),
        (notes["sounds_until"] - begin).round(6).tolist(),
        notes["note"].tolist(),
        notes["velocity"].tolist(),
    )
    return [list(row) for row in zip(*columns, strict=True)]


def _encoded(samples: np.ndarray[Any, Any], rate: int) -> bytes:
    buffer = io.BytesIO()
    with flac_file(buffer, rate) as file:
        file.write(samples)
    return buffer.getvalue()


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _whole(chosen: Chosen, content: CueContent, rate: int, scratch: Path) -> Sample:
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "stems").mkdir(parents=True)
    ids = {name: f"s{i:02}" for i, name in enumerate(chosen.cue.stems)}
    gain = write_audio(scratch, content, ids, rate)
    files: dict[str, bytes | Path] = {
        f"{stem_id}.flac": scratch / "stems" / f"{stem_id}.flac" for stem_id in ids.values()
    }
    files |= {path.name: path for path in sorted(scratch.glob("*.flac"))}
    told = {
        "cue_key": chosen.cue.key,
        "split": chosen.split,
        "project": chosen.cue.project,
        "seconds": round(content.seconds, 6),
        "sample_rate": rate,
        "gain": gain,
        "stems": {
            stem_id: {
                "name": name,
                "instrument_category": chosen.cue.stems[name].category,
                "labels_complete": name not in content.incomplete,
                "start_seconds": round(content.starts[name].seconds, 6),
                "start_doubt": content.starts[name].doubt,
                "notes": _notes(content.notes[content.notes["stem"] == name], 0.0),
            }
            for name, stem_id in ids.items()
        },
    }
    row = {
        "split": chosen.split or "",
        "cue_key": chosen.cue.key,
        "stem": "",
        "instrument_category": "",
        "start_seconds": 0.0,
        "seconds": round(content.seconds, 6),
        "notes": len(content.notes),
        "labels_complete": not content.incomplete,
        STEMS: [_counted(content, name) for name in ids],
    }
    return Sample(f"{chosen.cue.id:016x}", {**files, "json": _json(told)}, row)
