"""Which track and which stem a decision is about, after names, places or notes have changed.

Conventions
-----------
A decision is filed under a key: the track's name, or its place. What it was about is kept beside
that: the track's name, a digest of its notes, the content of the stem. A key that is a name holds
as long as a track has that name. A place holds only while the track there has the same name or
the same notes; else the notes say where the track went, then its name. What cannot be known is a
doubt, and what fits nothing is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cue_pipeline.mapping.people.track_keys import (
    NO_GROUP,
    KnownTrack,
    specificity,
    tracks_meant,
)

CLOSEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class Found:
    """Where something was found again.

    Attributes
    ----------
    positions : tuple of int
        Of the tracks, or of the one stem; empty: nowhere.
    told : str
        What a person should know about how; empty: it is as it was.
    doubt : bool
        Whether it may be another one.
    """

    positions: tuple[int, ...]
    told: str = ""
    doubt: bool = False


def track_of(
    row: Mapping[Any, Any],
    tracks: Sequence[KnownTrack],
    is_file: Callable[[str, KnownTrack], bool] | None = None,
) -> Found:
    """Return the tracks that a decision is about.

    Parameters
    ----------
    row : mapping
        A row of ``mapping_overrides``: ``track``; ``track_name`` and ``track_notes`` where kept.
    tracks : sequence of KnownTrack
        Of the cue, as they are now.
    is_file : callable, optional
        As in :func:`~cue_pipeline.mapping.people.track_keys.tracks_meant`.
    """
    key, notes = str(row["track"]), text_of(row.get("track_notes"))
    name = text_of(row.get("track_name"))
    there = tracks_meant(key, tracks, is_file)
    if (notes is None and name is None) or len(there) > 1:
        return Found(tuple(there))
    same = [i for i, track in enumerate(tracks) if notes is not None and track.notes == notes]
    if there and there[0] in same:
        return Found(tuple(there))
    if there and (specificity(key) == 0 or tracks[there[0]].name == key):
        return _by_its_name(there[0], same, tracks)
    if there:
        return _by_its_place(key, there[0], name, same, tracks)
    return _elsewhere(f"there is no track '{key}' any longer", name, same, tracks)


def _by_its_name(at: int, same: list[int], tracks: Sequence[KnownTrack]) -> Found:
    if len(same) != 1:
        return Found((at,))  # its notes were edited
    other = tracks[same[0]]
    return Found(
        (at,),
        f"the notes that it had when this was decided are now on {other}: see which of the two it "
        f"is about, and set that one again",
        doubt=True,
    )


def _by_its_place(
    key: str, at: int, name: str | None, same: list[int], tracks: Sequence[KnownTrack]
) -> Found:
    if name and tracks[at].name == name:
        namesakes = [i for i in same if tracks[i].name == name]
        if len(namesakes) == 1:
            return Found(tuple(namesakes), f"its notes are now on {tracks[namesakes[0]]}")
        several = sum(track.name == name for track in tracks) > 1
        told = f"of the tracks called '{name}' none has the notes that it was decided about"
        return Found((at,), told, doubt=True) if several else Found((at,))
    return _elsewhere(f"another track is at {key} now", name, same, tracks)


def _elsewhere(why: str, name: str | None, same: list[int], tracks: Sequence[KnownTrack]) -> Found:
    if len(same) == 1:
        return Found((same[0],), f"{why}; {tracks[same[0]]} has its notes and was taken")
    named = [i for i, track in enumerate(tracks) if name and track.name == name]
    if len(named) == 1:
        return Found((named[0],), f"{why}; {tracks[named[0]]} has its name and was taken")
    return Found((), f"{why}, and no other with its notes or its name")


def stem_of(
    row: Mapping[Any, Any], names: Sequence[str], contents: Sequence[str | None]
) -> Found | None:
    """Return the stem that a decision is about; None where it says nothing of a stem, or none.

    Parameters
    ----------
    row : mapping
        A row of ``mapping_overrides``: ``canonical_name``; ``stem_content`` where kept.
    names : sequence of str
        Canonical names of the cue's stems.
    contents : sequence of str or None
        Their ``content_hash``; as many.
    """
    wanted, content = text_of(row.get("canonical_name")), text_of(row.get("stem_content"))
    if wanted is None or wanted == NO_GROUP:
        return None
    same = [i for i, other in enumerate(contents) if content is not None and other == content]
    if wanted in names:
        at = names.index(wanted)
        if len(same) != 1 or at in same:
            return Found((at,))
        told = (
            f"the sound that stem '{wanted}' had when this was decided is now that of stem "
            f"'{names[same[0]]}': see which of the two it is about, and set the track again"
        )
        return Found((at,), told, doubt=True)
    if len(same) == 1:
        told = f"stem '{wanted}' is called '{names[same[0]]}' now: it has the same sound"
        return Found((same[0],), told)
    closest = _closest(wanted, names)
    if closest is None:
        return Found(
            (),
            f"stem '{wanted}' is not in this cue, nor one of its sound or named like it; the track "
            "is mapped without the decision. Set it again with a stem of this cue.",
        )
    return Found(
        (closest,),
        f"stem '{wanted}' is not in this cue; '{names[closest]}' is named most like it and was "
        "taken. Set it again if that is another stem.",
    )


def _closest(wanted: str, names: Sequence[str]) -> int | None:
    from thefuzz import fuzz

    scores = [fuzz.ratio(wanted.casefold(), name.casefold()) for name in names]
    best = max(range(len(scores)), key=scores.__getitem__, default=None)
    if best is None or scores[best] < CLOSEST_NAME or scores.count(scores[best]) > 1:
        return None
    return best


def text_of(value: object) -> str | None:
    """Return a cell's text; None for NULL in any spelling, and where it is blank."""
    return value if isinstance(value, str) and value.strip() else None
