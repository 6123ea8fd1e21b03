"""What ``cue-pipeline mappings set``, ``unset``, ``undo``, ``log``, ``export``, ``import`` do."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cue_pipeline.cli.display import print_mappings
from cue_pipeline.cli.following import follow
from cue_pipeline.cli.saying import say, say_json
from cue_pipeline.errors import MappingError, WarehouseError

if TYPE_CHECKING:
    from cue_pipeline.mapping.people.changed_lines import CueParts, Decision
    from cue_pipeline.mapping.people.spreadsheet import SheetLine
    from cue_pipeline.mapping.people.track_keys import KnownTrack
    from cue_pipeline.processes.fork_client import ForkServer
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.people import Change
    from cue_pipeline.warehouse.store import Store

TO_REVIEW = ("review", "unmatched")


def set_mapping(
    store: Store,
    settings: Settings,
    server: ForkServer,
    cue_key: str,
    typed: str,
    *,
    group: str | None,
    category: str | None,
    note: str,
    every: bool,
) -> None:
    """Decide about a track, say so, and bring it into the tables where nothing else is lacking."""
    from cue_pipeline.library.deciding import keep
    from cue_pipeline.library.decisions import read_parts
    from cue_pipeline.library.standing_decisions import without_notes
    from cue_pipeline.mapping.people.changed_lines import Decision
    from cue_pipeline.mapping.people.track_keys import (
        category_meant,
        group_meant,
        one_track,
        tracks_meant,
    )

    cue = read_parts(store, cue_key)
    meant = tracks_meant(typed, cue.tracks) if every else []
    tracks = meant or [one_track(typed, cue.tracks, cue_key)]
    said_group = None if group is None else group_meant(group, cue.groups, cue_key)
    said_category = None if category is None else category_meant(category)
    decisions = [
        Decision(cue_key, track, said_group, said_category, note or None) for track in tracks
    ]
    for decision in decisions:
        say(_told(decision, cue))
    for track in without_notes(store, cue, tracks):
        say(
            f"{cue.tracks[track]} has no notes: what is decided of it is kept, but nothing of it "
            "can be heard, exported or trained on."
        )
    if not keep(store, {cue_key: cue}, decisions, by=settings.author):
        say("That was decided already, just so.")
    code = follow(store, settings, server, [cue_key])
    _show(store, cue_key, [cue.tracks[track] for track in tracks])
    sys.exit(code)


def unset_mapping(
    store: Store, settings: Settings, server: ForkServer, cue_key: str, typed: str
) -> None:
    """Take back what was decided about a track."""
    from cue_pipeline.library.deciding import take_back, take_back_key
    from cue_pipeline.library.decisions import read_parts
    from cue_pipeline.mapping.people.track_keys import one_track

    cue = read_parts(store, cue_key)
    if take_back_key(store, cue, typed, by=settings.author):
        say(f"{cue_key}: the decision about '{typed}', which fitted no track, is taken back.")
        sys.exit(follow(store, settings, server, [cue_key]))
    track = one_track(typed, cue.tracks, cue_key)
    take_back(store, cue, track, by=settings.author)
    say(f"{cue_key}: nothing is decided any longer about {cue.tracks[track]}.")
    code = follow(store, settings, server, [cue_key])
    _show(store, cue_key, [cue.tracks[track]])
    sys.exit(code)


def undo_mapping(
    store: Store, settings: Settings, server: ForkServer, cue_key: str, typed: str
) -> None:
    """Take the last change of a track's decision back."""
    from cue_pipeline.library.decisions import read_parts
    from cue_pipeline.library.standing_decisions import said_in_words
    from cue_pipeline.library.undoing import undo
    from cue_pipeline.mapping.people.track_keys import one_track

    cue = read_parts(store, cue_key)
    track = one_track(typed, cue.tracks, cue_key)
    for change in undo(store, cue, [track], by=settings.author):
        was = change.before
        back = (
            said_in_words(was["canonical_name"], was["instrument_category"], was["note"])
            if was
            else "nothing is decided"
        )
        say(f"{cue_key}: {cue.tracks[track]}: {change.action} is taken back; again: {back}.")
    code = follow(store, settings, server, [cue_key])
    _show(store, cue_key, [cue.tracks[track]])
    sys.exit(code)


