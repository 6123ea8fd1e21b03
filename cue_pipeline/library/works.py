"""Which cues are versions of one work, which of them is the latest, and which repeat each other.

Conventions
-----------
*Work*: cues of one name, in the same folders, but for what says which version it is
(:mod:`cue_pipeline.cue.version_marks`). Cues of one number under other titles, and copies, are of
one work only if they share music too: two different cues of one number stay two.

*Latest*: the one cue of a work that its marks put last: not set aside, no alternative, the highest
revision, number, date. A cue that is missing never is while another one is there. Where marks
leave two first that are not the same music, nobody knows: both have NULL.

*Duplicate*: a cue that shares at least :data:`RELATED` of its shingles with another one
(:mod:`cue_pipeline.midi.shingles`), or half of its stems sample by sample, or all MIDI files. Of
cues that repeat each other the latest stands, and the others name it. Each is held against what
it names itself; there are no chains.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.cue.identity import row_id
from cue_pipeline.cue.numbering import natural_key
from cue_pipeline.cue.version_marks import WorkName, read_work_name
from cue_pipeline.midi.shingles import Sketch, shared
from cue_pipeline.warehouse.cue_facts import CueFacts, Kinship, note_kinship, read_facts

if TYPE_CHECKING:
    from cue_pipeline.warehouse.store import CueRow, LedgerRow, Store

RELATED: Final = 0.15
"""Part of its shingles that a version shares: 0.3 and more was seen; unrelated music up to 0.04."""

_HALF: Final = 0.5
_THE_SAME: Final = 0.98
_COMMONPLACE: Final = 200  # a shingle of more cues says nothing of any two
_FEWEST_IN_COMMON: Final = 3

_COMPARED_BY: Final = ("tempo_map", "midi_events", "mel_features")

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much of one cue is in another.

    Attributes
    ----------
    share : float
        0 to 1, of the smaller one.
    why : str
        Of what that is.
    """

    share: float
    why: str


def digest_of_facts(
    cues: Mapping[str, CueRow], ledger: Mapping[str, Mapping[str, LedgerRow]]
) -> str:
    """Return a digest of all that cues are compared by: the same, as long as that is the same.

    Parameters
    ----------
    cues : mapping of str to CueRow
        By key.
    ledger : mapping of str to mapping of str to LedgerRow
        By key and asset.
    """
    nothing: Mapping[str, LedgerRow] = {}
    digest = hashlib.sha256()
    for key, cue in sorted(cues.items()):
        rows = ledger.get(key, nothing)
        made = [rows[asset].data_version for asset in _COMPARED_BY if asset in rows]
        digest.update(f"{key}\0{cue.state}\0{made}\n".encode())
    return digest.hexdigest()[:12]


def refresh_works(store: Store) -> list[str]:
    """Bring ``work_id``, ``is_latest`` and ``duplicate_of`` of all cues up to date.

    Returns
    -------
    list of str
        What is new, in words: cues that repeat others, and works whose latest nobody knows.
    """
    facts = read_facts(store.engine)
    found = kinship(facts, alike(facts))
    changed = {f.cue_id: found[f.cue_key] for f in facts if found[f.cue_key] != f.kinship}
    note_kinship(store.engine, changed)
    return [
        text
        for f in facts
        if f.cue_id in changed and f.present
        if (text := _told(f.cue_key, found[f.cue_key], f.kinship))
    ]


def _told(key: str, now: Kinship, before: Kinship) -> str | None:
    if now.duplicate_of is not None and now.duplicate_of != before.duplicate_of:
        share = f"{now.duplicate_share:.0%} of the smaller one's"
        return f"{key} repeats {now.duplicate_of}: {share} {now.duplicate_why}"
    if now.is_latest is None:
        return f"{key}: no name says whether it is the latest version of its work"
    return None


def kinship(facts: Sequence[CueFacts], likeness: Mapping[Pair, Likeness]) -> dict[str, Kinship]:
    """Return for each cue its work, whether it is the latest of it, and what it repeats.

    Parameters
    ----------
    facts : sequence of CueFacts
        What is known of each cue.
    likeness : mapping of (str, str) to Likeness
        Of pairs of keys, in their order, that have anything in common.
    """
    names = {f.cue_key: read_work_name(f.cue_key) for f in facts}
    works = _works(names, likeness)
    by_key = {f.cue_key: f for f in facts}
    latest: dict[str, bool | None] = {}
    for keys in works.values():
        latest |= _latest([by_key[key] for key in keys], names, likeness)
    duplicates = _duplicates(facts, names, latest, likeness)
    work_of = {key: row_id("works", work) for work, keys in works.items() for key in keys}
    found = {}
    for key in by_key:
        of, how = duplicates.get(key, (None, None))
        found[key] = Kinship(
            work_of[key], latest[key], of, how.share if how else None, how.why if how else None
        )
    return found


def _works(
    names: Mapping[str, WorkName], likeness: Mapping[Pair, Likeness]
) -> dict[str, list[str]]:
    """Return the keys of each work, by the least of its names."""
    parent = {name.exact: name.exact for name in names.values()}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for a, b in sorted(likeness):
        if names[a].loose == names[b].loose:
            least, other = sorted((root(names[a].exact), root(names[b].exact)))
            parent[other] = least
    works: dict[str, list[str]] = defaultdict(list)
    for key, name in names.items():
        works[root(name.exact)].append(key)
    return works


