"""A person's decisions, which every run keeps.

An override names a track as :mod:`.track_keys` has it, and its stem (``-``: none of them; NULL:
no say about it), its category or both. How it survives renamed tracks and stems is in
:mod:`.binding`.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cue_pipeline.cue.identity import row_id
from cue_pipeline.mapping.people.binding import Found, stem_of, text_of, track_of
from cue_pipeline.mapping.people.track_keys import KnownTrack, known_track, specificity

if TYPE_CHECKING:
    from pandas import DataFrame


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
    doubt : str
        Why it may be about another track or stem; empty: it is not doubted.
    """

    says_group: bool
    group: int | None
    category: str | None
    note: str
    doubt: str = ""


def read_overrides(
    overrides: "DataFrame | None",
    tracks: "DataFrame",
    group_names: Sequence[str],
    contents: Sequence[str | None] = (),
) -> tuple[dict[int, Override], list[str]]:
    """Return the override of each track, by its position, and warnings.

    Parameters
    ----------
    overrides : DataFrame or None
        Rows of ``mapping_overrides`` of this cue.
    tracks : DataFrame
        As :func:`~cue_pipeline.mapping.tracks.track_summary` returns it.
    group_names : sequence of str
        Canonical names of the cue's stems.
    contents : sequence of str or None
        Digest of the samples of each, where known.
    """
    found: dict[int, Override] = {}
    warnings: list[str] = []
    if overrides is None or overrides.empty:
        return found, warnings
    # By name first, so that a decision about one track by its index wins.
    rows = sorted(overrides.to_dict("records"), key=lambda row: specificity(str(row["track"])))
    for row in rows:
        key = str(row["track"])
        at, stem = _tracks(row, tracks), stem_of(row, group_names, contents)
        if not at.positions:
            warnings.append(
                f"The override of track '{key}' fits no track of this cue"
                + (f" ({at.told})" if at.told else "")
                + "; it is kept for when the track is there again."
            )
            continue
        said = [f for f in (at, stem) if f is not None and f.told]
        warnings += [f"Override of track '{key}': {f.told}" for f in said]
        override = _override(row, stem, "; ".join(f.told for f in said if f.doubt))
        if override is not None:
            for i in at.positions:
                found[i] = _both(found.get(i), override)
    return found, warnings


def stem_contents(stems: "DataFrame") -> list[str | None]:
    """Return the digest of the samples of each stem; None where it was not taken."""
    if "content_hash" not in stems:
        return [None] * len(stems)
    return [text_of(value) for value in stems["content_hash"]]


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
        doubt=group.doubt,
    )


def _tracks(row: Mapping[Hashable, Any], tracks: "DataFrame") -> Found:
    known = [known_track(str(r.midi_file_id), r) for r in tracks.itertuples(index=False)]

    def is_file(path: str, track: KnownTrack) -> bool:
        return track.file_path == str(row_id("midi_files", str(row["cue_key"]), path))

    found = track_of(row, known, is_file)
    # Files have but their ids here, which say nothing to a person.
    told = found.told
    for track in known:
        told = told.replace(f" of {track.file_path})", ")")
    return replace(found, told=told)


def _override(row: Mapping[Hashable, Any], stem: Found | None, doubt: str) -> Override | None:
    category, note = text_of(row.get("instrument_category")), text_of(row.get("note")) or ""
    gone = stem is not None and not stem.positions
    says_group = text_of(row.get("canonical_name")) is not None and not gone
    if not says_group and category is None:
        return None
    group = stem.positions[0] if stem is not None and stem.positions else None
    return Override(says_group=says_group, group=group, category=category, note=note, doubt=doubt)
