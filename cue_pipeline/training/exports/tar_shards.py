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
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.training.exports.card import Account, Hours, RecordSet, write_cards
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.manifest import read_manifest
from cue_pipeline.training.exports.parquet_tables import NO_SPLIT, in_order
from cue_pipeline.training.exports.row_log import RowLog, flush
from cue_pipeline.training.exports.selection import (
    Chosen,
    Selection,
    leaving_out,
    select,
    with_files_as_they_were,
)
from cue_pipeline.training.exports.shard_faults import shard_faults
from cue_pipeline.training.exports.shard_samples import STEMS, Cut, Sample, samples_of
from cue_pipeline.training.exports.unfinished import Unfinished

if TYPE_CHECKING:
    from cue_pipeline.reading import Library

_SCRATCH: Final = ".scratch"
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
pitch, velocity]`, in seconds from its first sample; a note ends when it ceases to sound, pedals \\
counted |

In windows a note that sounds already has a start below 0, one that goes on has an end beyond. \\
Shards are in the order of cues: shuffle them, and samples in a buffer.

```python
import webdataset as wds
data = wds.WebDataset("{shard}").to_tuple("flac", "json")
```
"""


class Webdataset:
    """Writes and verifies the format ``webdataset``."""

    compared = "the sound and the notes of every sample"

    def write(self, request: Request) -> Mapping[str, Any]:
        """Write a data set; return counts."""
        selection = with_files_as_they_were(
            select(request.library, request.split),
            request.library,
            request.say,
            include_changed=bool(request.options.get("include_changed")),
        )
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
        n, faults = 0, list[str]()
        for path in sorted(out.glob("*.tar")):
            there, wrong = shard_faults(path, library, cut)
            n, faults = n + there, faults + wrong
        if n != description["counts"]["samples"]:
            faults.append(
                f"{n} samples are there; {description['counts']['samples']} were written."
            )
        return faults

    def notes(self, out: Path) -> list[str]:
        """Return nothing: see `Format.notes`."""
        del out
        return []


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
        for category, seconds, complete in row.get(STEMS, ()):
            hours.add(category, row["split"], seconds, complete)
    log.write_csv(export.folder / "index.csv", list(INDEX_COLUMNS))
    counts = {"cues": len(selection.chosen), "stems": hours.stems, "samples": n, "notes": notes}
    shaped = {k: settings[k] for k in ("seconds", "hop", "sample_rate", "shard_mb")}
    account = Account.of(
        "webdataset", request, selection, counts, shaped, hours,
        (notes, "notes in `json`, each in every sample in which it sounds: in all windows that it "
         "reaches into, and in each stem in which it is heard"),
    )  # fmt: skip
    records = [RecordSet("samples", "index.csv", INDEX_COLUMNS)]
    layout = _LAYOUT.replace("{shard}", next((row["shard"] for row in log), "all-000000.tar"))
    write_cards(export.folder, account, layout=layout, record_sets=records)
    export.finish("webdataset", account.description())
    return counts
