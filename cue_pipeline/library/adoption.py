"""Another root for the library, or another key for a cue, because a person says so."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cue_pipeline.cue.cue_paths import find_folder
from cue_pipeline.errors import CueError
from cue_pipeline.library.recognition import BusyAmong
from cue_pipeline.warehouse.registry import CueRow
from cue_pipeline.warehouse.relocation import Place, move_cues, set_places
from cue_pipeline.warehouse.store import Store


@dataclass(frozen=True, slots=True)
class Adoption:
    """What an adoption did.

    Attributes
    ----------
    moved : dict of str to str
        Old key → new key, where keys changed.
    adopted : tuple of str
        Keys of the cues that lie below the new root.
    absent : tuple of str
        Keys of cues that were not found there, and stay as they were.
    """

    moved: dict[str, str]
    adopted: tuple[str, ...]
    absent: tuple[str, ...]


def adopt_root(
    store: Store, new_root: Path, old_root: Path | None, by: str, busy_among: BusyAmong
) -> Adoption:
    """Have a library's cues looked for below another root.

    Raises
    ------
    CueError
        If that is no folder, it is not clear which library is meant, or a run is under way of a
        cue that would get another key.
    WarehouseError
        If a key that a cue would get is taken.
    """
    new_root = new_root.expanduser().absolute()
    if not new_root.is_dir():
        raise CueError(f"'{new_root}' is not a folder. Give the folder below which the cues are.")
    rows = [row for row in store.cues() if row.root in _roots(store, new_root, old_root)]
    places: dict[str, Place] = {}
    for row in rows:
        place = _place(row, new_root)
        if place is not None:
            places[row.cue_key] = place
    moved = {old: place.key for old, place in places.items() if place.key != old}
    require_idle(list(moved), busy_among)
    if moved:
        move_cues(store.engine, moved, by)
    set_places(store.engine, places.values())
    return Adoption(
        moved,
        tuple(place.key for place in places.values()),
        tuple(row.cue_key for row in rows if row.cue_key not in places and row.state == "present"),
    )


def require_idle(keys: Sequence[str], busy_among: BusyAmong) -> None:
    """Refuse to touch a cue that a run is writing.

    Raises
    ------
    CueError
        If a run of one of some cues is under way.
    """
    if busy := sorted(busy_among(keys)) if keys else ():
        raise CueError(
            f"A run of cue '{busy[0]}' is under way, so nothing was changed. Give the command "
            "again once it has ended, or end it in Dagster's UI."
        )


def _roots(store: Store, new_root: Path, old_root: Path | None) -> set[str]:
    """Return the roots of the cues that are meant."""
    roots = {row.root for row in store.cues()}
    if old_root is not None:
        old = str(old_root.expanduser().absolute())
        if old not in roots:
            raise CueError(
                f"No cue is registered from '{old}'. Roots are: {', '.join(sorted(roots))}."
            )
        return {old}
    real = Path(os.path.realpath(new_root))
    near = {r for r in roots if r != str(new_root) and _is_near(Path(os.path.realpath(r)), real)}
    if near:
        return near
    others = roots - {str(new_root)}
    if len(others) != 1:
        raise CueError(
            f"Cues are registered from {', '.join(sorted(roots)) or 'nowhere'}. Say with --from "
            "which of these libraries lies in the new place."
        )
    return others


def _is_near(there: Path, real: Path) -> bool:
    return there.is_dir() and (there.is_relative_to(real) or real.is_relative_to(there))


def _place(row: CueRow, new_root: Path) -> Place | None:
    """Return where a cue is below the new root; None where it is not there."""
    there, real = Path(os.path.realpath(row.path)), Path(os.path.realpath(new_root))
    if there.is_relative_to(real) and there != real:
        folder = there.relative_to(real).as_posix()
        return Place.at(str(new_root), folder)
    try:
        found = find_folder(new_root, row.cue_key, row.folder)
    except CueError:
        return None
    return Place(row.cue_key, str(new_root), found.relative_to(new_root).as_posix())


def move_by_hand(
    store: Store, old: CueRow, new: str, by: str, busy_among: BusyAmong
) -> tuple[str, bool]:
    """Give a cue the key of another folder; return the key, and whether a cue there gave way.

    Raises
    ------
    CueError
        If that is no folder of the library, a run of the cue is under way, or a cue is registered
        there that has decisions of its own or a run under way.
    """
    from cue_pipeline.warehouse.removal import read_decisions, remove_cue, standing_decisions

    folder = find_folder(Path(old.root), new)
    place = Place.at(old.root, folder.relative_to(old.root).as_posix())
    if place.key == old.cue_key:
        raise CueError(f"Cue '{old.cue_key}' has that key.")
    require_idle([old.cue_key, place.key], busy_among)
    there = store.cue(place.key)
    if there is not None:
        known = read_decisions(store.engine, place.key)
        if said := standing_decisions(known):
            raise CueError(
                f"'{place.key}' is a cue with decisions of its own ({', '.join(said)}), which "
                f"those of '{old.cue_key}' would replace. Forget it first if that is right: "
                f"cue-pipeline cues forget '{place.key}'"
            )
        remove_cue(store.engine, place.key, there.id, known)
    move_cues(store.engine, {old.cue_key: place.key}, by)
    set_places(store.engine, [place])
    return place.key, there is not None
