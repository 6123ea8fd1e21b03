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

A file is believed unread where size, date and inode are those of before, as after ``mv``; at its
own place, size and date do, as everywhere. Otherwise its bytes are read and compared by hash.
"""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from cue_pipeline.cue.file_hash import as_listed, composed, hash_of_file
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.media import File
from cue_pipeline.warehouse.cue_contents import (
    KINDS,
    Contents,
    FileContent,
    Kind,
    note_contents,
    note_progress,
    note_same,
    read_contents,
)
from cue_pipeline.warehouse.relocation import move_cues

if TYPE_CHECKING:
    from cue_pipeline.audio.grouping import AudioInventory
    from cue_pipeline.cue.scan import CueScan
    from cue_pipeline.warehouse.registry import CueRow
    from cue_pipeline.warehouse.store import Store

LEAST_IN_COMMON = 0.5
"""Of a cue's files, the part that another folder must have, by name and size, to be offered."""


class OutOfTimeError(Exception):
    """The time for comparing is spent.

    Attributes
    ----------
    kind : {"midi", "audio"}
    so_far : Contents
        What is known, with the dates of today of those files that were found to be the same.
    """

    def __init__(self, kind: Kind, so_far: Contents) -> None:
        super().__init__(kind)
        self.kind: Kind = kind
        self.so_far = so_far


Kinds = Mapping[Kind, Contents]

Late = dict[str, tuple[str, OutOfTimeError]]
"""Key of a folder → key of the cue with which it was being compared, and how far that came."""


@dataclass(frozen=True, slots=True)
class Move:
    """A cue whose folder lies elsewhere now.

    Attributes
    ----------
    old : str
        Its key until now.
    folder : CueFolder
        Where it is.
    contents : mapping of str to Contents
        Its files as they were, with the dates of today.
    by_inode : bool
        They are the very files of before, not equal ones.
    """

    old: str
    folder: CueFolder
    contents: Kinds
    by_inode: bool

    @property
    def new(self) -> str:
        """Its key there."""
        return self.folder.key


@dataclass(frozen=True, slots=True)
class Offer:
    """A folder that may be a cue that is gone: a person has to say so."""

    old: str
    new: str
    why: str

    def told(self) -> str:
        """Return it as people are told it."""
        old, new = shlex.quote(self.old), shlex.quote(self.new)
        return (
            f"{self.new} may be {self.old}, which is gone: {self.why}. If it is, `cue-pipeline "
            f"cues move {old} {new}` gives it the rows and decisions; if not, `cue-pipeline cues "
            f"forget {old}` ends the question."
        )


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
        Keys of folders that were left for another time.
    """

    scan: CueScan
    moved: tuple[Move, ...] = ()
    restored: tuple[str, ...] = ()
    offered: tuple[Offer, ...] = ()
    left: frozenset[str] = frozenset()


class Comparison:
    """Compares folders with what is known of cues; reads each file once.

    Parameters
    ----------
    seconds : float or None
        Time for reading; None: as long as it takes.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._until = None if seconds is None else monotonic() + seconds
        self._hashes: dict[tuple[Path, File, str], str | None] = {}

    def same(
        self, known: Contents, folder: CueFolder, kind: Kind, *, in_place: bool
    ) -> Contents | None:
        """Return the known content with the dates of today, None where it is another.

        Parameters
        ----------
        known : Contents
        folder : CueFolder
        kind : {"midi", "audio"}
        in_place : bool
            The folder is where the known files were: size and date alone are believed.

        Raises
        ------
        OutOfTimeError
            If files would have to be read, and the time is spent.
        """
        files = files_of(folder, kind)
        before = {composed(file[0]): file for file in known.files}
        here = {composed(file[0]): file for file in files}
        if before.keys() != here.keys() or any(before[p][1] != here[p][1] for p in here):
            return None
        found: dict[str, FileContent] = {}
        for path, file in here.items():
            was = before[path]
            believed = file[2:] == was[2:4] or (in_place and file[2] == was[2])
            if not believed and was[4] is None:
                return None
            if not believed and self._is_late():
                so_far = {**before, **found}
                raise OutOfTimeError(kind, Contents(known.fingerprint, tuple(so_far.values())))
            if not believed and self._hash(folder, file, was[4]) != was[4]:
                return None
            found[path] = (*file, was[4])
        return Contents(known.fingerprint, tuple(found.values()))

    def _is_late(self) -> bool:
        return self._until is not None and monotonic() > self._until

    def _hash(self, folder: CueFolder, file: File, known: str | None) -> str | None:
        at = (folder.path, file, (known or "").partition(":")[0])
        if at not in self._hashes:
            self._hashes[at] = _hash_again(folder.path, file, known or "")
        return self._hashes[at]


def _hash_again(folder: Path, file: File, known: str) -> str | None:
    """Return a file's hash in the form in which it is known; None where it is not as listed."""
    if ":" not in known:
        return hash_of_file(folder, file)
    from cue_pipeline.audio.content import content_again

    found = content_again(folder, file[0], known)
    return found if as_listed(folder / file[0], file[1], file[2]) else None


