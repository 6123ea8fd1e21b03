"""What ``cue-pipeline cues …`` does and says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cue_pipeline.cli.context import busy_here, known_cue
from cue_pipeline.cli.display import print_cues, told_moved
from cue_pipeline.cli.saying import say, say_json
from cue_pipeline.errors import CueError, SettingsError, WarehouseError

if TYPE_CHECKING:
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import CueRow, Store

_TOLD_FOR = timedelta(days=7)
_EXPORT = "cue_pipeline.decisions"


def cues_told(store: Store, cues: Sequence[CueRow]) -> list[str]:
    """Return what is to be said of cues that moved lately, or may be others that are gone."""
    from cue_pipeline.library.moves import standing_offers
    from cue_pipeline.warehouse.types import now

    lately = now() - _TOLD_FOR
    told = [
        told_moved(cue.moved_from, cue.cue_key)
        for cue in cues
        if cue.moved_from and cue.moved_at and cue.moved_at > lately
    ]
    return told + [f"offered: {offer.told()}" for offer in standing_offers(store, cues)]


def follow_in_dagster(
    *, moved: Mapping[str, str], gone: Collection[str] = (), returned: Collection[str] = ()
) -> None:
    """Have Dagster's partitions follow the cues."""
    from cue_pipeline.defs.instance import open_instance
    from cue_pipeline.defs.moved import follow

    with open_instance(Path.cwd()) as instance:
        follow(instance, moved=moved, gone=gone, returned=returned)


def list_cues(
    store: Store, where: str, project: str | None, state: str | None, *, as_json: bool
) -> None:
    """List cues, of a project or in a state."""
    from cue_pipeline.cue.numbering import natural_key

    cues = [
        cue
        for cue in sorted(store.cues(), key=lambda cue: natural_key(cue.cue_key))
        if project in (None, cue.project) and state in (None, cue.state)
    ]
    if as_json:
        say_json([_as_json(cue) for cue in cues])
        return
    if not cues:
        say(f"No such cue in {where}.")
        return
    print_cues(cues, where)


def show_cue(store: Store, key: str, *, project_pattern: str | None = None, as_json: bool) -> None:
    """Show one cue: where it is, where it was, what of it is made and decided."""
    from cue_pipeline.warehouse.removal import read_decisions

    cue = store.cue(key)
    if cue is None:
        raise SettingsError(f"No cue {key!r}.")
    said = read_decisions(store.engine, key)
    assets = {row.asset: row.state for row in store.ledger(key)}
    if as_json:
        counted = {name: len(rows) for name, rows in said.items()}
        say_json({**_as_json(cue), "assets": assets, "decisions": counted})
        return
    lines = {
        "project": _project(cue, project_pattern),
        "version": f"{cue.version or 'no mark'}, {_LATEST[cue.is_latest]}",
        "work": _work(store, cue),
        "state": cue.state,
        "folder": str(cue.path),
        "root": cue.root,
        "first seen": f"{cue.first_seen_at:%Y-%m-%d %H:%M:%S} UTC",
        "last seen": f"{cue.last_seen_at:%Y-%m-%d %H:%M:%S} UTC",
        "moved": f"{cue.moved_at:%Y-%m-%d %H:%M:%S} UTC, from {cue.moved_from}"
        if cue.moved_at
        else "never",
        "assets": ", ".join(f"{n} {state}" for state, n in Counter(assets.values()).items())
        or "none made",
        "decisions": _decided(said),
    }
    say(key)
    for name, value in lines.items():
        say(f"  {name}: {value}")


_LATEST: Final = {
    True: "the latest of its work",
    False: "not the latest of its work",
    None: "whether it is the latest is not known",
}
_KNOWN_BY: Final = {
    "setting": "CUE_PROJECT_PATTERN",
    "folder": "its folder",
    "name": "what stands before its number",
}


def _project(cue: CueRow, pattern: str | None) -> str:
    from cue_pipeline.cue.project import read_project

    found = read_project(cue.cue_key, pattern)
    if found is None:
        return cue.project or "none: its folders name none"
    if found.name != cue.project:
        return f"{cue.project or 'none'}; '{found.name}' from the next `cue-pipeline process` on"
    return f"{found.name}, by {_KNOWN_BY[found.known_by]}"


def _work(store: Store, cue: CueRow) -> str:
    versions = [
        c.cue_key for c in store.cues() if cue.work_id is not None and c.work_id == cue.work_id
    ]
    others = ", ".join(key for key in versions if key != cue.cue_key)
    said = f"also {others}" if others else "no other version of it"
    if cue.duplicate_of is not None and cue.duplicate_share is not None:
        share = f"{cue.duplicate_share:.0%} of the smaller one's {cue.duplicate_why}"
        said += f"; repeats {cue.duplicate_of}: {share}"
    return said


def _as_json(cue: CueRow) -> dict[str, Any]:
    return {
        "cue_key": cue.cue_key,
        "project": cue.project,
        "reel": cue.reel,
        "cue_number": cue.cue_number,
        "version": cue.version,
        "title": cue.title,
        "work_id": cue.work_id,
        "is_latest": cue.is_latest,
        "duplicate_of": cue.duplicate_of,
        "duplicate_share": cue.duplicate_share,
        "state": cue.state,
        "root": cue.root,
        "folder": cue.folder,
        "first_seen_at": cue.first_seen_at.isoformat(),
        "last_seen_at": cue.last_seen_at.isoformat(),
        "moved_from": cue.moved_from,
        "moved_at": cue.moved_at.isoformat() if cue.moved_at else None,
    }


