"""Is it the same cue? By what its files hold, not by where they lie and how they are dated.

Conventions
-----------
*Settled*: a cue whose folder lies at its key and holds, by names, sizes and dates, what was last
seen there.
*Restored*: its folder lies at its key, and other dates are all that is new. What was made of it
stands: the ledger goes on knowing its files by the dates of before.
*Moved*: a folder that holds what a cue held that is no longer at its key. Rows and decisions go
with it, and nothing is computed again. Only where one cue and one folder fit each other, and no
other does; anything less is offered, and a person says it (``cue-pipeline cues move``). A cue that
has another content at its place today was edited there, unless its very files (by inode) lie
elsewhere: whoever keeps a copy before an edit has not moved the cue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.library.file_contents import Comparison, Kinds, OutOfTimeError
from cue_pipeline.library.moves import Late, Lost, Move, Offer, find_moves
from cue_pipeline.warehouse.cue_contents import KINDS, note_progress, note_same, read_contents
from cue_pipeline.warehouse.relocation import chains, finish_broken_moves, move_cues

if TYPE_CHECKING:
    from cue_pipeline.cue.scan import CueScan
    from cue_pipeline.warehouse.registry import CueRow
    from cue_pipeline.warehouse.store import Store


BusyAmong = Callable[[Sequence[str]], Collection[str]]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What became of the cues of a scan.

    Attributes
    ----------
    scan : CueScan
        Its folders as the ledger knows them.
    moved : tuple of Move
    restored : tuple of str
        Keys of cues in which dates alone are new.
    offered : tuple of Offer
    left : frozenset of str
        Keys of folders, and of cues that may be in them, that were left for another time.
    held : mapping of str to str
        Of these: key of a folder → key of the cue that is in it, and moves once no run of it, or
        of one that it changes places with, is under way.
    """

    scan: CueScan
    moved: tuple[Move, ...] = ()
    restored: tuple[str, ...] = ()
    offered: tuple[Offer, ...] = ()
    left: frozenset[str] = frozenset()
    held: Mapping[str, str] = field(default_factory=dict)


def read_folder(cue: CueRow) -> CueFolder:
    """Return a registered cue's folder as it is now, as the ledger knows it.

    Raises
    ------
    CueError
        As :func:`cue_pipeline.cue.scan.read_cue_folder`.
    """
    from cue_pipeline.cue.scan import read_cue_folder

    return cue.recognised(read_cue_folder(Path(cue.root), cue.cue_key, cue.folder))


def told_held(old: str) -> str:
    """Return what is said of a folder whose cue has a run under way."""
    return (
        f"it is {old!r}, of which, or of a cue that it changes places with, a run is under way. "
        "The next `cue-pipeline process`, or look of the sensor, after its end moves it."
    )


def nowhere(
    known: Mapping[str, CueRow], folders: Sequence[CueFolder], gone: Collection[str]
) -> list[str]:
    """Return the cues that are not where they were, of this library and of others."""
    if all(folder.key in known for folder in folders):
        return [*gone, *(key for key, row in known.items() if row.state == "missing")]
    root = str(folders[0].root)
    return [
        key
        for key, row in known.items()
        if row.state == "missing" or key in gone or (row.root != root and not row.path.is_dir())
    ]


def settled_folder(store: Store, cue: CueRow) -> CueFolder:
    """Return a registered cue's folder as :func:`read_folder`, its files read where dates are new.

    Raises
    ------
    CueError
        As :func:`read_folder`.
    """
    from cue_pipeline.cue.scan import CueScan

    folder = read_folder(cue)
    found = recognise(CueScan((folder,), ()), {cue.cue_key: cue}, store, gone=())
    return found.scan.cues[0]


