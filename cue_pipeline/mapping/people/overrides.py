"""A person's decisions, which every run keeps.

An override names a track as :mod:`.track_keys` has it, and its group (``-``:
none of them; NULL: no say about it), its category or both. It survives a renamed group: the
closest name is taken, with a warning.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.cue.identity import row_id
from cue_pipeline.mapping.people.track_keys import (
    NO_GROUP,
    KnownTrack,
    known_track,
    specificity,
    tracks_meant,
)

if TYPE_CHECKING:
    from pandas import DataFrame

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
        As :func:`~cue_pipeline.mapping.tracks.track_summary` returns it.
    group_names : sequence of str
        Canonical names of the cue's groups.
    """
    found: dict[int, Override] = {}
    warnings: list[str] = []
    if overrides is None or overrides.empty:
        return found, warnings
    # By name first, so that a decision about one track by its index wins.
    rows = sorted(overrides.to_dict("records"), key=lambda row: specificity(str(row["track"])))
    for row in rows:
        key = str(row["track"])
        positions = _positions(key, str(row["cue_key"]), tracks)
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
            for i in positions:
                found[i] = _both(found.get(i), override)
    return found, warnings


def _both(general: Override | None, particular: Override) -> Override:
    """Return what two overrides of a track say together; the particular one has the last word."""
    if general is None:
        return particular
    group = particular if particular.says_group else general
    return Override(
        says_group=group.says_group,
        group=group.group,
        category=particular.category or general.category,
        note=particular.note or general.note,
    )


def _positions(key: str, cue_key: str, tracks: "DataFrame") -> list[int]:
    known = [known_track(str(row.midi_file_id), row) for row in tracks.itertuples(index=False)]

    def is_file(path: str, track: KnownTrack) -> bool:
        return track.file_path == str(row_id("midi_files", cue_key, path))

    return tracks_meant(key, known, is_file)


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
