"""What is wrong with tar shards: their samples, read again and held against the tables."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cue_pipeline.training.exports.selection import Chosen
from cue_pipeline.training.exports.shard_samples import Cut, Sample, samples_of

if TYPE_CHECKING:
    from cue_pipeline.reading import Library


def shard_faults(path: Path, library: Library | None, cut: Cut) -> tuple[int, list[str]]:
    """Return how many samples a shard has, and which of them would be others now.

    Parameters
    ----------
    path : Path
    library : Library or None
        None: samples are counted only.
    cut : Cut
    """
    n, faults = 0, []
    last: tuple[str, dict[str, Sample]] = ("", {})
    for name, files in read_samples(path):
        n += 1
        if library is not None:
            last = _expected(files, library, cut, last)
            faults += _sample_faults(f"{path.name}: {name}", files, last[1].get(name))
    return n, faults


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
    with tempfile.TemporaryDirectory() as scratch:
        chosen = Chosen(library[key], told["split"], {})
        return key, {s.name: _loaded(s) for s in samples_of(chosen, cut, Path(scratch))}


def _loaded(sample: Sample) -> Sample:
    """Return a sample whose files are digests, so that a cue's fit into memory."""
    digests = {
        kind: hashlib.sha256(c.read_bytes() if isinstance(c, Path) else c).digest()
        for kind, c in sample.files.items()
    }
    return Sample(sample.name, digests, sample.row)


def _sample_faults(
    where: str, files: Mapping[str, bytes], expected: Sample | None
) -> list[str]:  # fmt: skip
    if expected is None:
        return [f"{where}: there is no such sample in the tables now."]
    found = {kind: hashlib.sha256(content).digest() for kind, content in files.items()}
    other = sorted(k for k in {*found, *expected.files} if found.get(k) != expected.files.get(k))
    return [f"{where}: {', '.join(other)} would be others now."] if other else []