def files_of(folder: CueFolder, kind: Kind) -> tuple[File, ...]:
    """Return the files of one kind."""
    return folder.midi_files if kind == "midi" else folder.audio_files


def note_midi(store: Store, folder: CueFolder, hashes: Mapping[str, str | None]) -> None:
    """Keep what a cue's MIDI files hold, by which it is known again elsewhere.

    Parameters
    ----------
    hashes : mapping of str to str or None
        SHA-256 of each file, by path.
    """
    _note(store, folder, "midi", hashes)


def note_audio(store: Store, folder: CueFolder, hashes: Mapping[str, str | None]) -> None:
    """Keep what a cue's audio files hold, as far as they were read."""
    _note(store, folder, "audio", hashes)


def left_out(folder: CueFolder, inventory: AudioInventory) -> dict[str, str | None]:
    """Return the contents of audio that no pass will read: click tracks, what cannot be used."""
    from cue_pipeline.audio.content import bytes_content

    groups = (*inventory.groups, *inventory.final_mixes)
    read = {channel.file for group in groups for channel in group.channels}
    contents: dict[str, str | None] = {}
    for path, *_ in folder.audio_files:
        if path not in read:
            with suppress(OSError):
                contents[path] = bytes_content(folder.path / path)
    return contents


def _note(store: Store, folder: CueFolder, kind: Kind, hashes: Mapping[str, str | None]) -> None:
    fingerprint = folder.midi_fingerprint if kind == "midi" else folder.audio_fingerprint
    known = {
        path: digest
        for path, size, modified, _ in files_of(folder, kind)
        if (digest := hashes.get(path)) is not None
        # One that changed while it was read is not what was listed.
        if as_listed(folder.path / path, size, modified)
    }
    note_contents(store.engine, folder.key, kind, fingerprint, files_of(folder, kind), known)


def read_folder(cue: CueRow) -> CueFolder:
    """Return a registered cue's folder as it is now, as the ledger knows it.

    Raises
    ------
    CueError
        As :func:`cue_pipeline.cue.scan.read_cue_folder`.
    """
    from cue_pipeline.cue.scan import read_cue_folder

    return cue.recognised(read_cue_folder(Path(cue.root), cue.cue_key, cue.folder))


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
    seconds: float | None = None,
    most: int | None = None,
    moves: bool = True,
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
    seconds : float, optional
        How long files may be read. What is not compared by then is left for another time.
    most : int, optional
        Cues that are moved at most.
    moves : bool
        Whether to look for moved cues at all.
    write : bool
        Note restored and moved cues in the warehouse; moved ones have their new keys there then.
    """
    doubtful = [f for f in scan.cues if f.key not in known or not known[f.key].knows(f)]
    if not doubtful or not known:
        return Recognition(as_known(scan, known) if known else scan)
    changed = [f.key for f in doubtful if f.key in known]
    contents = read_contents(store.engine, [*changed, *gone])
    comparison = Comparison(seconds)
    same, late = _compare_in_place(comparison, doubtful, contents)
    whole = {key for key, kinds in same.items() if len(kinds) == len(KINDS)}
    settled = whole | late.keys()
    strangers = [f for f in doubtful if moves and f.key not in settled]
    lost = [_Lost(known[k], contents.get(k, {}), k in gone) for k in [*changed, *gone]
            if k not in settled]  # fmt: skip
    moved, offered, later = _find_moves(comparison, strangers, lost)
    late |= later
    left = frozenset(late) | {move.new for move in (moved[most:] if most is not None else ())}
    moved = moved[:most]
    arrived = {move.new for move in moved} | {move.old for move in moved}
    same = {key: kinds for key, kinds in same.items() if key not in arrived}
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
        left,
    )


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


@dataclass(frozen=True, slots=True)
class _Lost:
    """A cue that is not at its place, or holds something else there."""

    row: CueRow
    contents: Kinds
    is_gone: bool

    def listing(self) -> tuple[str, ...] | None:
        """Return what a folder must list to be it; None: nothing is known of its files."""
        if len(self.contents) < len(KINDS):
            return (self.row.midi_fingerprint, self.row.audio_fingerprint)
        return tuple(listing(kind, self.contents[kind].files) for kind in KINDS)

    def found_in(self, comparison: Comparison, folder: CueFolder) -> Move | None:
        """Return the move that takes the cue to a folder; None where that holds something else."""
        if len(self.contents) < len(KINDS):
            # Registered before contents were kept: all dates are equal, to the nanosecond.
            return Move(self.row.cue_key, folder, {}, by_inode=False)
        found: dict[Kind, Contents] = {}
        for kind in KINDS:
            same = comparison.same(self.contents[kind], folder, kind, in_place=False)
            if same is None:
                return None
            found[kind] = same
        before = {(composed(f[0]), f[3]) for kind in KINDS for f in self.contents[kind].files}
        here = {(composed(f[0]), f[3]) for kind in KINDS for f in files_of(folder, kind)}
        return Move(self.row.cue_key, folder, found, by_inode=before == here)


def listing(kind: Kind, files: Iterable[Sequence[object]]) -> str:
    """Return a digest of files' names and sizes."""
    named = sorted((composed(str(file[0])), str(file[1])) for file in files)
    return hashlib.sha256(repr((kind, named)).encode()).hexdigest()


