"""Decisions of people, stored as the command line stores them, without its questions."""

from collections.abc import Sequence

from cue_pipeline.warehouse.people import Decided
from cue_pipeline.warehouse.store import Store


def decide(
    store: Store,
    cue_key: str,
    track: str,
    canonical_name: str | None,
    instrument_category: str | None,
    note: str | None = None,
    *,
    by: str | None = None,
) -> None:
    """Store a person's decision about a track; a later one replaces it."""
    decided = Decided(cue_key, track, canonical_name, instrument_category, note)
    store.take_turn([cue_key], lambda turn: turn.store([decided]), by=by)


def take_back(
    store: Store, taken_back: Sequence[tuple[str, str]], *, by: str | None = None
) -> None:
    """Forget decisions, named by cue key and track."""
    keys = {key for key, _ in taken_back}
    store.take_turn(keys, lambda turn: turn.store([], taken_back), by=by, action="unset")