def recognise(
    scan: CueScan,
    known: Mapping[str, CueRow],
    store: Store,
    *,
    gone: Collection[str],
    busy_among: BusyAmong | None = None,
    seconds: float | None = None,
    most: int | None = None,
    write: bool = True,
) -> Recognition:
    """Find out which folders of a scan are which cues, and note it.

    Parameters
    ----------
    scan : CueScan
    known : mapping of str to CueRow
        Every cue of the warehouse, by key.
    store : Store
    gone : collection of str
        Keys of cues that are not where they were.
    busy_among : callable, optional
        Of some cue keys, those of which a run is under way: these are not moved. None: nobody can
        tell, so moved cues are not looked for.
    seconds : float, optional
        How long files may be read. What is not compared by then is left for another time.
    most : int, optional
        No further cue is moved once so many are.
    write : bool
        Note restored and moved cues in the warehouse; moved ones have their new keys there then.
    """
    if write:
        finish_broken_moves(store.engine)
    doubtful = [f for f in scan.cues if f.key not in known or not known[f.key].knows(f)]
    if not doubtful or not known:
        return Recognition(as_known(scan, known) if known else scan)
    changed = [f.key for f in doubtful if f.key in known]
    contents = read_contents(store.engine, [*changed, *gone])
    comparison = Comparison(seconds)
    same, late = _compare_in_place(comparison, doubtful, contents)
    whole = {key for key, kinds in same.items() if len(kinds) == len(KINDS)}
    settled = whole | late.keys()
    strangers = [f for f in doubtful if busy_among and f.key not in settled]
    lost = [Lost(known[k], contents.get(k, {}), k in gone) for k in [*changed, *gone]
            if k not in settled]  # fmt: skip
    moved, offered, later = find_moves(comparison, strangers, lost)
    late |= later
    moved, waiting, held = _due(moved, busy_among, most)
    left = {*late, *(key for key, _ in late.values())}
    left |= {key for move in waiting for key in (move.old, move.new)}
    arrived = {move.new for move in moved} | {move.old for move in moved}
    same = {key: kinds for key, kinds in same.items() if key not in arrived | left}
    if write:
        for key, why in late.values():
            note_progress(store.engine, key, why.kind, why.so_far)
        _store(store, {f.key: f for f in doubtful}, same, moved)
    rows = _after(known, moved)
    found = {**same, **{move.new: move.contents for move in moved}}
    cues = tuple(_known_folder(f, rows.get(f.key), found.get(f.key, {})) for f in scan.cues)
    return Recognition(
        replace(scan, cues=cues),
        tuple(moved),
        tuple(key for key in same if key in whole),
        tuple(offered),
        frozenset(left),
        held,
    )


def _due(
    moves: Sequence[Move], busy_among: BusyAmong | None, most: int | None
) -> tuple[list[Move], list[Move], dict[str, str]]:
    """Return the moves to make now, those that wait, and which of these wait for a run."""
    by_old = {move.old: move for move in moves}
    busy = set(busy_among(list(by_old))) if by_old and busy_among else set()
    due: list[Move] = []
    waiting: list[Move] = []
    held: dict[str, str] = {}
    for chain in chains({move.old: move.new for move in moves}):
        if not busy.isdisjoint(chain):
            held |= {new: old for old, new in chain.items()}
        full = most is not None and len(due) >= most
        (waiting if full or not busy.isdisjoint(chain) else due).extend(
            by_old[old] for old in chain
        )
    return due, waiting, held


def _compare_in_place(
    comparison: Comparison, folders: Iterable[CueFolder], contents: Mapping[str, Kinds]
) -> tuple[dict[str, Kinds], Late]:
    """Return what of each folder is what it was, and the folders that time did not suffice for."""
    same: dict[str, Kinds] = {}
    late: Late = {}
    for folder in folders:
        known = contents.get(folder.key, {})
        try:
            found = {kind: comparison.same(known[kind], folder, kind, in_place=True)
                     for kind in KINDS if kind in known}  # fmt: skip
        except OutOfTimeError as e:
            late[folder.key] = (folder.key, e)
            continue
        if any(found.values()):
            same[folder.key] = {kind: was for kind, was in found.items() if was is not None}
    return same, late


def _store(
    store: Store,
    folders: Mapping[str, CueFolder],
    same: Mapping[str, Kinds],
    moved: Sequence[Move],
) -> None:
    if moved:
        move_cues(store.engine, {move.old: move.new for move in moved})
    for key, kinds in {**same, **{move.new: move.contents for move in moved}}.items():
        for kind, contents in kinds.items():
            folder = folders[key]
            seen = folder.midi_fingerprint if kind == "midi" else folder.audio_fingerprint
            note_same(store.engine, key, kind, seen, contents)


def as_known(scan: CueScan, known: Mapping[str, CueRow]) -> CueScan:
    """Return a scan whose folders have the fingerprints that the ledger knows them by."""
    return replace(scan, cues=tuple(_known_folder(f, known.get(f.key), {}) for f in scan.cues))


def _known_folder(folder: CueFolder, row: CueRow | None, same: Kinds) -> CueFolder:
    if row is not None:
        folder = row.recognised(folder)
    if "midi" in same:
        folder = replace(folder, midi_fingerprint=same["midi"].fingerprint)
    if "audio" in same:
        folder = replace(folder, audio_fingerprint=same["audio"].fingerprint)
    return folder


def _after(known: Mapping[str, CueRow], moved: Sequence[Move]) -> dict[str, CueRow]:
    """Return the cues by the keys that they have after some moves."""
    left = {move.old for move in moved}
    rows = {key: row for key, row in known.items() if key not in left}
    for move in moved:
        row = known[move.old]
        rows[move.new] = replace(row, cue_key=move.new, first_key=row.first_key or move.old)
    return rows
