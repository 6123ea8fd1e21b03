"""People decide about tracks, and take back what they decided."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import partial

from cue_pipeline.errors import MappingError
from cue_pipeline.library.standing_decisions import (
    CueNow,
    Look,
    Said,
    Standing,
    look_at_nothing,
    said_by,
)
from cue_pipeline.mapping.people.changed_lines import CueParts, Decision
from cue_pipeline.mapping.people.track_keys import lasting_key
from cue_pipeline.warehouse.people import Decided, Turn
from cue_pipeline.warehouse.store import Store


def keep(
    store: Store,
    cues: Mapping[str, CueParts],
    decisions: Sequence[Decision],
    *,
    by: str,
    action: str = "set",
    look: Look = look_at_nothing,
) -> list[Decision]:
    """Store decisions; what was said of a track before and is not said anew stays.

    Two that decide about the same cue do so one after the other: neither loses a word of the other.

    Parameters
    ----------
    store : Store
        The warehouse.
    cues : mapping of str to CueParts
        The cues that are decided about.
    decisions : sequence of Decision
        What is decided.
    by : str
        Who decides.
    action : str
        How the history calls it.
    look : callable
        Is shown what stands before anything is decided.

    Returns
    -------
    list of Decision
        Those that were not stored just so already.
    """
    now = {key: CueNow.read(store, cues[key]) for key in {d.cue_key for d in decisions}}
    change, new = secrets.randbits(63), []
    for part in store.in_turns(decisions):
        work = partial(_keep, part, now, look)
        keys = {d.cue_key for d in part}
        new += store.take_turn(keys, work, by=by, action=action, change_id=change)
    return new


def _keep(
    decisions: Sequence[Decision], now: Mapping[str, CueNow], look: Look, turn: Turn
) -> list[Decision]:
    decided: list[Decided] = []
    taken_back: list[tuple[str, str]] = []
    new: list[Decision] = []
    keys = {d.cue_key for d in decisions}
    standing = {key: now[key].standing(turn.overrides(key)) for key in keys}
    for there in standing.values():
        look(there.now.cue, there.by_track())
    for d in decisions:
        there = standing[d.cue_key]
        key = lasting_key(d.track, there.now.tracks)
        # Other keys of the same track would go on having their say beside this one.
        others = [k for k in there.rows if k != key and there.meant(k) == (d.track,)]
        said = _together(d, [said_by(there.rows[k]) for k in [key, *others] if k in there.rows])
        if not others and key in there.rows and said_by(there.rows[key]) == said:
            continue
        taken_back += [(d.cue_key, other) for other in others]
        decided.append(Decided(d.cue_key, key, *said, anchor=there.anchor(d.track, said[0])))
        new.append(d)
    turn.store(decided, taken_back)
    return new


def _together(new: Decision, before: Sequence[Said]) -> Said:
    says: list[Said] = [(new.group, new.category, new.note), *before]
    group, category, note = (next((v for v in part if v), None) for part in zip(*says, strict=True))
    return group, category, note


def take_back(store: Store, cue: CueParts, track: int, *, by: str) -> list[str]:
    """Forget what was decided of one track, by whichever key, and return those keys.

    Raises
    ------
    MappingError
        If nothing was, or only together with other tracks.
    """
    now = CueNow.read(store, cue)

    def work(turn: Turn) -> list[str]:
        there = now.standing(turn.overrides(cue.cue_key))
        keys = [key for key in there.rows if there.meant(key) == (track,)]
        if not keys:
            raise _nothing_alone(there, track)
        turn.store([], [(cue.cue_key, key) for key in keys])
        return keys

    return store.take_turn([cue.cue_key], work, by=by, action="unset")


def _nothing_alone(there: Standing, track: int) -> MappingError:
    shared, cue = [key for key in there.rows if track in there.meant(key)], there.now.cue
    return MappingError(
        f"Nobody decided about track {cue.tracks[track]} of cue '{cue.cue_key}' alone"
        + (
            f": '{shared[0]}' decides for {len(there.meant(shared[0]))} tracks. Set this track by "
            "itself."
            if shared
            else "; there is nothing to take back."
        )
    )


def take_back_key(store: Store, cue: CueParts, key: str, *, by: str) -> bool:
    """Forget a decision that fits no track, by its very key; tell whether there is one."""
    now = CueNow.read(store, cue)

    def work(turn: Turn) -> bool:
        there = now.standing(turn.overrides(cue.cue_key))
        if key not in there.rows or there.meant(key):
            return False
        turn.store([], [(cue.cue_key, key)])
        return True

    return store.take_turn([cue.cue_key], work, by=by, action="unset")