def move_cue(store: Store, settings: Settings, old: str, new: str) -> None:
    """Give a cue another key by hand."""
    from cue_pipeline.library.adoption import move_by_hand

    cue = store.cue(old)
    if cue is None:
        raise SettingsError(f"No cue {old!r}.")
    key, gave_way = move_by_hand(store, cue, new, settings.author, busy_here)
    follow_in_dagster(moved={old: key}, returned=[key])
    say(f"moved: {key}: it was {old}; rows and decisions went with it.")
    if gave_way:
        say(f"What was made of {key} by itself is gone.")
    say("`cue-pipeline process BASE_DIR` makes again what files have changed for.")


def adopt(store: Store, settings: Settings, new_root: Path, old_root: Path | None) -> None:
    """Have a library's cues looked for below another root."""
    from cue_pipeline.library.adoption import adopt_root

    done = adopt_root(store, new_root, old_root, settings.author, busy_here)
    if done.moved:
        follow_in_dagster(moved=done.moved)
    for old, new in done.moved.items():
        say(told_moved(old, new))
    for key in done.absent:
        say(f"not there: {key}: it stays as it was.")
    n = len(done.adopted)
    say(f"{n} cue{'s' * (n != 1)} are looked for below {new_root.expanduser().absolute()} now.")
    if not n:
        raise CueError("None of the library's cues is there, so nothing was changed.")


def forget(store: Store, key: str, file: Path | None, *, yes: bool, runs: bool) -> None:
    """Remove a cue: rows, partition, runs; its decisions are written to a file first."""
    from cue_pipeline.library.adoption import require_idle
    from cue_pipeline.warehouse.relocation import finish_broken_moves
    from cue_pipeline.warehouse.removal import read_decisions, remove_cue

    finish_broken_moves(store.engine)
    cue = store.cue(key)
    if cue is None:
        raise SettingsError(f"No cue {key!r}.")
    require_idle([key], busy_here)
    decided = read_decisions(store.engine, key)
    rows = sum(row.row_count or 0 for row in store.ledger(key))
    if cue.path.is_dir():
        say(f"Note: its folder is there ({cue.path}): the next `process` makes it again.", err=True)
    if not yes:
        what = f"{rows:,} rows" + (f"; decided: {_decided(decided)}" if decided else "")
        click.confirm(f"Forget {key}, {what}?", abort=True)
    written = None
    if decided:
        written = file or Path(f"{key.replace('/', ' - ')}.decisions.json")
        text = json.dumps({_EXPORT: 1, "cue_key": key, "tables": decided}, indent=1)
        _write_new(written, text + "\n")
    try:
        remove_cue(store.engine, key, cue.id, decided)
    except WarehouseError:
        left = read_decisions(store.engine, key)
        if written and all(row in left.get(name, ()) for name in decided for row in decided[name]):
            written.unlink()  # nothing of it is gone, and the next file will hold more
        raise
    if written:
        say(f"Its decisions are in {written}; `cue-pipeline cues restore` stores them again.")
    n_runs = _retire_in_dagster(_own_keys(store, cue), runs=runs)
    say(f"forgotten: {key}: {rows:,} rows" + (f", {n_runs} runs." if runs else "."))


def _write_new(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as e:
        raise SettingsError(
            f"'{file}' is there already, so nothing was forgotten. Name another with --export."
        ) from e
    except OSError as e:
        raise SettingsError(
            f"'{file}' cannot be written ({e.strerror}), so nothing was forgotten. Name another "
            "with --export."
        ) from e


def _decided(said: Mapping[str, Collection[Mapping[str, Any]]]) -> str:
    """Return in words what people decided of a cue: what stands, and apart from it its history."""
    pinned = [row["split"] for row in said.get("cue_splits", ()) if row["pinned"]]
    standing = [
        _number(len(said.get("mapping_overrides", ())), "track"),
        _number(len(said.get("alignment_overrides", ())), "clock"),
        f"split '{pinned[0]}' is pinned" if pinned else "",
    ]
    changes = sum(len(rows) for name, rows in said.items() if name.endswith("_history"))
    history = f"{_number(changes, 'change')} in all, undone ones included" if changes else ""
    stands = ", ".join(filter(None, standing)) or "none stands"
    return f"{stands} ({history})" if history else stands if any(standing) else "none"


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}" if n else ""


def _own_keys(store: Store, cue: CueRow) -> list[str]:
    """Return the keys that a cue has and had, less those that are another's now."""
    others = {other.cue_key for other in store.cues()}
    had = (cue.moved_from, cue.first_key)
    return [cue.cue_key, *(key for key in had if key and key not in others)]


def _retire_in_dagster(keys: Sequence[str], *, runs: bool) -> int:
    from cue_pipeline.defs.instance import open_instance
    from cue_pipeline.defs.moved import retire

    with open_instance(Path.cwd()) as instance:
        return retire(instance, keys, runs=runs)


def restore(store: Store, settings: Settings, file: Path, cue_key: str | None) -> None:
    """Store the decisions of an export again."""
    from cue_pipeline.warehouse.removal import restore_decisions

    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        tables, key = dict(said["tables"]), str(cue_key or said["cue_key"])
        known = said[_EXPORT] == 1
    except OSError as e:
        raise SettingsError(f"'{file}' cannot be read: {e.strerror}.") from e
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise SettingsError(
            f"'{file}' holds no decisions that `cue-pipeline cues forget` wrote. Give such a file."
        )
    key = known_cue(store, settings, key)
    n = restore_decisions(store.engine, key, tables)
    say(f"{n} row{'s' * (n != 1)} of decisions about {key} are stored again.")
    say("`cue-pipeline process BASE_DIR` makes the mapping follow them.")
