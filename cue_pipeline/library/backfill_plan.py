"""Which assets of which cues a backfill is for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cue_pipeline.errors import CueError, SettingsError
from cue_pipeline.library import graph
from cue_pipeline.library.status import AssetStatus

if TYPE_CHECKING:
    from cue_pipeline.warehouse.store import Store


KINDS = ("stale", "failed", "missing")
"""States of an asset that a backfill can be asked for."""


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What a backfill is to make again.

    Attributes
    ----------
    assets : mapping of str to tuple of str
        Cue key → assets, upstream first.
    reasons : mapping of (str, str) to str
        Cue key and asset → why.
    """

    assets: Mapping[str, tuple[str, ...]]
    reasons: Mapping[tuple[str, str], str]

    def __len__(self) -> int:
        return sum(len(assets) for assets in self.assets.values())


def plan_backfill(
    statuses: Iterable[AssetStatus],
    *,
    kinds: Collection[str] = (),
    select: Collection[str] = (),
    only: Collection[str] = (),
) -> BackfillPlan:
    """Return which assets of which cues a backfill is for.

    Parameters
    ----------
    statuses : iterable of AssetStatus
        State of every cue × asset.
    kinds : collection of {"stale", "failed", "missing"}
        States asked for; empty: all three. With ``failed`` comes what waits for a failed asset.
    select : collection of str
        These assets only, and what they stand on that is not ready. Empty: all.
    only : collection of str
        These cues only. Empty: all.

    Raises
    ------
    SettingsError
        If ``select`` names no asset or ``only`` a cue that is not registered.
    """
    by_cue: dict[str, dict[str, AssetStatus]] = {}
    for status in statuses:
        by_cue.setdefault(status.cue_key, {})[status.asset] = status
    there = dict.fromkeys(asset for states in by_cue.values() for asset in states)
    _check_names(select, there or graph.GRAPH, "asset", "Assets are")
    _check_names(only, by_cue, "registered cue", "Registered are, for example,")
    chosen: dict[str, tuple[str, ...]] = {}
    reasons: dict[tuple[str, str], str] = {}
    for key, states in by_cue.items():
        wanted = _wanted(states, kinds or KINDS, select) if not only or key in only else ()
        if wanted:
            chosen[key] = wanted
            reasons |= {(key, a): f"{states[a].state}: {states[a].reason}" for a in wanted}
    return BackfillPlan(chosen, reasons)


def by_assets(plan: BackfillPlan) -> dict[tuple[str, ...], list[str]]:
    """Return the cues of a plan by the assets wanted of them: a backfill for each.

    Within one backfill Dagster runs two assets of a cue together only where both are wanted of the
    same cues; otherwise the second waits for a run of its own in a later tick of 30 s.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, wanted in plan.assets.items():
        groups.setdefault(wanted, []).append(key)
    return groups


def without(plan: BackfillPlan, keys: Collection[str]) -> BackfillPlan:
    """Return a plan that leaves these cues out."""
    assets = {key: wanted for key, wanted in plan.assets.items() if key not in keys}
    return BackfillPlan(assets, {of: why for of, why in plan.reasons.items() if of[0] in assets})


def hold(plan: BackfillPlan, keys: Collection[str]) -> BackfillPlan:
    """Return a plan without what the model is asked for of these cues: their question waits."""
    asking = graph.asking_model()
    kept = {
        key: tuple(a for a in wanted if a not in asking or key not in keys)
        for key, wanted in plan.assets.items()
    }
    assets = {key: wanted for key, wanted in kept.items() if wanted}
    reasons = {of: why for of, why in plan.reasons.items() if of[1] in assets.get(of[0], ())}
    return BackfillPlan(assets, reasons)


def asking_cues(plan: BackfillPlan) -> set[str]:
    """Return the cues of a plan for which the model is to be asked."""
    asking = graph.asking_model()
    return {key for key, wanted in plan.assets.items() if asking.intersection(wanted)}


def unreachable_cues(store: Store, keys: Collection[str]) -> dict[str, str]:
    """Return the cues whose folder cannot be read now, and why.

    A run of such a cue could only fail, and take the good rows of before out of use.
    """
    from cue_pipeline.cue.scan import read_cue_folder

    unreachable: dict[str, str] = {}
    for cue in store.cues():
        if cue.cue_key in keys:
            try:
                read_cue_folder(Path(cue.root), cue.cue_key, cue.folder)
            except CueError as e:
                unreachable[cue.cue_key] = str(e)
    return unreachable


def _check_names(names: Collection[str], known: Iterable[str], what: str, listing: str) -> None:
    there = list(known)
    unknown = sorted(set(names) - set(there))
    if unknown:
        shown = f"{listing} {', '.join(there[:8])}" if there else "None is known yet"
        raise SettingsError(f"There is no {what} {unknown[0]!r}. {shown}.")


def _wanted(
    states: Mapping[str, AssetStatus], kinds: Collection[str], select: Collection[str]
) -> tuple[str, ...]:
    # An asset that a killed load left half way is as good as missing; cues with a run under way
    # are left out as a whole.
    asked = {a for a, s in states.items() if s.state in kinds}
    if "missing" in kinds:
        asked |= {a for a, s in states.items() if s.state == "loading"}
    if "failed" in kinds:
        failed = frozenset(a for a, s in states.items() if s.state == "failed")
        asked |= {
            a for a in graph.downstream(failed, states) if states[a].state in ("missing", "stale")
        }
    if select:
        asked &= set(select)
    # An asset is made from what it stands on as that is then; so that comes first.
    needed = {up for a in asked for up in graph.upstream_of(a) if states[up].state != "ready"}
    return tuple(graph.ordered(asked | needed))