def print_log(store: Store, cue_key: str, *, as_json: bool) -> None:
    """Show who decided what about a cue, and when, the oldest first."""
    from cue_pipeline.library.standing_decisions import said_in_words
    from cue_pipeline.library.undoing import changes

    told = changes(store, cue_key)
    if as_json:
        say_json([_as_json(change) for change in told])
        return
    if not told:
        say(f"{cue_key}: nobody has decided anything.")
    for c in told:
        was = c.before
        before = (
            said_in_words(was["canonical_name"], was["instrument_category"], was["note"])
            if was
            else None
        )
        now = said_in_words(c.canonical_name, c.instrument_category, c.note)
        parts = f"{c.track}: {now}" + (f" (before: {before})" if before not in (None, now) else "")
        who = c.decided_by or "(not kept)"
        say(f"{c.decided_at:%Y-%m-%d %H:%M:%S} UTC  {who}  {c.action}  {parts}")


def _as_json(change: Change) -> dict[str, Any]:
    from dataclasses import asdict

    row = asdict(change)
    del row["id"], row["change_id"], row["undoes"]
    return {**row, "decided_at": change.decided_at.isoformat()}


def print_unfit(store: Store, cue_key: str) -> None:
    """Say on standard error which decisions fit nothing as the cue is now."""
    from cue_pipeline.library.decisions import read_parts
    from cue_pipeline.library.standing_decisions import fitting_nothing

    if store.overrides(cue_key).empty:
        return
    try:
        told = fitting_nothing(store, read_parts(store, cue_key))
    except (MappingError, WarehouseError):
        return  # nothing to hold them against: `status` says why
    for text in told:
        say(f"decision without effect: {text}", err=True)


def export_mappings(store: Store, path: Path, keys: Collection[str], *, review: bool) -> None:
    """Write the mappings of a library as a CSV file."""
    from cue_pipeline.mapping.people.spreadsheet import sheet_text

    left_out: dict[str, str] = {}
    counts = {"cues": 0, "tracks": 0}

    def rows() -> Iterator[dict[str, Any]]:
        from cue_pipeline.library.decisions import read_mappings

        for cue in store.cues():
            if keys and cue.cue_key not in keys:
                continue
            try:
                found = read_mappings(store, cue.cue_key)
            except WarehouseError as e:
                left_out[cue.cue_key] = str(e)
                continue
            wanted = [row for row in found if not review or row["state"] in TO_REVIEW]
            counts["cues"] += bool(wanted)
            counts["tracks"] += len(wanted)
            yield from ({"cue_key": cue.cue_key, **row} for row in wanted)

    try:
        with path.open("w", encoding="utf-8", newline="") as sheet:
            sheet.writelines(sheet_text(rows()))
    except OSError as e:
        raise MappingError(f"'{path}' cannot be written: {e.strerror}.") from e
    for key, why in left_out.items():
        say(f"left out: {key}: {why}", err=True)
    if not counts["tracks"]:
        say(
            f"In {path}: its first line and no track, for there is none to "
            f"{'review' if review else 'show'}. `cue-pipeline status` shows what is ready."
        )
        sys.exit(1 if left_out else 0)
    say(
        f"In {path}: {_counted(counts['tracks'], 'track')} of {_counted(counts['cues'], 'cue')}. "
        "Change canonical_name (empty: no stem) or instrument_category, or write 'confirmed' as "
        "the state of a line that is right as it stands; then `cue-pipeline mappings import "
        f"{path}`."
    )
    sys.exit(1 if left_out else 0)


