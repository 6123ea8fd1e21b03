"""The sensor on ``CUE_ROOT``: cue folders that appear or change are processed by themselves.

What is to be done is decided in :mod:`cue_pipeline.library.watch`; here it is looked up and done.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from cue_pipeline.cue.shown import shown
from cue_pipeline.defs.busy import UNFINISHED, busy_cues
from cue_pipeline.defs.is_current import TELL_STATES
from cue_pipeline.defs.moved import follow
from cue_pipeline.defs.partitions import cues
from cue_pipeline.defs.resources import CueLibrary
from cue_pipeline.errors import CueError
from cue_pipeline.library import graph, watch
from cue_pipeline.library.base import base_of, second_keys
from cue_pipeline.library.recognition import Recognition, nowhere, recognise, told_held
from cue_pipeline.library.status import AssetStatus, read_status
from cue_pipeline.library.verdicts import VERDICTS_PER_LOOK, changed_verdicts
from cue_pipeline.library.works import digest_of_facts, refresh_works
from cue_pipeline.settings import Settings
from cue_pipeline.warehouse.verdict_rows import note_verdicts, untold_verdicts

if TYPE_CHECKING:
    from cue_pipeline.cue.scan import CueScan
    from cue_pipeline.warehouse.store import KeyConflict, LedgerRow, Store

SENSOR = "cue_folders"
"""The sensor's name."""

STATES_SENSOR = "cue_states"
"""Name of the sensor that tells which cues are up to date."""

LAUNCHED_BY = {"cue_pipeline/launched_by": SENSOR}

RUNS_WAITING = 200
"""No more runs are asked for while this many are unfinished."""

CUES = str(cues.name)

MOVES_PER_LOOK = 50
"""Cues that one look moves at most: Dagster is told of each asset of each."""

COMPARING_SECONDS = 15.0
"""How long one look reads files whose dates are new; the next one goes on."""

_MOST_NAMED = 3


def cue_folders_sensor(
    settings: Settings, job_name: str, checks: Mapping[str, Sequence[dg.AssetCheckKey]]
) -> dg.SensorDefinition:
    """Return the sensor, on where ``CUE_ROOT`` is set.

    Parameters
    ----------
    settings : Settings
        They say whether and where to look.
    job_name : str
        The job that is run for a cue, or a part of it.
    checks : mapping of str to sequence of AssetCheckKey
        Those that are part of each asset's step.
    """
    on = settings.cue_root is not None

    @dg.sensor(
        name=SENSOR,
        job_name=job_name,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING if on else dg.DefaultSensorStatus.STOPPED,
        description=(
            "Looks at `CUE_ROOT` every 30 seconds. A new cue folder becomes a partition and a run; "
            "of a changed one just the assets that stand on the changed files are made again. A "
            "folder still being copied waits. A cue whose folder is gone is marked as missing and "
            "keeps its rows. A cue that failed is run again once its files change."
        ),
    )
    def cue_folders(
        context: dg.SensorEvaluationContext, library: CueLibrary
    ) -> dg.SensorResult | dg.SkipReason:
        root = library.settings.cue_root
        if root is None:
            return dg.SkipReason("CUE_ROOT is not set, so there is no folder to look at.")
        return _look(context, library, root, checks)

    return cue_folders


def cue_states_sensor(tell: dg.JobDefinition) -> dg.SensorDefinition:
    """Return the sensor that tells by ``is_current`` which cues are up to date.

    Parameters
    ----------
    tell : JobDefinition
        The job that tells.
    """

    @dg.sensor(
        name=STATES_SENSOR,
        job=tell,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Tells by the check `is_current` which cues are no longer up to date, and why, once "
            "for each change. What `cue_folders` has seen is told within a minute; where `CUE_ROOT`"
            " is not set, the folders of all registered cues are looked at here."
        ),
    )
    def cue_states(
        context: dg.SensorEvaluationContext, library: CueLibrary
    ) -> dg.SensorResult | dg.SkipReason:
        store, instance = library.store, context.instance
        memory = watch.Memory.from_cursor(context.cursor)
        memory = memory if memory.epoch else replace(memory, epoch=f"{int(time.time()):x}")
        if library.settings.cue_root is None:
            memory = _look_at_states(context, library, memory)
        if instance.get_runs_count(dg.RunsFilter(job_name=TELL_STATES, statuses=UNFINISHED)):
            return dg.SkipReason("The last verdicts are still being told.")
        due = untold_verdicts(store.engine, memory.epoch, VERDICTS_PER_LOOK)
        there = set(instance.get_dynamic_partitions(CUES)) if due else set()
        keys = [key for key in due if key in there]
        config = {"ops": {"tell": {"config": {"cues": keys, "teller": memory.epoch}}}}
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_config=config)] if keys else [],
            skip_reason=None if keys else dg.SkipReason("No cue's state has changed."),
            cursor=memory.as_cursor(),
        )

    return cue_states


