"""A data set as tar shards for WebDataset: windows of stems, or whole cues.

A *sample* is the files of one name in a shard. Of windows: ``NAME.flac``, ``NAME.json``. Of whole
cues: ``NAME.s00.flac`` and so on for each stem, ``NAME.mix.flac`` (their sum),
``NAME.final_mix.flac`` (the cue's own mix, where it has one), ``NAME.json``. Names have no dot:
WebDataset takes what follows the first for the kind.

References
----------
Aizman, A., Maltby, G., Breuel, T. High performance I/O for large scale deep learning. IEEE Big Data
2019; the file format is POSIX ustar (IEEE Std 1003.1, pax).
"""

from __future__ import annotations

import io
import json
import math
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from cue_pipeline.training.exports.card import Account, Hours, RecordSet, write_cards
from cue_pipeline.training.exports.cue_audio import SURELY_BELOW, flac_file, mono, write_audio
from cue_pipeline.training.exports.cue_content import CueContent
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.manifest import read_manifest
from cue_pipeline.training.exports.parquet_tables import NO_SPLIT, in_order
from cue_pipeline.training.exports.row_log import RowLog, flush
from cue_pipeline.training.exports.selection import Chosen, Selection, leaving_out, select
from cue_pipeline.training.exports.unfinished import Unfinished

if TYPE_CHECKING:
    from cue_pipeline.reading import Library, Stem

_SCRATCH: Final = ".scratch"
_STEMS: Final = "stems"  # in rows that are not written yet: what the card counts
_MEGABYTE: Final = 1 << 20

INDEX_COLUMNS: Final = {
    "sample": "text", "shard": "text", "split": "text", "cue_key": "text", "stem": "text",
    "instrument_category": "text", "start_seconds": "float", "seconds": "float",
    "notes": "integer", "labels_complete": "boolean",
}  # fmt: skip

_LAYOUT: Final = """
Tar files (POSIX ustar) by split and number, and `index.csv`, a row for every sample. Files of a \\
sample have one name:

| file | what |
|---|---|
| `NAME.flac` | of windows: the mean of the stem's channels, 24 bits, silent beyond its end |
| `NAME.s00.flac`, … | of whole cues: each stem, on one clock |
| `NAME.mix.flac`, `NAME.final_mix.flac` | of whole cues: the sum of the stems; the cue's own mix |
| `NAME.json` | what it is of, `gain` of its sound, `labels_complete`, and `notes`: `[start, end, \\
pitch, velocity]`, in seconds from its first sample |

In windows a note that sounds already has a start below 0, one that goes on has an end beyond. \\
Shards are in the order of cues: shuffle them, and samples in a buffer.

```python
import webdataset as wds
data = wds.WebDataset("train-000000.tar").to_tuple("flac", "json")
```
"""


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


class Webdataset:
    """Writes and verifies the format ``webdataset``."""

    def write(self, request: Request) -> Mapping[str, Any]:
        """Write a data set; return counts."""
        selection = select(request.library, request.split)
        cut = _cut(request.options)
        most = float(request.options.get("shard_mb") or 256) * _MEGABYTE
        settings = {
            "format": "webdataset",
            "license": request.license,
            "split": request.split,
            "data": selection.digest,
            "shard_mb": most / _MEGABYTE,
            **cut.__dict__,
        }
        export = Unfinished(request.out, settings, resume=request.resume)
        progress: dict[str, Any] = {
            "cues": 0,
            "samples": 0,
            "shards": [],
            "bytes": 0,
            "left_out": {},
        }
        progress |= export.progress
        log = RowLog(export.folder, progress["bytes"])
        _remove_unnoted(export.folder, progress["shards"])
        unread: dict[str, str] = progress["left_out"]
        ordered = in_order(selection.chosen)
        while progress["cues"] < len(ordered):
            shard = _Shard(export.folder, progress, ordered)
            shard.fill(cut, most, unread, request)
            progress = {**progress, **shard.close(log), "left_out": unread}
            export.keep(progress)
        shutil.rmtree(export.folder / _SCRATCH, ignore_errors=True)
        return _finish(export, request, selection.without(unread), log, settings)

    def faults(self, out: Path, library: Library | None) -> list[str]:
        """Return what is wrong with a data set whose files are those of its manifest."""
        description = read_manifest(out)["description"]
        settings = description["settings"]
        cut = Cut(settings["seconds"], settings["hop"], settings["sample_rate"])
        faults, n = [], 0
        last: tuple[str, dict[str, Sample]] = ("", {})
        for path in sorted(out.glob("*.tar")):
            for name, files in read_samples(path):
                n += 1
                if library is not None:
                    last = _expected(files, library, cut, last)
                    faults += _sample_faults(f"{path.name}: {name}", files, last[1].get(name))
        if n != description["counts"]["samples"]:
            faults.append(
                f"{n} samples are there; {description['counts']['samples']} were written."
            )
        return faults


def _cut(options: Mapping[str, Any]) -> Cut:
    if options.get("whole"):
        return Cut(None, None, int(options.get("sample_rate") or 48_000))
    seconds = float(options.get("seconds") or 10.0)
    return Cut(
        seconds, float(options.get("hop") or seconds), int(options.get("sample_rate") or 48_000)
    )


def _remove_unnoted(folder: Path, shards: Sequence[str]) -> None:
    for file in folder.glob("*.tar"):
        if file.name not in shards:
            file.unlink()