def import_mappings(
    store: Store,
    settings: Settings,
    server: ForkServer,
    path: Path,
    *,
    dry_run: bool,
    skip_bad: bool,
) -> None:
    """Keep what people changed in a CSV file as their decisions."""
    from cue_pipeline.library.deciding import keep
    from cue_pipeline.mapping.people.spreadsheet import read_sheet

    lines = read_sheet(path)
    cues, bad = _cues_of(store, lines)
    decisions = _decisions(lines, cues, bad)
    for number, why in sorted(bad.items()):
        say(f"{path}:{number}: {why}", err=True)
    if bad and not skip_bad:
        raise MappingError(
            f"{len(bad)} of {len(lines)} lines cannot be followed, so nothing was imported. Mend "
            "them, or give --skip-bad to import the others."
        )
    for decision in decisions:
        say(_told(decision, cues[decision.cue_key]))
    same = len(lines) - len(decisions) - len(bad)
    if dry_run:
        counted = f"{_counted(len(decisions), 'decision')}, {_counted(same, 'line')} unchanged"
        say(f"{counted}. Nothing was stored.")
        sys.exit(1 if bad else 0)
    new = keep(store, cues, decisions, by=settings.author, action="import")
    say(
        f"{_counted(len(new), 'decision')} kept, {len(decisions) - len(new)} known already, "
        f"{_counted(same, 'line')} unchanged, {_counted(len(bad), 'line')} skipped."
    )
    code = follow(store, settings, server, {d.cue_key for d in decisions})
    sys.exit(1 if bad else code)


def _cues_of(
    store: Store, lines: Iterable[SheetLine]
) -> tuple[dict[str, CueParts], dict[int, str]]:
    """Return what is known of each cue that the lines name, and the lines of no known cue."""
    from difflib import get_close_matches

    from cue_pipeline.library.decisions import read_parts

    known = [cue.cue_key for cue in store.cues()]
    cues: dict[str, CueParts] = {}
    unusable: dict[str, str] = {}
    bad: dict[int, str] = {}
    for line in lines:
        key = line.get("cue_key") or ""
        if key not in cues and key not in unusable:
            if key not in known:
                close = get_close_matches(key, known, n=2, cutoff=0.4)
                hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
                unusable[key] = f"no cue {key!r} among the {len(known)} in the database.{hint}"
            else:
                try:
                    cues[key] = read_parts(store, key)
                except (MappingError, WarehouseError) as e:
                    unusable[key] = str(e)
        if key in unusable:
            bad[line.number] = unusable[key]
    return cues, bad


def _decisions(
    lines: Iterable[SheetLine], cues: Mapping[str, CueParts], bad: dict[int, str]
) -> list[Decision]:
    """Return what the lines decide; those that cannot be followed are added to ``bad``."""
    from cue_pipeline.mapping.people.changed_lines import decision_of

    decisions: dict[tuple[str, int], tuple[int, Decision]] = {}
    for line in lines:
        if line.number in bad:
            continue
        try:
            decision = decision_of(line, cues[line.get("cue_key") or ""])
        except MappingError as e:
            bad[line.number] = str(e)
            continue
        if decision is None:
            continue
        number, other = decisions.setdefault(
            (decision.cue_key, decision.track), (line.number, decision)
        )
        if other != decision:
            bad[line.number] = f"line {number} decides otherwise about the same track; keep one."
    return [decision for _, decision in decisions.values()]


def _told(decision: Decision, cue: CueParts) -> str:
    """Return what a decision changes, in words."""
    before = cue.found.get(decision.track, {})
    parts = []
    if decision.group is not None:
        was = before.get("canonical_name")
        now = "no stem" if decision.group == "-" else f"stem '{decision.group}'"
        kept = (was or "-") == decision.group
        parts.append(now + (", as found" if kept else f" (found: {_quoted(was)})"))
    if decision.category is not None:
        was = before.get("instrument_category")
        kept = was == decision.category
        found = ", as found" if kept else f" (found: {_quoted(was)})"
        parts.append(f"category '{decision.category}'{found}")
    return f"{cue.cue_key}: {cue.tracks[decision.track]}: {'; '.join(parts)}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _quoted(name: Any) -> str:
    return f"'{name}'" if name else "none"


def _show(store: Store, cue_key: str, tracks: Collection[KnownTrack]) -> None:
    from cue_pipeline.library.decisions import read_mappings, row_at, track_at

    try:
        rows = read_mappings(store, cue_key)
    except WarehouseError:
        return  # why was said above
    wanted = {track_at(track) for track in tracks}
    print_mappings(cue_key, [row for row in rows if row_at(row) in wanted])
