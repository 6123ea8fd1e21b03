"""``manifest.json``: what a data set consists of, with the SHA-256 of every file.

The file is the last that is written, and is itself in no list. ``format`` and ``description`` say
what it is; ``files`` has, by path below the folder, ``bytes`` and ``sha256``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from cue_pipeline.errors import ExportError

NAME = "manifest.json"
_BLOCK = 1 << 20


def write_manifest(
    folder: Path,
    form: str,
    description: Mapping[str, Any],
    without: Collection[str],
    digests: Mapping[str, str],
) -> None:
    """Write the manifest of all files below a folder.

    Parameters
    ----------
    folder : Path
    form : str
        Name of the format.
    description : mapping
    without : collection of str
        Files that are to go.
    digests : mapping of str to str
        File → its SHA-256, where that is known; others are read.
    """
    part = folder / f"{NAME}.part"
    part.unlink(missing_ok=True)
    paths = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    files = {
        name: {"bytes": path.stat().st_size, "sha256": digests.get(name) or sha256_of(path)}
        for name, path in paths.items()
        if name not in without
    }
    content = {"format": form, "description": dict(description), "files": files}
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    part.replace(folder / NAME)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a data set's manifest.

    Raises
    ------
    ExportError
        If there is none, or it cannot be read.
    """
    path = folder / NAME
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content["format"], content["description"], content["files"]
    except OSError:
        raise ExportError(
            f"'{folder}' is no data set of this program, or not a whole one: there is no {NAME} in "
            "it. Give the folder that `cue-pipeline export` has written."
        ) from None
    except (ValueError, KeyError, TypeError) as e:
        raise ExportError(
            f"'{path}' cannot be read as a manifest ({e!r}). Copy the data set again."
        ) from None
    return content


def file_faults(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the files of a data set, held against its manifest."""
    files: Mapping[str, Any] = manifest["files"]
    for name, said in files.items():
        path = folder / name
        if not path.is_file():
            yield f"{name}: it is missing."
            continue
        size = path.stat().st_size
        if size != said["bytes"]:
            yield f"{name}: it has {size} bytes; {said['bytes']} were written."
        elif sha256_of(path) != said["sha256"]:
            yield f"{name}: its bytes are not those that were written (SHA-256)."
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in files:
            yield f"{name}: it was not written by the export."


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; memory does not grow with the file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / NAME)