class _Shard:
    """A tar file, which is filled from where the last one ended."""

    def __init__(
        self, folder: Path, progress: Mapping[str, Any], ordered: Sequence[Chosen]
    ) -> None:
        self._folder, self._ordered = folder, ordered
        self._cues, self._samples = int(progress["cues"]), int(progress["samples"])
        self._split = ordered[self._cues].split or NO_SPLIT
        self._shards = list(progress["shards"])
        number = sum(name.startswith(f"{self._split}-") for name in self._shards)
        self._name = f"{self._split}-{number:06}.tar"
        self._tar = tarfile.open(folder / self._name, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self._rows: list[dict[str, Any]] = []

    def fill(self, cut: Cut, most: float, unread: dict[str, str], request: Request) -> None:
        """Append samples until the shard is full, or its split is at its end."""
        while self._cues < len(self._ordered) and self._tar.offset < most:
            chosen = self._ordered[self._cues]
            if (chosen.split or NO_SPLIT) != self._split:
                return
            request.say(f"{chosen.cue.key} → {self._name}")
            with leaving_out(chosen, unread, request.say):
                scratch = self._folder / _SCRATCH
                for sample in samples_of(chosen, cut, scratch, first=self._samples):
                    self._add(sample)
                    self._samples += 1
                    if self._tar.offset >= most:
                        return
            if chosen.cue.key in unread and self._samples:
                unread[chosen.cue.key] += f" ({self._samples} samples before that are in it)"
            self._cues, self._samples = self._cues + 1, 0

    def _add(self, sample: Sample) -> None:
        for kind, content in sample.files.items():
            info = tarfile.TarInfo(f"{sample.name}.{kind}")
            info.mode = 0o644
            if isinstance(content, Path):
                info.size = content.stat().st_size
                with content.open("rb") as file:
                    self._tar.addfile(info, file)
            else:
                info.size = len(content)
                self._tar.addfile(info, io.BytesIO(content))
        self._rows.append({"sample": sample.name, "shard": self._name, **sample.row})

    def close(self, log: RowLog) -> dict[str, Any]:
        """Have the file on the disk; return what is to be noted."""
        self._tar.close()
        if not self._rows:
            (self._folder / self._name).unlink()
        else:
            flush(self._folder / self._name)
            self._shards.append(self._name)
        return {
            "cues": self._cues,
            "samples": self._samples,
            "shards": self._shards,
            "bytes": log.add(self._rows),
        }


# Samples


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
    mine = mine[(mine["start"] < begin + seconds) & (mine["end"] > begin)]
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
        row[_STEMS] = [_counted(content, name)]
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
        (notes["end"] - begin).round(6).tolist(),
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
        _STEMS: [_counted(content, name) for name in ids],
    }
    return Sample(f"{chosen.cue.id:016x}", {**files, "json": _json(told)}, row)


# The end, and what comes after it


def _finish(
    export: Unfinished,
    request: Request,
    selection: Selection,
    log: RowLog,
    settings: Mapping[str, Any],
) -> Mapping[str, Any]:
    hours, n, notes = Hours(), 0, 0
    for row in log:
        n += 1
        notes += row["notes"]
        for category, seconds, complete in row.get(_STEMS, ()):
            hours.add(category, row["split"], seconds, complete)
    log.write_csv(export.folder / "index.csv", list(INDEX_COLUMNS))
    counts = {"cues": len(selection.chosen), "stems": hours.stems, "samples": n, "notes": notes}
    shaped = {k: settings[k] for k in ("seconds", "hop", "sample_rate", "shard_mb")}
    account = Account.of("webdataset", request, selection, counts, shaped, hours)
    records = [RecordSet("samples", "index.csv", INDEX_COLUMNS)]
    write_cards(export.folder, account, layout=_LAYOUT, record_sets=records)
    export.finish("webdataset", account.description())
    return counts


def read_samples(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield name and files of every sample of a shard."""
    with tarfile.open(path, "r:") as tar:
        name = ""
        files: dict[str, bytes] = {}
        for member in tar:
            of, _, kind = member.name.partition(".")
            if of != name and files:
                yield name, files
                files = {}
            name = of
            file: BinaryIO | None = tar.extractfile(member)  # type: ignore[assignment]
            files[kind] = b"" if file is None else file.read()
        if files:
            yield name, files


def _expected(
    files: Mapping[str, bytes], library: Library, cut: Cut, last: tuple[str, dict[str, Sample]]
) -> tuple[str, dict[str, Sample]]:
    """Return a cue's samples as they would be cut now: of one cue at a time."""
    told = json.loads(files["json"])
    key = told["cue_key"]
    if key == last[0]:
        return last
    if key not in library:
        return key, {}
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        chosen = Chosen(library[key], told["split"], {})
        return key, {s.name: _loaded(s) for s in samples_of(chosen, cut, Path(scratch))}


def _loaded(sample: Sample) -> Sample:
    """Return a sample whose files are digests, so that a cue's fit into memory."""
    import hashlib

    digests = {
        kind: hashlib.sha256(c.read_bytes() if isinstance(c, Path) else c).digest()
        for kind, c in sample.files.items()
    }
    return Sample(sample.name, digests, sample.row)


def _sample_faults(
    where: str, files: Mapping[str, bytes], expected: Sample | None
) -> list[str]:  # fmt: skip
    import hashlib

    if expected is None:
        return [f"{where}: there is no such sample in the tables now."]
    found = {kind: hashlib.sha256(content).digest() for kind, content in files.items()}
    other = sorted(k for k in {*found, *expected.files} if found.get(k) != expected.files.get(k))
    return [f"{where}: {', '.join(other)} would be others now."] if other else []