def _look_at_states(
    context: dg.SensorEvaluationContext, library: CueLibrary, memory: watch.Memory
) -> watch.Memory:
    """Keep the verdicts on all registered cues, and compare them where no folder is watched."""
    store, instance = library.store, context.instance
    known = _known(store, library.settings)
    statuses: dict[str, list[AssetStatus]] = {}
    for status in read_status(store, library.settings):
        if status.cue_key in known.ledger:
            statuses.setdefault(status.cue_key, []).append(status)
    changed = changed_verdicts(statuses, known.cues, lambda keys: busy_cues(instance, keys))
    note_verdicts(store.engine, changed)
    return _compare(context, store, known, memory)


def _look(
    context: dg.SensorEvaluationContext,
    library: CueLibrary,
    root: Path,
    checks: Mapping[str, Sequence[dg.AssetCheckKey]],
) -> dg.SensorResult | dg.SkipReason:
    from cue_pipeline.cue.scan import find_cues

    store, settings = library.store, library.settings  # read anew at each access
    known = _known(store, settings)
    try:
        place = base_of(root, known.cues.values())
        scan = find_cues(place.root, place.below)
    except CueError as e:
        return _loud(context, f"{e} Nothing was changed.")
    root = scan.cues[0].root if scan.cues else place.root.expanduser().absolute()
    before = watch.vanished(root, known.cues)
    if not scan.cues and before:
        return _loud(
            context,
            f"'{root}' is there but holds no cue; when last looked at it held {before}. Is its "
            "volume mounted? Nothing was changed, and no cue is marked as missing.",
        )
    instance, now = context.instance, time.time()
    found = recognise(
        scan,
        known.cues,
        store,
        gone=nowhere(known.cues, scan.cues, watch.gone_cues(scan, root, known.cues, place.below)),
        busy_among=lambda keys: busy_cues(instance, keys),
        seconds=COMPARING_SECONDS,
        most=MOVES_PER_LOOK,
    )
    scan = found.scan
    if found.moved or found.restored:
        known = _known(store, settings)
    refused = second_keys(scan.cues, root, known.cues)
    refused |= {new: told_held(old) for new, old in found.held.items()}
    look = watch.decide(
        scan,
        root,
        known,
        watch.Memory.from_cursor(context.cursor),
        is_quiet=lambda folder: watch.quiet(folder, now, settings.settle_seconds),
        busy_among=lambda keys: busy_cues(instance, keys),
        room=max(0, RUNS_WAITING - _waiting(instance)),
        new_epoch=f"{int(now):x}",
        below=place.below,
        undecided=found.left | refused.keys(),
    )
    pattern = settings.project_pattern
    conflicts = (
        store.register_cues(look.register, project_pattern=pattern).conflicts
        if look.register
        else ()
    )
    store.mark_missing(look.gone)
    _follow(instance, known, found, look)
    refused |= {c.cue_key: _conflict(c) for c in conflicts}
    requests = [r for r in look.requests if r.folder.key not in refused]
    told = _tell(context, look, scan, found, refused)
    memory = replace(look.memory, told=told)
    note_verdicts(store.engine, look.verdicts)
    if not requests:
        memory = _compare(context, store, known, memory)
        return dg.SensorResult(skip_reason=dg.SkipReason(_summary(look)), cursor=memory.as_cursor())
    there = set(instance.get_dynamic_partitions(CUES))
    new = [r.folder.key for r in requests if r.folder.key not in there]
    context.log.info("%d runs asked for, %d cues new. %s", len(requests), len(new), _summary(look))
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=r.run_key(memory.epoch),
                partition_key=r.folder.key,
                asset_selection=[dg.AssetKey(asset) for asset in r.assets],
                asset_check_keys=[key for asset in r.assets for key in checks[asset]],
                tags=LAUNCHED_BY,
            )
            for r in requests
        ],
        dynamic_partitions_requests=[cues.build_add_request(new)] if new else [],
        cursor=memory.as_cursor(),
    )


