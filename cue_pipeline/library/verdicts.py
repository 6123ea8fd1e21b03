"""Whether a cue is up to date, and why not: the text of ``status``, for the UI's ``is_current``.

Dagster is not imported here. A look of a sensor sees the states of all cues anyway: what has
changed is kept beside the cue, and told to the UI from there, once.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from cue_pipeline.errors import CueError
from cue_pipeline.library import graph
from cue_pipeline.library.recognition import read_folder
from cue_pipeline.library.status import AssetStatus, cue_status, last_seen
from cue_pipeline.settings import Settings
from cue_pipeline.warehouse.store import CueRow, Store

VERDICTS_PER_LOOK = 500
"""Verdicts that one look keeps at most, and that are told in one run."""


def verdict_of(statuses: Iterable[AssetStatus]) -> str:
    """Return why a cue is not up to date, a line for each asset that is not; empty: it is."""
    return "\n".join(f"{s.asset} is {s.state}: {s.reason}" for s in statuses if s.state != "ready")


def changed_verdicts(
    statuses: Mapping[str, Sequence[AssetStatus]],
    cues: Mapping[str, CueRow],
    busy_among: Callable[[Sequence[str]], Collection[str]],
) -> dict[str, str]:
    """Return the verdicts, by key, that are others than at the last look; some, if they are many.

    Parameters
    ----------
    statuses : mapping of str to sequence of AssetStatus
        By key.
    cues : mapping of str to CueRow
        By key. What is not there has no verdict.
    busy_among : callable
        Of some cue keys, those of which a run is under way: what these lack is being made.
    """
    changed: dict[str, str] = {}
    for key, states in statuses.items():
        verdict = verdict_of(states)
        if key in cues and cues[key].verdict != verdict:
            changed[key] = verdict
            if len(changed) == VERDICTS_PER_LOOK:
                break
    doubtful = [key for key, verdict in changed.items() if verdict]
    busy = set(busy_among(doubtful)) if doubtful else set()
    return {key: verdict for key, verdict in changed.items() if key not in busy}


def read_verdict(
    store: Store, settings: Settings, cue_key: str, being_made: Collection[str] = ()
) -> str:
    """Return the verdict on one cue, held against its folder as it is now.

    A cue whose folder cannot be found is held against what was last seen of it.

    Parameters
    ----------
    store : Store
    settings : Settings
    cue_key : str
    being_made : collection of str
        Assets that the run at hand makes: what they lack before it ends is no news. That one
        failed is.

    Raises
    ------
    CueError
        If there is no such cue.
    """
    cue = store.cue(cue_key)
    if cue is None:
        raise CueError(f"Cue {cue_key!r} is not registered.")
    try:
        folder = read_folder(cue)
    except CueError:
        folder = last_seen(cue)
    statuses = cue_status(
        folder,
        {row.asset: row for row in store.ledger(cue_key)},
        graph.code_versions(settings),
        store.decisions(cue_key).get(cue_key, graph.NOTHING_DECIDED),
    )
    return verdict_of(s for s in statuses if s.state == "failed" or s.asset not in being_made)
