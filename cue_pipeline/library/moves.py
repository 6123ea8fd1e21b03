"""Which folder is which cue that is no longer at its place: found, or offered to a person."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cue_pipeline.cue.file_hash import composed
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.library.file_contents import Comparison, Kinds, OutOfTimeError, files_of
from cue_pipeline.warehouse.cue_contents import KINDS, Contents, Kind, read_contents

if TYPE_CHECKING:
    from cue_pipeline.warehouse.registry import CueRow
    from cue_pipeline.warehouse.store import Store

LEAST_IN_COMMON = 0.5
"""Of a cue's files, the part that another folder must have, by name and size, to be offered."""

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
class Lost:
    """A cue that is not at its place, or holds something else there."""

    row: CueRow
    contents: Kinds
    is_gone: bool

    def listing(self) -> tuple[str, ...]:
        """Return what a folder must list to be it: names and sizes, or else names and dates."""
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


def find_moves(
    comparison: Comparison, strangers: Sequence[CueFolder], lost: Sequence[Lost]
) -> tuple[list[Move], list[Offer], Late]:
    """Return which cues lie in which folders now, which may, and what was not compared in time."""
    by_listing: dict[tuple[str, ...], list[Lost]] = {}
    for cue in lost:
        by_listing.setdefault(cue.listing(), []).append(cue)
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
    by_listing: Mapping[tuple[str, ...], Sequence[Lost]], folder: CueFolder
) -> Iterator[Lost]:
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


def listing(kind: Kind, files: Iterable[Sequence[object]]) -> str:
    """Return a digest of files' names and sizes."""
    named = sorted((composed(str(file[0])), str(file[1])) for file in files)
    return hashlib.sha256(repr((kind, named)).encode()).hexdigest()


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
