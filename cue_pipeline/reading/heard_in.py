"""In which stems a track is heard, and which of its notes in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Keys = frozenset[int] | None
"""Note numbers; None: all."""


def stems_of_tracks(
    mappings: pd.DataFrame, track_stems: pd.DataFrame
) -> dict[int, dict[int, Keys]]:
    """Return the stems of each track, and which of its keys are heard in each.

    Parameters
    ----------
    mappings : DataFrame
        ``midi_track_id`` and ``audio_file_id``, the main stem of each track; NULL: none.
    track_stems : DataFrame
        Rows of ``track_stems``. A track of which there are none, as in libraries of an earlier
        program, is in its main stem.

    Returns
    -------
    dict of int to dict of int to frozenset of int or None
        Track → stem → note numbers that are heard there; None: all.
    """
    import pandas as pd

    further: dict[int, dict[int, Keys]] = {}
    rows: Any = zip(
        track_stems["midi_track_id"], track_stems["audio_file_id"], track_stems["notes"],
        strict=True,
    )  # fmt: skip
    for track, stem, keys in rows:
        known = frozenset(keys) if isinstance(keys, list) else None
        further.setdefault(int(track), {})[int(stem)] = known
    found: dict[int, dict[int, Keys]] = {}
    for track, stem in zip(mappings["midi_track_id"], mappings["audio_file_id"], strict=True):
        if not pd.isna(stem):
            stems = further.get(int(track), {})
            main: dict[int, Keys] = {int(stem): None}
            found[int(track)] = stems if int(stem) in stems else main
    return found


def keys_nowhere(stems: dict[int, Keys], keys: set[int]) -> set[int]:
    """Return those keys of a track that none of its stems is known to hold.

    A kit's keys of few strokes are heard in no stem surely, and may be in any of the kit's.
    """
    left = set(keys)
    for known in stems.values():
        if known is None:
            return set()
        left -= known
    return left
