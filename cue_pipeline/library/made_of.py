"""Whether cues' files are still those that their rows were made of.

Conventions
-----------
Compared is with what was noted when the files were read (``cue_contents``): size and modification
time of each, and, where the size is the same and the time is not, its hash. A copy of the library
whose dates are new is read through for that. Files that came to a cue since are not looked for.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from cue_pipeline.library import graph
from cue_pipeline.library.file_contents import hash_again
from cue_pipeline.warehouse.cue_contents import KINDS, FileContent, Kind, read_contents

if TYPE_CHECKING:
    from cue_pipeline.warehouse.cue_contents import Contents
    from cue_pipeline.warehouse.store import CueRow, Store

CHANGED: Final = "its files changed after its rows were made"
NOT_NOTED: Final = (
    "what its files held was not noted when its rows were made, so that only length and sample "
    "rate are compared; `cue-pipeline process` notes it when it makes the rows again"
)
NO_TIME: Final = (
    "its files have other dates than when its rows were made, and there was no time to compare "
    "what they hold; `cue-pipeline process` compares them and notes the dates"
)
NEVER_READ: Final = (
    "files of it have other dates than when its rows were made, and what they held then is not "
    "known, because they were never read to the end; `cue-pipeline process` makes the rows again"
)
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class FilesNow:
    """What became of the files of some cues.

    Attributes
    ----------
    changed : dict of str to str
        Keys of cues whose rows were made of other files → which.
    unknown : dict of str to str
        Keys of cues of which that cannot be told → why: :data:`NOT_NOTED`, :data:`NO_TIME`,
        :data:`NEVER_READ`.
    """

    changed: dict[str, str]
    unknown: dict[str, str]


def compare_files(
    store: Store, keys: Collection[str], root: Path | None = None, *, seconds: float | None = None
) -> FilesNow:
    """Find out of which cues files are no longer those that their rows were made of.

    Parameters
    ----------
    store : Store
    keys : collection of str
        Of registered cues.
    root : Path, optional
        Where the cues' folders are now, if the library has moved since it was scanned.
    seconds : float, optional
        How long files with new dates may be read; None: as long as it takes.

    Returns
    -------
    FilesNow
        A cue whose folder is not there is in neither: who reads it is told.
    """
    wanted = set(keys)
    contents = read_contents(store.engine, sorted(wanted))
    prints: dict[str, dict[str, str | None]] = {}
    for row in store.ledger():
        if row.cue_key in wanted and row.state == "ready":
            prints.setdefault(row.cue_key, {})[row.asset] = row.fingerprint
    until = None if seconds is None else monotonic() + seconds
    found = FilesNow({}, {})
    for cue in store.cues():
        if cue.cue_key not in wanted:
            continue
        noted = contents.get(cue.cue_key, {})
        if len(noted) < len(KINDS):
            found.unknown[cue.cue_key] = NOT_NOTED
        elif asset := of_other_files(
            prints.get(cue.cue_key, {}), {kind: of.fingerprint for kind, of in noted.items()}
        ):
            found.changed[cue.cue_key] = f"'{asset}' was made of others than were last read"
        else:
            _compare(cue, root, noted, until, found)
    return found


def split_changed(
    store: Store,
    keys: Collection[str],
    root: Path | None,
    *,
    include_changed: bool,
    seconds: float | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Find out which cues are not to be taken, since their files changed, and what is not known.

    Parameters
    ----------
    store, keys, root, seconds
        As for :func:`compare_files`.
    include_changed : bool
        Take cues whose files changed all the same, as a doubt.

    Returns
    -------
    left_out : dict of str to str
        Keys of cues that are not to be taken → which of their files changed.
    doubts : list of str
        Lines for people of the others.
    """
    found = compare_files(store, keys, root, seconds=seconds)
    if include_changed:
        return {}, list(told(found))
    return found.changed, list(told(FilesNow({}, found.unknown)))


def of_other_files(prints: Mapping[str, str | None], last_read: Mapping[Kind, str]) -> str | None:
    """Return an asset that was made of other files than those that were last read.

    Parameters
    ----------
    prints : mapping of str to str or None
        Asset → fingerprint of the files that it was made of; None: it has lost rows since.
    last_read : mapping of str to str
        ``midi`` and ``audio`` → fingerprint. Where one lacks nothing can be told.

    Returns
    -------
    str or None
    """
    if len(last_read) < len(KINDS):
        return None
    midi, audio = last_read["midi"], last_read["audio"]
    of_others = (
        asset
        for asset, made_of in prints.items()
        if asset in graph.GRAPH and made_of != graph.fingerprint_of(asset, midi, audio)
    )
    return next(of_others, None)


def told_mixed(asset: str) -> str:
    """Return why a cue is left out of whose rows some were made of other files than the rest."""
    return (
        f"'{asset}' was made of other files than were last read of it; `cue-pipeline process` "
        "makes it again"
    )


def _compare(
    cue: CueRow,
    root: Path | None,
    noted: Mapping[Kind, Contents],
    until: float | None,
    found: FilesNow,
) -> None:
    from cue_pipeline.cue.cue_paths import find_folder
    from cue_pipeline.errors import CueError

    try:
        folder = find_folder(root or Path(cue.root), cue.cue_key, cue.folder)
    except CueError:
        return
    seen = [(file, _status(f"{folder}/{file[0]}")) for kind in KINDS for file in noted[kind].files]
    other = [file[0] for file, now in seen if now is None or now[0] != file[1]]
    why = None
    for file, now in seen:
        if now is None or now[0] != file[1] or now[1] == file[2]:
            continue
        if file[4] is None:
            why = why or NEVER_READ
        elif until is not None and monotonic() > until:
            why = NO_TIME
        elif not _holds_the_same(folder, file, now):
            other.append(file[0])
    if other:
        found.changed[cue.cue_key] = _named(sorted(other))
    elif why is not None:
        found.unknown[cue.cue_key] = why


def _status(path: str) -> tuple[int, int] | None:
    """Return size and modification time of a file; None where it is gone."""
    try:
        status = os.stat(path)  # noqa: PTH116  of a hundred thousand, paths would cost more
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _holds_the_same(folder: Path, file: FileContent, now: tuple[int, int]) -> bool:
    path, size, _, inode, known = file
    return hash_again(folder, (path, size, now[1], inode), known or "") == known


def _named(paths: list[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join(f"'{path}'" for path in paths[:_NAMED]) + (f" and {more:,} more" * (more > 0))


def told(found: FilesNow) -> Iterator[str]:
    """Yield a line for people for each cue that changed, and one for each reason not to know."""
    for key, which in found.changed.items():
        yield f"{key}: {CHANGED}: {which}"
    by_reason: dict[str, list[str]] = {}
    for key, why in found.unknown.items():
        by_reason.setdefault(why, []).append(key)
    for why, keys in by_reason.items():
        yield f"{len(keys):,} cue{'s' * (len(keys) != 1)} ({_named(keys)}): {why}"