def _compare(
    context: dg.SensorEvaluationContext, store: Store, known: watch.Known, memory: watch.Memory
) -> watch.Memory:
    """Compare all cues where anything that they are compared by has changed since."""
    by = digest_of_facts(known.cues, known.ledger)
    if by != memory.works:
        for told in refresh_works(store):
            context.log.info("%s.", shown(told))
    return replace(memory, works=by)


def _known(store: Store, settings: Settings) -> watch.Known:
    ledger: dict[str, dict[str, LedgerRow]] = {}
    for row in store.ledger():
        ledger.setdefault(row.cue_key, {})[row.asset] = row
    return watch.Known(
        cues={cue.cue_key: cue for cue in store.cues()},
        ledger=ledger,
        versions=graph.code_versions(settings),
        decided=store.decisions(),
    )


def _follow(
    instance: dg.DagsterInstance, known: watch.Known, found: Recognition, look: watch.Look
) -> None:
    """Have Dagster's partitions follow the cues that moved, are gone, or came back."""
    missing = [key for key, cue in known.cues.items() if cue.state == "missing"]
    registered = {folder.key for folder in look.register}
    returned = [key for key in missing if key in registered]
    # Those that were gone before too: whoever marked them may not have known this instance.
    gone = [*look.gone, *(key for key in missing if key not in registered)]
    if found.moved or gone or returned:
        moves = {move.old: move.new for move in found.moved}
        follow(instance, moved=moves, gone=gone, returned=returned)


def _waiting(instance: dg.DagsterInstance) -> int:
    return instance.get_runs_count(dg.RunsFilter(tags=LAUNCHED_BY, statuses=UNFINISHED))


def _loud(context: dg.SensorEvaluationContext, text: str) -> dg.SkipReason:
    context.log.error("CUE_ROOT: %s", shown(text))
    return dg.SkipReason(shown(f"CUE_ROOT: {text}"))


def _tell(
    context: dg.SensorEvaluationContext,
    look: watch.Look,
    scan: CueScan,
    found: Recognition,
    refused: Mapping[str, str],
) -> str:
    """Log what a person should know, once; return its digest."""
    warnings = [
        problem.text if problem.kind == "warning" else f"skipped: {problem.text}"
        for problem in scan.problems
    ]
    warnings += [f"refused: {key!r}: {why}" for key, why in refused.items()]
    warnings += [
        f"moved: {m.new!r} is {m.old!r}: its folder was found there. Rows and decisions went with "
        "it; nothing is made again."
        for m in found.moved
    ]
    warnings += [
        f"restored: {key!r} has other dates and holds what it held: up to date."
        for key in found.restored
    ]
    warnings += [f"offered: {offer.told()}" for offer in found.offered]
    warnings += [f"missing: {key!r}: its folder is gone; its rows are kept." for key in look.gone]
    warnings += [
        f"failed: {key!r} failed on the files that are there; it is run again once they change, or "
        "by `cue-pipeline backfill --failed`."
        for key in look.blocked
    ]
    digest = hashlib.sha256("\n".join(warnings).encode()).hexdigest()[:12] if warnings else ""
    if digest != watch.Memory.from_cursor(context.cursor).told:
        for warning in warnings:
            context.log.warning("%s", shown(warning))
    return digest


def _conflict(c: KeyConflict) -> str:
    return (
        f"it is registered from '{c.registered_root}', where it still is. Use another DATABASE_URL "
        f"for the other library; or, if this is the one to go on with, run `cue-pipeline cues "
        f"adopt '{c.found_root}' --from '{c.registered_root}'`."
    )


def _summary(look: watch.Look) -> str:
    said = []
    if look.copying:
        said.append(f"{_named(look.copying)} still being copied")
    if look.unsettled:
        said.append(f"{look.unsettled} seen for the first time, taken at the next look if the same")
    if look.busy:
        said.append(f"{_named(look.busy)} with a run under way")
    if look.left:
        said.append(
            f"{look.left} left for the next looks: at most {RUNS_WAITING} runs wait at once"
        )
    if look.gone:
        said.append(f"{_named(look.gone)} marked as missing")
    if look.blocked:
        said.append(f"{_named(look.blocked)} failed and unchanged since")
    return "; ".join(said) + "." if said else "Nothing else to do."


def _named(keys: Sequence[str]) -> str:
    names = ", ".join(repr(key) for key in keys[:_MOST_NAMED])
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    return f"{names}{more}"
