"""A person's decisions, which every run keeps.

An override names a track by its name, or by ``#`` and its index, and says its group, its
category or both. It survives a renamed group: the closest name is taken, with a warning.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pandas import DataFrame

# In ``canonical_name``: this track belongs to no group. NULL says nothing about the group.
NO_GROUP: Final = "-"
CLOSEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class Override:
    """What a person said about one track.

    Attributes
    ----------
    says_group : bool
        Whether the person said anything about the group.
    group : int or None
        Position of the group; None with ``says_group``: none of them.
    category : str or None
    note : str
        For the mapping's reason.
    """

    says_group: bool
    group: int | None
    category: str | None
    note: str


def read_overrides(
    overrides: "DataFrame | None", tracks: "DataFrame", group_names: Sequence[str]
) -> tuple[dict[int, Override], list[str]]:
    """Return the override of each track, by its position, and warnings.

    Parameters
    ----------
    overrides : DataFrame or None
        Rows of ``mapping_overrides`` of this cue.
    tracks : DataFrame
        Columns ``track_index`` and ``track_name``.
    group_names : sequence of str
        Canonical names of the cue's groups.
    """
    found: dict[int, Override] = {}
    warnings: list[str] = []
    if overrides is None or overrides.empty:
        return found, warnings
    # By name first, so that a decision about one track by its index wins.
    rows = sorted(overrides.to_dict("records"), key=lambda row: str(row["track"]).startswith("#"))
    for row in rows:
        key = str(row["track"])
        positions = _positions(key, tracks)
        if not positions:
            warnings.append(
                f"The override of track '{key}' fits no track of this cue; it is kept for when "
                "the track is there again."
            )
            continue
        override, warning = _override(row, group_names)
        if warning:
            warnings.append(f"Override of track '{key}': {warning}")
        if override is not None:
            found.update(dict.fromkeys(positions, override))
    return found, warnings


def _positions(key: str, tracks: "DataFrame") -> list[int]:
    names = [str(name) for name in tracks["track_name"]]
    named = [i for i, name in enumerate(names) if name == key]
    if named:
        return named
    if key.startswith("#") and key[1:].isdigit():
        return [i for i, index in enumerate(tracks["track_index"]) if int(index) == int(key[1:])]
    folded = key.strip().casefold()
    return [i for i, name in enumerate(names) if name.strip().casefold() == folded]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _override(
    row: Mapping[Hashable, Any], group_names: Sequence[str]
) -> tuple[Override | None, str | None]:
    category, wanted = _text(row.get("instrument_category")), _text(row.get("canonical_name"))
    note = _text(row.get("note")) or ""
    if wanted is None:
        return (
            Override(says_group=False, group=None, category=category, note=note)
            if category
            else None
        ), None
    if wanted == NO_GROUP:
        return Override(says_group=True, group=None, category=category, note=note), None
    if wanted in group_names:
        return Override(
            says_group=True, group=group_names.index(wanted), category=category, note=note
        ), None
    closest = _closest(wanted, group_names)
    if closest is None:
        told = (
            Override(says_group=False, group=None, category=category, note=note)
            if category
            else None
        )
        return told, (
            f"group '{wanted}' is not in this cue, nor one named like it; the track is mapped "
            "without the override. Set it again with a group of this cue."
        )
    return Override(says_group=True, group=closest, category=category, note=note), (
        f"group '{wanted}' is not in this cue; '{group_names[closest]}' is named most like it and "
        "was taken. Set it again if that is another group."
    )


def _closest(wanted: str, group_names: Sequence[str]) -> int | None:
    from thefuzz import fuzz

    scores = [fuzz.ratio(wanted.casefold(), name.casefold()) for name in group_names]
    best = max(range(len(scores)), key=scores.__getitem__, default=None)
    if best is None or scores[best] < CLOSEST_NAME or scores.count(scores[best]) > 1:
        return None
    return best
