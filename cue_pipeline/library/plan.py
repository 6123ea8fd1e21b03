"""What one look at the folder says is to be done: a plan for each cue under it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from cue_pipeline.cue.cue_paths import find_folder
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.numbering import natural_key
from cue_pipeline.cue.scan import CueScan, ScanProblem, find_cues
from cue_pipeline.errors import CueError, SettingsError, closest
from cue_pipeline.library import graph
from cue_pipeline.library.base import Base, base_of, second_keys
from cue_pipeline.library.chat_model import waiting_cues
from cue_pipeline.library.moves import standing_offers
from cue_pipeline.library.recognition import (
    BusyAmong,
    nowhere,
    recognise,
    settled_folder,
    told_held,
)
from cue_pipeline.library.status import AssetStatus, cue_status, to_do
from cue_pipeline.library.watch import gone_cues
from cue_pipeline.settings import Settings
from cue_pipeline.warehouse.registry import KeyConflict, compare
from cue_pipeline.warehouse.store import CueRow, LedgerRow, Store

_FEW = 10  # cues that are asked for one by one; the rows of all take a second per 20,000 cues


@dataclass(frozen=True, slots=True)
class CuePlan:
    """What is to be done for one cue; nothing, if ``assets`` is empty."""

    folder: CueFolder
    assets: tuple[str, ...]
    reasons: Mapping[str, str]
    forced: bool = False
    """Done also where another process has done it meanwhile."""
    waits: bool = False
    """Its mapping is left out until the batch is collected in which the model is asked."""


@dataclass(frozen=True, slots=True)
class LibraryPlan:
    """What one call is to do: a plan per cue, and what of the folder could not be used."""

    cues: tuple[CuePlan, ...]
    problems: tuple[ScanProblem, ...]
    refused: Mapping[str, str]
    gone: tuple[str, ...]
    moved: Mapping[str, str] = field(default_factory=dict)
    """Cues whose folders were found elsewhere: old key → new key."""
    restored: tuple[str, ...] = ()
    """Cues whose files have other dates and hold what they held."""
    offered: tuple[str, ...] = ()
    """What may be a cue that is gone, in words."""
    returned: tuple[str, ...] = ()
    """Cues that were missing."""


def plan_library(
    base: Path,
    store: Store,
    settings: Settings,
    *,
    force: bool = False,
    select: Collection[str] = (),
    only: Collection[str] = (),
    dry_run: bool = False,
    ask_again: bool = False,
    busy_among: BusyAmong = lambda _: (),
) -> LibraryPlan:
    """Find the cues under ``base``, register them, and see what each lacks.

    Parameters
    ----------
    base : Path
        The library's root; or a folder in a library that is registered, or a cue's.
    store : Store
        The warehouse; cues are registered there, and those gone from ``base`` marked missing.
    settings : Settings
        They say which versions are current.
    force : bool
        Also what is up to date.
    select : collection of str
        These assets only, and what they need that is not ready. Empty: all.
    only : collection of str
        These cue keys only. Empty: all.
    dry_run : bool
        Write nothing: the cues are not registered, nor marked.
    ask_again : bool
        Also what the model is asked for, of cues about which it gave no usable answer.
    busy_among : callable
        Of some cue keys, those of which a run is under way; by default none. Asked only where
        cues have moved: these wait for its end.

    Raises
    ------
    CueError
        If ``base`` cannot be used or a key in ``only`` is not there.
    SettingsError
        If ``select`` names no asset.
    """
    assets = graph.chosen(settings)
    unknown = sorted(set(select) - set(assets))
    if unknown:
        raise SettingsError(f"No asset is called {unknown[0]!r}. Assets are {', '.join(assets)}.")
    known = {cue.cue_key: cue for cue in store.cues()}
    place = base_of(base, known.values())
    scan, whole = _look(place, known, only)
    folders = [folder for folder in scan.cues if not only or folder.key in only]
    absent = sorted(set(only) - {folder.key for folder in folders})
    if absent:
        raise CueError(
            f"No cue {absent[0]!r} under {str(base)!r}. A cue's key is its folder's path below the "
            f"base folder; {len(scan.cues)} were found there"
            + "".join(f", the closest {key!r}" for key in _closest(absent[0], scan.cues))
            + "."
        )
    gone: tuple[str, ...] = ()
    if scan.cues and whole:
        gone = gone_cues(scan, scan.cues[0].root, known, place.below)
    # A cue that was asked for by a new name may be a known one, and then no other folder may be it.
    looked_at = scan.cues if whole else tuple(folders)
    found = recognise(
        replace(scan, cues=looked_at),
        known,
        store,
        gone=nowhere(known, looked_at, gone),
        busy_among=busy_among,
        write=not dry_run,
    )
    moved = {move.old: move.new for move in found.moved}
    gone = tuple(key for key in gone if key not in moved and key not in found.left)
    due = [f for f in found.scan.cues if not only or f.key in only]
    to_register = {folder.key for folder in due} | set(moved.values())
    sure = [f for f in found.scan.cues if f.key in to_register and f.key not in found.left]
    refused = _refused(sure, place.root, known, store, settings, dry_run=dry_run)
    refused |= {new: told_held(old) for new, old in found.held.items()}
    if not dry_run:
        store.mark_missing(gone)
    plans = _plans(
        [folder for folder in due if folder.key not in refused],
        store,
        settings,
        {new: old for old, new in moved.items()} if dry_run else {},
        partial(_plan_cue, force=force, select=select),
        store.unanswered_cues() if ask_again else frozenset(),
    )
    asked = {offer.new for offer in found.offered}
    standing = (o for o in standing_offers(store, store.cues()) if o.new not in asked)
    offers = (*found.offered, *standing)
    return LibraryPlan(
        plans,
        scan.problems,
        refused,
        gone,
        moved,
        found.restored,
        tuple(offer.told() for offer in offers),
        tuple(f.key for f in folders if f.key in known and known[f.key].state == "missing"),
    )


def _look(place: Base, known: Mapping[str, CueRow], only: Collection[str]) -> tuple[CueScan, bool]:
    """Return what lies at a base, and whether all of it was looked at.

    Where only known cues are asked for, what lies in their folders: a walk through a whole library
    takes ten seconds where there are 20,000 cues.
    """
    within = place.below or place.root
    rows = [row for key in only if (row := known.get(key)) and row.root == str(place.root)]
    own = [row.path for row in rows if row.path.is_relative_to(within) and _is_at(place.root, row)]
    if only and len(own) == len(set(only)):
        scans = [find_cues(place.root, path) for path in own]
        found = {folder.key: folder for scan in scans for folder in scan.cues}
        if found.keys() == set(only):
            return CueScan(
                tuple(found[key] for key in sorted(found, key=natural_key)),
                tuple(problem for scan in scans for problem in scan.problems),
            ), False
    return find_cues(place.root, place.below), True


def _is_at(root: Path, row: CueRow) -> bool:
    """Whether the folder of a cue, and no other that is spelt like it, is where it was seen."""
    try:
        return row.path.is_dir() and row.path.samefile(find_folder(root, row.cue_key))
    except (CueError, OSError):
        return False


def _plans(
    folders: Sequence[CueFolder],
    store: Store,
    settings: Settings,
    before: Mapping[str, str],
    plan_of: Callable[[CueFolder, Sequence[AssetStatus]], CuePlan],
    unanswered: Collection[str],
) -> tuple[CuePlan, ...]:
    """Return what each cue lacks; ``before`` says by which key the tables have it, if another."""
    versions, decided = graph.code_versions(settings), store.decisions()
    waiting = waiting_cues(settings, store)
    keys = [before.get(folder.key, folder.key) for folder in folders]
    ledgers = _ledgers(store, keys)
    plans = []
    for folder, key in zip(folders, keys, strict=True):
        statuses = cue_status(
            folder, ledgers.get(key, {}), versions, decided.get(key, graph.NOTHING_DECIDED)
        )
        plan = plan_of(folder, statuses)
        plan = _ask_again(plan) if key in unanswered else plan
        plans.append(_hold(plan) if key in waiting else plan)
    return tuple(plans)


def _refused(
    folders: Sequence[CueFolder],
    root: Path,
    known: Mapping[str, CueRow],
    store: Store,
    settings: Settings,
    *,
    dry_run: bool,
) -> dict[str, str]:
    """Register cues, or only see what that would do; return those that cannot be, and why."""
    refused = second_keys(folders, root, known)
    folders = [folder for folder in folders if folder.key not in refused]
    for conflict in _conflicts(folders, store, settings, dry_run=dry_run):
        refused[conflict.cue_key] = (
            f"already registered from {conflict.registered_root!r}, where it still is. Use another "
            "DATABASE_URL for the other library; or, if this is the one to go on with, run "
            f"`cue-pipeline cues adopt {shlex.quote(conflict.found_root)} --from "
            f"{shlex.quote(conflict.registered_root)}`."
        )
    return refused


def _conflicts(
    folders: Sequence[CueFolder], store: Store, settings: Settings, *, dry_run: bool
) -> tuple[KeyConflict, ...]:
    """Register the cues, or only see what that would do; return those that cannot be."""
    if not dry_run:
        pattern = settings.project_pattern
        return store.register_cues(folders, project_pattern=pattern).conflicts
    return compare({cue.cue_key: cue for cue in store.cues()}, folders)[0].conflicts


def _closest(key: str, cues: Sequence[CueFolder]) -> list[str]:
    """Return the key that is most like what was typed, none where none is."""
    return closest(key, (cue.key for cue in cues), n=1)


def _ledgers(store: Store, keys: Sequence[str]) -> dict[str, dict[str, LedgerRow]]:
    ledgers: dict[str, dict[str, LedgerRow]] = {}
    few = len(keys) <= _FEW
    for row in (row for key in keys for row in store.ledger(key)) if few else store.ledger():
        ledgers.setdefault(row.cue_key, {})[row.asset] = row
    return ledgers


def _plan_cue(
    folder: CueFolder,
    statuses: Sequence[AssetStatus],
    *,
    force: bool,
    select: Collection[str],
) -> CuePlan:
    lacking = set(to_do(statuses))
    wanted = {status.asset for status in statuses} if force else set(lacking)
    if select:
        needed = set(select) | {up for asset in select for up in graph.upstream_of(asset)}
        wanted = {a for a in needed if a in lacking or (force and a in select)}
    reasons = {s.asset: s.reason or "asked for by --force" for s in statuses if s.asset in wanted}
    return CuePlan(folder, tuple(graph.ordered(wanted)), reasons, forced=force)


def _ask_again(plan: CuePlan) -> CuePlan:
    """Add what the model is asked for: its stored answer was of no use."""
    asking = graph.asking_model()
    assets = tuple(graph.ordered({*plan.assets, *asking}))
    reasons = {**dict.fromkeys(asking, "the model gave no usable answer"), **plan.reasons}
    return replace(plan, assets=assets, reasons=reasons, forced=True)


def _hold(plan: CuePlan) -> CuePlan:
    """Leave out what the model is asked for: the question waits in a batch."""
    asking = graph.asking_model()
    assets = tuple(asset for asset in plan.assets if asset not in asking)
    return replace(plan, assets=assets, waits=assets != plan.assets)


def still_lacking(
    cue_key: str, assets: tuple[str, ...], store: Store, settings: Settings
) -> tuple[str, ...]:
    """Return those of ``assets`` that nobody has made since they were planned.

    Parameters
    ----------
    cue_key : str
        The cue, claimed by this process.
    assets : tuple of str
        What the plan says.
    store, settings
        As for :func:`cue_pipeline.library.status.cue_status`.

    Raises
    ------
    CuePipelineError
        If the folder or the database cannot be read now.
    """
    cue = store.cue(cue_key)
    if cue is None:
        raise CueError(f"Cue {cue_key!r} is not registered.")
    statuses = cue_status(
        settled_folder(store, cue),
        {row.asset: row for row in store.ledger(cue_key)},
        graph.code_versions(settings),
        store.decisions(cue_key).get(cue_key, graph.NOTHING_DECIDED),
    )
    lacking = set(to_do(statuses))
    return tuple(asset for asset in assets if asset in lacking)