def _latest(
    cues: Sequence[CueFacts], names: Mapping[str, WorkName], likeness: Mapping[Pair, Likeness]
) -> dict[str, bool | None]:
    """Return for each cue of a work whether it is the latest; None where that is not known."""
    there = [f.cue_key for f in cues if f.present] or [f.cue_key for f in cues]
    highest = max(names[key].marks.rank for key in there)
    first = [key for key in there if names[key].marks.rank == highest]
    dates = {key: names[key].marks.date for key in first}
    if len(first) > 1 and all(dates.values()):
        first = [key for key in first if dates[key] == max(dates.values())]
    if len(first) > 1 and all(_same(first[0], other, likeness) for other in first[1:]):
        first = [min(first, key=natural_key)]
    found: dict[str, bool | None] = {f.cue_key: False for f in cues}
    return found | {key: True if len(first) == 1 else None for key in first}


def _same(a: str, b: str, likeness: Mapping[Pair, Likeness]) -> bool:
    how = likeness.get((min(a, b), max(a, b)))
    return how is not None and how.share >= _THE_SAME


def _duplicates(
    facts: Sequence[CueFacts],
    names: Mapping[str, WorkName],
    latest: Mapping[str, bool | None],
    likeness: Mapping[Pair, Likeness],
) -> dict[str, tuple[str, Likeness]]:
    """Return which cue each repeats, and how much of it: those that stand name none."""
    near: dict[str, list[tuple[str, Likeness]]] = defaultdict(list)
    for (a, b), how in likeness.items():
        near[a].append((b, how))
        near[b].append((a, how))
    found: dict[str, tuple[str, Likeness]] = {}
    seen: set[str] = set()
    repeating = [f for f in facts if f.cue_key in near]
    for f in sorted(repeating, key=lambda f: _standing(f, names, latest)):
        standing = [(k, how) for k, how in near[f.cue_key] if k in seen and k not in found]
        if standing:
            found[f.cue_key] = max(standing, key=lambda other: (other[1].share, other[0]))
        seen.add(f.cue_key)
    return found


def _standing(
    cue: CueFacts, names: Mapping[str, WorkName], latest: Mapping[str, bool | None]
) -> tuple[Any, ...]:
    """Return the order in which cues stand, the first lowest."""
    marks = names[cue.cue_key].marks
    aside = (marks.old, marks.is_copy, marks.alternate)
    key = cue.cue_key
    return (not cue.present, latest[key] is False, *aside, cue.first_seen_at, natural_key(key))


def alike(facts: Iterable[CueFacts]) -> dict[Pair, Likeness]:
    """Return the pairs of cues that repeat each other, by what they hold."""
    cues = sorted(facts, key=lambda f: f.cue_key)
    found: dict[Pair, Likeness] = {}
    for pair, count in _in_common([f.stems for f in cues]).items():
        a, b = (cues[i] for i in pair)
        fewest = min(len(a.stems), len(b.stems))
        if count >= _HALF * fewest:
            found[a.cue_key, b.cue_key] = Likeness(count / fewest, "stems, sample by sample")
    by_midi: dict[frozenset[str], list[str]] = defaultdict(list)
    for f in cues:
        if f.midi:
            by_midi[f.midi].append(f.cue_key)
    for keys in by_midi.values():
        for other in keys[1:]:
            found.setdefault((keys[0], other), Likeness(1.0, "MIDI files, byte by byte"))
    sketched = [f for f in cues if f.sketch is not None]
    pairs = similar_sketches([f.sketch for f in sketched if f.sketch is not None])
    for (i, j), share in pairs.items():
        key = sketched[i].cue_key, sketched[j].cue_key
        if key not in found or found[key].share < share:
            found[key] = Likeness(share, "music, by intervals")
    return found


def _in_common(sets: Sequence[Collection[str]]) -> dict[tuple[int, int], int]:
    """Return how many members each two sets have in common, where they have any."""
    holders: dict[str, list[int]] = defaultdict(list)
    for i, members in enumerate(sets):
        for member in members:
            holders[member].append(i)
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for those in holders.values():
        if 1 < len(those) <= _COMMONPLACE:
            for at, i in enumerate(those):
                for j in those[at + 1 :]:
                    counts[i, j] += 1
    return counts


def similar_sketches(
    sketches: Sequence[Sketch], least: float = RELATED
) -> dict[tuple[int, int], float]:
    """Return the pairs of pieces that share at least ``least`` of their shingles.

    Parameters
    ----------
    sketches : sequence of Sketch
        One of each piece.
    least : float
        0 to 1, of the smaller piece's shingles.

    Returns
    -------
    dict of (int, int) to float
        Positions, the lower first, and what they share. Only pieces that have a shingle in
        common which few others have are compared, so that thousands take a second.
    """
    import numpy as np

    if not sketches:
        return {}
    hashes = np.concatenate([s.hashes for s in sketches])
    owner = np.repeat(np.arange(len(sketches)), [len(s.hashes) for s in sketches])
    order = np.argsort(hashes, kind="stable")
    hashes, owner = hashes[order], owner[order]
    same = hashes[1:] == hashes[:-1]
    edges = np.flatnonzero(np.diff(np.r_[False, same, False].astype(np.int8)))
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for first, last in edges.reshape(-1, 2):
        those = owner[first : last + 1].tolist()
        if len(those) <= _COMMONPLACE:
            for at, i in enumerate(those):
                for j in those[at + 1 :]:
                    counts[i, j] += 1
    found = {}
    for (i, j), count in counts.items():
        if count >= _FEWEST_IN_COMMON:
            share = shared(sketches[i], sketches[j])
            if share is not None and share >= least:
                found[i, j] = share
    return found
