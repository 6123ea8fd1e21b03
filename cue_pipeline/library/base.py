"""Where a call looks for cues: one folder has one key, whichever way it is reached.

A key is the cue's path below the root from which it was registered. So a folder inside a
registered root is looked at as a part of that library, a single cue's folder too; a folder above
one would give every cue of it a second key, and is refused.
"""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.errors import CueError
from cue_pipeline.warehouse.registry import CueRow


@dataclass(frozen=True, slots=True)
class Base:
    """Where to look.

    Attributes
    ----------
    root : Path
        To which keys are relative, as it was registered where it was.
    below : Path or None
        The part of it to look at; None: all.
    """

    root: Path
    below: Path | None = None


def base_of(asked: Path, known: Iterable[CueRow]) -> Base:
    """Return where to look for the cues of a folder that a person named.

    Raises
    ------
    CueError
        If it lies above the root of cues that are registered.
    """
    asked = asked.expanduser().absolute()
    real = Path(os.path.realpath(asked))
    counts: dict[str, int] = {}
    for row in known:
        counts[row.root] = counts.get(row.root, 0) + 1
    inside: list[tuple[Path, Path]] = []
    for root in counts:
        there = Path(os.path.realpath(root))
        if there == real or _same(there, real):
            return Base(Path(root))
        if not there.is_dir():
            continue  # the library has moved, or its volume is not mounted
        if real.is_relative_to(there):
            inside.append((Path(root), there))
        elif there.is_relative_to(real):
            raise CueError(_lies_above(asked, root, there.relative_to(real), counts[root]))
    if not inside:
        return Base(asked)
    nearest, there = max(inside, key=lambda pair: len(pair[1].parts))
    return Base(nearest, nearest / real.relative_to(there))


def _same(one: Path, other: Path) -> bool:
    """Whether two spellings are one folder, as on a disk that takes no notice of case."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _lies_above(asked: Path, root: str, between: Path, n_cues: int) -> str:
    return (
        f"'{asked}' lies above '{root}', from which {n_cues} cue{'s' * (n_cues != 1)} are "
        "registered: each would get a second key. Give that folder; or give its cues the longer "
        f"keys ('{between.as_posix()}/…') first, with their rows and decisions: cue-pipeline cues "
        f"adopt {shlex.quote(str(asked))}"
    )


def second_keys(
    folders: Iterable[CueFolder], root: Path, known: Mapping[str, CueRow]
) -> dict[str, str]:
    """Return which folders are those of cues that are registered from another root, and why not.

    By real paths: a link may lead into another library.
    """
    new = [folder for folder in folders if folder.key not in known]
    if not new:
        return {}
    here = str(root)
    others = [row for row in known.values() if row.state == "present" and row.root != here]
    places = {os.path.realpath(row.path): row for row in others}
    found: dict[str, str] = {}
    for folder in new:
        row = places.get(os.path.realpath(folder.path))
        if row is not None:
            found[folder.key] = (
                f"it is the folder of cue {row.cue_key!r}, registered from {row.root!r}. Process "
                f"it from there, or run: cue-pipeline cues move {shlex.quote(row.cue_key)} "
                f"{shlex.quote(folder.key)}"
            )
    return found