def _find_moves(
    comparison: Comparison, strangers: Sequence[CueFolder], lost: Sequence[_Lost]
) -> tuple[list[Move], list[Offer], Late]:
    """Return which cues lie in which folders now, which may, and what was not compared in time."""
    by_listing: dict[tuple[str, ...], list[_Lost]] = {}
    for cue in lost:
        by_listing.setdefault(cue.listing() or (), []).append(cue)
    possible: list[Move] = []
    late: Late = {}
    for folder in strangers if lost else ():
        for cue in _candidates(by_listing, folder):
            try:
                move = cue.found_in(comparison, folder)
            except OutOfTimeError as e:
                late[folder.key] = (cue.row.cue_key, e)
                break
            if move is not None and (cue.is_gone or move.by_inode):
                possible.append(move)
    possible = [move for move in possible if move.new not in late]
    moved = _matched([move for move in possible if move.by_inode])
    taken = {move.old for move in moved} | {move.new for move in moved}
    rest = [m for m in possible if m.old not in taken and m.new not in taken]
    moved += _matched(rest)
    taken = {move.old for move in moved} | {move.new for move in moved}
    offers = [Offer(m.old, m.new, "several hold the same") for m in rest if m.new not in taken]
    gone = {c.row.cue_key: _names(c.contents) for c in lost if c.is_gone}
    partly = {f.key: _listed(f) for f in strangers if f.key not in late}
    asked = taken | {offer.new for offer in offers} | {offer.old for offer in offers}
    offers += offers_of(
        {key: names for key, names in gone.items() if key not in asked},
        {key: names for key, names in partly.items() if key not in asked},
    )
    return moved, offers, late


def _candidates(
    by_listing: Mapping[tuple[str, ...], Sequence[_Lost]], folder: CueFolder
) -> Iterator[_Lost]:
    """Yield the cues whose files have the names and sizes of a folder's."""
    named = tuple(listing(kind, files_of(folder, kind)) for kind in KINDS)
    yield from (c for c in by_listing.get(named, ()) if c.row.cue_key != folder.key)
    dated = (folder.midi_fingerprint, folder.audio_fingerprint)
    if _dates_tell(folder):
        yield from by_listing.get(dated, ())


def _dates_tell(folder: CueFolder) -> bool:
    """Whether files' dates are finer than a second: coarser ones are often made equal."""
    return any(file[2] % 1_000_000_000 for file in folder.audio_files)


def _matched(possible: Sequence[Move]) -> list[Move]:
    """Return the moves of cues that fit one folder, which fits no other cue."""
    olds, news = Counter(m.old for m in possible), Counter(m.new for m in possible)
    return [m for m in possible if olds[m.old] == news[m.new] == 1]


Names = frozenset[tuple[str, int]]


def _names(contents: Kinds) -> Names:
    return frozenset((composed(f[0]), f[1]) for known in contents.values() for f in known.files)


def _listed(folder: CueFolder) -> Names:
    return frozenset(
        (composed(file[0]), file[1]) for kind in KINDS for file in files_of(folder, kind)
    )


def offers_of(gone: Mapping[str, Names], new: Mapping[str, Names]) -> list[Offer]:
    """Return which cues that are gone may be which new ones, by names and sizes of files."""
    holding: dict[tuple[str, int], list[str]] = {}
    for key, names in gone.items():
        for name in names:
            holding.setdefault(name, []).append(key)
    offers = []
    for key, names in new.items():
        common = Counter(old for name in names for old in holding.get(name, ()))
        if not common:
            continue
        old, count = common.most_common(1)[0]
        if count >= LEAST_IN_COMMON * len(gone[old]):
            why = f"{count} of its {len(gone[old])} files have the names and sizes of that one's"
            offers.append(Offer(old, key, why))
    return offers


def standing_offers(store: Store, cues: Sequence[CueRow]) -> list[Offer]:
    """Return which cues that are gone may be which that were registered since."""
    gone = [cue for cue in cues if cue.state == "missing"]
    if not gone:
        return []
    since = min(cue.last_seen_at for cue in gone)
    new = [c for c in cues if c.state == "present" and c.first_seen_at > since]
    contents = read_contents(store.engine, [cue.cue_key for cue in (*gone, *new)])
    names = {key: _names(kinds) for key, kinds in contents.items()}
    return offers_of(
        {c.cue_key: names[c.cue_key] for c in gone if c.cue_key in names},
        {c.cue_key: names[c.cue_key] for c in new if c.cue_key in names},
    )


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
