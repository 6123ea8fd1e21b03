"""Splits that do not leak: cues that share music are never in two of them.

Conventions
-----------
*Group*: cues joined by ties (:mod:`cue_pipeline.library.ties`), directly or through others. A split
is drawn for the whole group, by a hash of its name and a seed: not of how many groups there are, so
it stays when cues arrive. The name is that of its project, else of its least work. Only where a
draw leaves a split without any cue, as it does with few groups, one of the groups that it has just
drawn goes there, and that is told.

What stands in ``cue_splits`` stays: a group that has a split keeps it, new cues come to it. Where
a cue that has arrived joins groups of two splits, all of them go to the first of train,
validation, test: what a model may have been trained on is never tested on. That is told, with the
ties. A person's pin takes its whole group along. Pins of one group to two splits are kept as they
are, and told as a leak for as long as they stand.

A cue is drawn once all is made that it is compared by; until then it has no split.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cue_pipeline.cue.identity import row_id
from cue_pipeline.errors import SplitError
from cue_pipeline.library.tie_groups import TieGroups
from cue_pipeline.library.ties import Tie, by_whole_parts, ties
from cue_pipeline.library.works import alike, kinship
from cue_pipeline.midi.shingles import FEWEST_COMPARED
from cue_pipeline.warehouse.split_rows import SplitRow, read_held, read_splits, write_splits

if TYPE_CHECKING:
    from datetime import datetime

    from cue_pipeline.warehouse.store import CueRow, Store

SPLITS: Final = ("train", "validation", "test")
"""In the order in which a joined group goes to the first of its own."""

COMPARED_BY: Final = ("tempo_map", "midi_events", "mel_features")
"""Assets that must be ready for a cue to be drawn."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How groups are drawn.

    Attributes
    ----------
    ratios : tuple of float
        Of train, validation and test; only their relation counts.
    seed : int
    by : {"project", "work"}
        Whether cues of one project are tied, or only those of one work and that share music.
    """

    ratios: tuple[float, ...] = (80.0, 10.0, 10.0)
    seed: int = 0
    by: Literal["project", "work"] = "project"

    def __post_init__(self) -> None:
        if len(self.ratios) != len(SPLITS) or min(self.ratios) < 0 or sum(self.ratios) <= 0:
            raise SplitError(
                f"Ratios are three numbers, none below 0, of {', '.join(SPLITS)}; found "
                f"{', '.join(f'{r:g}' for r in self.ratios)}. Give, for example, 80,10,10."
            )

    def draw(self, group_id: int) -> str:
        """Return the split that a group falls into."""
        digest = hashlib.sha256(f"{self.seed}:{group_id}".encode()).digest()
        at = int.from_bytes(digest[:8], "big") / 2**64 * sum(self.ratios)
        for split, ratio in zip(SPLITS, self.ratios, strict=True):
            if at < ratio:
                return split
            at -= ratio
        return next(s for s, r in zip(reversed(SPLITS), reversed(self.ratios), strict=True) if r)

    @property
    def wanted(self) -> list[str]:
        """Splits that are to have cues, by ratio from the greatest; test before validation."""
        ratios = dict(zip(SPLITS, self.ratios, strict=True))
        return sorted((s for s in reversed(SPLITS) if ratios[s]), key=lambda s: -ratios[s])

    def as_json(self) -> dict[str, Any]:
        """Return it as ``cue_splits.rule`` holds it."""
        return {"ratios": list(self.ratios), "seed": self.seed, "by": self.by}

    @classmethod
    def of_json(cls, rule: Mapping[str, Any]) -> Rule:
        """Return the rule of a row of ``cue_splits``."""
        return cls(tuple(map(float, rule["ratios"])), int(rule["seed"]), rule["by"])


@dataclass(frozen=True, slots=True)
class Merge:
    """Cues of one group that were in several splits.

    Attributes
    ----------
    was : mapping of str to tuple of str
        Split → the cues that were in it.
    now : str or None
        Where all are now; None: pinned to several, so they still are.
    evidence : tuple of Tie
        A chain of ties from one split to the next.
    """

    was: Mapping[str, tuple[str, ...]]
    now: str | None
    evidence: tuple[Tie, ...]


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """What ``splits make`` does.

    Attributes
    ----------
    rule : Rule
    rows : dict of str to SplitRow
        Every cue with a split, by key.
    changed : tuple of SplitRow
        Those that are new or another than in the table.
    moved : dict of str to (str, str)
        Cues that were in another split: from which, to which.
    altered : dict of str to str
        Cues that stay in their split, but of which something else is new → what.
    merges : tuple of Merge
        Groups that turned out to be one, but were in several splits.
    leaks : tuple of Merge
        Groups that people pinned to several splits.
    filled : dict of str to tuple of str
        Splits that the draw left empty, and the cues that went there for that.
    waiting : dict of str to str
        Cues without a split yet, and why.
    """

    rule: Rule
    rows: dict[str, SplitRow]
    changed: tuple[SplitRow, ...]
    moved: dict[str, tuple[str, str]]
    merges: tuple[Merge, ...]
    leaks: tuple[Merge, ...]
    filled: dict[str, tuple[str, ...]]
    waiting: dict[str, str]
    altered: dict[str, str]

    @property
    def empty(self) -> list[str]:
        """Splits that are to have cues, but have none."""
        there = {row.split for row in self.rows.values()}
        return [split for split in self.rule.wanted if split not in there]


def plan_splits(
    store: Store,
    *,
    ratios: Sequence[float] | None = None,
    seed: int | None = None,
    by: Literal["project", "work"] | None = None,
    pins: Mapping[str, str | None] | None = None,
    author: str,
) -> SplitPlan:
    """Return which cue is to be in which split, and what that changes; nothing is written.

    Parameters
    ----------
    store : Store
    ratios, seed, by
        See :class:`Rule`; None: as the table's rows were drawn. Another rule draws every group that
        no pin holds anew.
    pins : mapping of str to str or None, optional
        Cues whose split a person names; None: no longer.
    author : str
        Who.

    Raises
    ------
    SplitError
        If ratios are none, or a pinned split is none of :data:`SPLITS`.
    """
    from cue_pipeline.warehouse.cue_facts import read_facts
    from cue_pipeline.warehouse.types import now

    if wrong := sorted({p for p in (pins or {}).values() if p is not None and p not in SPLITS}):
        raise SplitError(f"There is no split {wrong[0]!r}: there are {', '.join(SPLITS)}.")
    before = read_splits(store.engine)
    rule, drawn_anew = _rule(before, ratios, seed, by)
    cues = store.cues()
    waiting = _waiting(store, cues)
    facts = read_facts(store.engine)
    likeness = alike(facts)
    kin = kinship(facts, likeness)
    plain = [
        f.cue_key
        for f in facts
        if f.cue_key not in waiting
        and (f.sketch is None or f.sketch.n_shingles < FEWEST_COMPARED)
    ]  # fmt: skip
    tied = ties(cues, facts, kin, likeness, read_held(store.engine), projects=rule.by == "project")
    tied += by_whole_parts(store, plain)
    works = {key: str(k.work_id) for key, k in kin.items()}
    names = {
        c.cue_key: f"project {c.project.casefold()}"
        if c.project is not None and rule.by == "project"
        else f"work {works[c.cue_key]}"
        for c in cues
    }
    held = {key: pins[key] for key in pins} if pins else {}
    return draw(
        names, tied, before, rule, held,
        anew=drawn_anew, waiting=waiting, author=author, moment=now(),
    )  # fmt: skip


def make_splits(store: Store, plan: SplitPlan) -> None:
    """Write what a plan changes."""
    write_splits(store.engine, plan.changed)


def _rule(
    before: Mapping[str, SplitRow],
    ratios: Sequence[float] | None,
    seed: int | None,
    by: Literal["project", "work"] | None,
) -> tuple[Rule, bool]:
    """Return the rule, and whether the rows of the table were drawn by another."""
    rows = sorted(before.values(), key=lambda row: row.decided_at)
    stood = Rule.of_json(rows[-1].rule) if rows else Rule()
    rule = Rule(
        stood.ratios if ratios is None else tuple(ratios),
        stood.seed if seed is None else seed,
        stood.by if by is None else by,
    )
    return rule, bool(rows) and rule != stood


def _waiting(store: Store, cues: Iterable[CueRow]) -> dict[str, str]:
    made: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in store.ledger():
        made[entry.cue_key][entry.asset] = entry.state
    found = {}
    for cue in cues:
        lacking = [a for a in COMPARED_BY if made[cue.cue_key].get(a) != "ready"]
        if lacking:
            states = (f"{a} is {made[cue.cue_key].get(a, 'missing')}" for a in lacking)
            found[cue.cue_key] = ", ".join(states)
    return found


def draw(
    names: Mapping[str, str],
    tied: Iterable[Tie],
    before: Mapping[str, SplitRow],
    rule: Rule,
    pins: Mapping[str, str | None],
    *,
    anew: bool = False,
    waiting: Mapping[str, str] | None = None,
    author: str,
    moment: datetime,
) -> SplitPlan:
    """Return which cue is in which split.

    Parameters
    ----------
    names : mapping of str to str
        Of every cue, by key, the name of the least group it can be in: its project or its work.
    tied : iterable of Tie
    before : mapping of str to SplitRow
        What stands, by key.
    rule : Rule
    pins : mapping of str to str or None
        What a person says now: cue → split; None: no longer pinned.
    anew : bool
        Whether only pins stand of ``before``.
    waiting : mapping of str to str, optional
        Cues that cannot be compared yet, and why: they get no split by themselves.
    """
    standing = {**{k: r.split for k, r in before.items() if r.pinned and k in names}, **pins}
    pinned = {key: split for key, split in standing.items() if split is not None}
    without = {k: why for k, why in (waiting or {}).items() if k not in before and k not in pinned}
    groups = TieGroups({key: key for key in names if key not in without})
    for tie in tied:
        groups.join(tie)
    found = [_Group.of(keys, names, before, pinned, rule, anew) for keys in groups.members()]
    filled = _fill(found, rule)
    rows: dict[str, SplitRow] = {}
    merges: list[Merge] = []
    leaks: list[Merge] = []
    for group in found:
        doubt = None
        if len(group.held) > 1:
            leaks.append(Merge(group.held, None, _evidence(groups, group.held)))
            doubt = "; ".join(f"{', '.join(v)} pinned to {s}" for s, v in group.held.items())
            doubt = f"cues that share music are in several splits: {doubt}"
        elif len(group.was) > 1:
            merges.append(Merge(group.was, group.split, _evidence(groups, group.was)))
        for key in group.keys:
            rows[key] = SplitRow(
                key, pinned.get(key, group.split), group.id, key in pinned, _why(groups, key),
                doubt, rule.as_json(), author, moment,
            )  # fmt: skip
    return _changes(rule, rows, before, merges, leaks, filled, without)


@dataclass
class _Group:
    """Cues that are never parted, where they were, where people want them, and where they go."""

    id: int
    keys: list[str]
    was: dict[str, tuple[str, ...]]
    held: dict[str, tuple[str, ...]]
    split: str

    @classmethod
    def of(
        cls,
        keys: list[str],
        names: Mapping[str, str],
        before: Mapping[str, SplitRow],
        pinned: Mapping[str, str],
        rule: Rule,
        anew: bool,
    ) -> _Group:
        group_id = row_id("split_groups", min(names[key] for key in keys))
        was = _by_split(keys, {k: before[k].split for k in keys if k in before and not anew})
        held = _by_split(keys, {key: pinned[key] for key in keys if key in pinned})
        return cls(group_id, keys, was, held, next(iter(held or was), None) or rule.draw(group_id))

    @property
    def is_new(self) -> bool:
        """Whether only the draw says where it goes."""
        return not (self.was or self.held)


def _fill(groups: Sequence[_Group], rule: Rule) -> dict[str, tuple[str, ...]]:
    """Let a group that was drawn just now go to each split that is empty, while there are any.

    It is the one of fewest cues, for the split of the greatest ratio the one of most, out of a
    split that keeps another one, or that is less needed.
    """
    filled: dict[str, tuple[str, ...]] = {}
    for rank, split in enumerate(rule.wanted):
        of_split: dict[str, list[_Group]] = defaultdict(list)
        for group in groups:
            for there in group.held or (group.split,):
                of_split[there].append(group)
        if split in of_split:
            continue
        less_needed = rule.wanted[rank + 1 :]
        free = [
            group
            for there, others in of_split.items()
            for group in others
            if group.is_new and (len(others) > 1 or there in less_needed)
        ]
        if free:
            sign = -1 if rank == 0 else 1
            chosen = min(free, key=lambda group: (sign * len(group.keys), group.id))
            chosen.split = split
            filled[split] = tuple(chosen.keys)
    return filled


def _by_split(keys: Sequence[str], split_of: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found = {s: tuple(k for k in keys if split_of.get(k) == s) for s in SPLITS}
    return {split: those for split, those in found.items() if those}


def _evidence(groups: TieGroups, apart: Mapping[str, tuple[str, ...]]) -> tuple[Tie, ...]:
    parts = list(apart.values())
    chains = (groups.chain(parts[0], set(part)) for part in parts[1:])
    return tuple(dict.fromkeys(tie for chain in chains for tie in chain))


def _why(groups: TieGroups, key: str) -> str | None:
    near = groups.neighbours[key]
    if not near:
        return None
    other, tie = near[0]
    return f"{other}: {tie.why}"


def _changes(
    rule: Rule,
    rows: dict[str, SplitRow],
    before: Mapping[str, SplitRow],
    merges: Sequence[Merge],
    leaks: Sequence[Merge],
    filled: dict[str, tuple[str, ...]],
    waiting: dict[str, str],
) -> SplitPlan:
    changed = []
    for key, row in rows.items():
        old = before.get(key)
        if old is not None and (old.split, old.pinned) == (row.split, row.pinned):
            kept = SplitRow(
                key, row.split, row.group_id, row.pinned, row.why, row.doubt, row.rule,
                old.decided_by, old.decided_at,
            )  # fmt: skip
            rows[key] = kept
        if rows[key] != old:
            changed.append(rows[key])
    moved = {
        key: (before[key].split, row.split)
        for key, row in rows.items()
        if key in before and before[key].split != row.split
    }
    altered = {
        row.cue_key: _what_is_new(before[row.cue_key], row)
        for row in changed
        if row.cue_key in before and row.cue_key not in moved
    }
    return SplitPlan(
        rule, rows, tuple(changed), moved, tuple(merges), tuple(leaks), filled, waiting, altered
    )


def _what_is_new(old: SplitRow, row: SplitRow) -> str:
    """Return in words what of a row is new whose split is not."""
    told = {
        "pinned": "pinned" if row.pinned else "no longer pinned",
        "rule": "drawn by another rule",
        "group_id": "another group",
        "why": "tied otherwise",
        "doubt": "a leak" if row.doubt else "no longer a leak",
    }
    return ", ".join(say for name, say in told.items() if getattr(old, name) != getattr(row, name))
