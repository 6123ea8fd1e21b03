"""All audio of one cue: grouped by names and headers, then told apart and placed by sound.

Names and headers propose which group is a mix and when each begins. Some seconds of excerpts,
spread over the cue, confirm or correct that: what adds up to what, in which order of channels, and
where.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cue_pipeline.audio.channel_names import natural_key
from cue_pipeline.audio.coded_mixes import cast_coded
from cue_pipeline.audio.excerpts import products_of
from cue_pipeline.audio.grouping import AudioInventory, ChannelGroup, find_channel_groups
from cue_pipeline.audio.heard_orders import has_open_order, with_heard_orders
from cue_pipeline.audio.mix_faults import unfed_channels
from cue_pipeline.audio.mix_names import Cast, cast_by_names, likeliest_mix
from cue_pipeline.audio.roles import cast_groups
from cue_pipeline.audio.starts import Placed, placed_by_sound
from cue_pipeline.audio.sums import Sums
from cue_pipeline.cue.folder import CueFolder

_LONG_BEFORE, _LEAST_BEFORE_SECONDS = 0.8, 0.5
_MOVED_SECONDS = 0.0005
_NOT_BELIEVED = "time reference, not believed"


def take_inventory(
    folder: CueFolder,
    *,
    sample_rate: int,
    final_mix_patterns: Sequence[str],
    ignore_patterns: Sequence[str],
    interleaved_order: str | None = None,
) -> AudioInventory:
    """Return the stems and mixes of a cue, each with its role and its start.

    Parameters
    ----------
    folder, sample_rate, final_mix_patterns, ignore_patterns, interleaved_order
        As for :func:`~cue_pipeline.audio.grouping.find_channel_groups`.

    Raises
    ------
    AudioFileError
        If there are audio files and none can be used.
    """
    found = find_channel_groups(
        folder,
        sample_rate=sample_rate,
        final_mix_patterns=final_mix_patterns,
        ignore_patterns=ignore_patterns,
        interleaved_order=interleaved_order,
    )
    return heard_inventory(folder.path, found, final_mix_patterns)


def heard_inventory(
    folder: Path, found: AudioInventory, final_mix_patterns: Sequence[str]
) -> AudioInventory:
    """Return an inventory that names and headers made, corrected by what is heard.

    Parameters
    ----------
    folder : Path
        The cue's.
    found : AudioInventory
        Of :func:`~cue_pipeline.audio.grouping.find_channel_groups`.
    final_mix_patterns : sequence of str
    """
    unheard = [*found.groups, *found.final_mixes]
    names = [g.canonical_name for g in unheard]
    if len(unheard) < 2:
        return _arranged(found, unheard, cast_by_names(names, final_mix_patterns))
    starts = [g.start_offset_seconds or 0.0 for g in unheard]
    groups = _with_orders(folder, unheard, starts, final_mix_patterns)
    placed = placed_by_sound(
        folder,
        groups,
        starts,
        lambda sums: likeliest_mix(names, final_mix_patterns, sums),
    )
    sums = placed.sums
    if placed.moved and any(has_open_order(g) for g in unheard):
        # What was told of channels was told at places at which they do not stand.
        groups = _with_orders(folder, unheard, placed.seconds, final_mix_patterns)
        sums = Sums(products_of(folder, groups, placed.seconds), len(groups))
    cast = cast_groups(names, final_mix_patterns, sums)
    unfed = unfed_channels(cast, sums)
    groups = [
        replace(g, grouping={**g.grouping, "unfed_left_db": _rounded(unfed[i])})
        if i in unfed
        else g
        for i, g in enumerate(groups)
    ]
    cast = cast_coded(folder, groups, cast)
    return _arranged(found, _with_starts(groups, placed), cast)


def _rounded(left_db: Mapping[str, float]) -> dict[str, float]:
    return {label: round(db, 1) for label, db in left_db.items()}


def _with_orders(
    folder: Path,
    groups: Sequence[ChannelGroup],
    starts: Sequence[float],
    final_mix_patterns: Sequence[str],
) -> list[ChannelGroup]:
    """Return the groups with the channels' orders that their sound gives where no word does."""
    if not any(has_open_order(g) for g in groups):
        return list(groups)
    return with_heard_orders(groups, final_mix_patterns, products_of(folder, groups, starts))


def _arranged(
    found: AudioInventory, groups: Sequence[ChannelGroup], cast: Sequence[Cast]
) -> AudioInventory:
    """Return the inventory with every group among those of its role."""
    told = [
        replace(
            g,
            role=c.role,
            known_by=c.known_by,
            warnings=(*g.warnings, *c.warnings),
            grouping={**g.grouping, "identity_doubt": c.doubt} if c.doubt else g.grouping,
        )
        for g, c in zip(groups, cast, strict=True)
    ]
    told = _with_short_mixes(told)
    told.sort(key=lambda g: natural_key(g.canonical_name))
    mixes = [g for g in told if g.role != "stem"]
    mixes.sort(key=lambda g: ("mix", "fold-down", "old mix").index(g.role))
    return replace(
        found,
        groups=tuple(g for g in told if g.role == "stem"),
        final_mixes=tuple(mixes),
    )


def _with_short_mixes(groups: Sequence[ChannelGroup]) -> list[ChannelGroup]:
    """Return the groups, a mix that ends long before its stems with a warning."""
    ends = [_end(g) for g in groups if g.role == "stem"]
    if not ends:
        return list(groups)
    usual = statistics.median(ends)
    return [
        replace(
            g,
            warnings=(
                *g.warnings,
                f"'{g.canonical_name}' ends after {_end(g):.1f} s, and half of the stems go on to "
                f"{usual:.1f} s and more: a mix of a part of the cue, or an old one. See which is "
                "right, and bounce it again.",
            ),
        )
        if g.role == "mix" and _end(g) < min(_LONG_BEFORE * usual, usual - _LEAST_BEFORE_SECONDS)
        else g
        for g in groups
    ]


def _end(group: ChannelGroup) -> float:
    return (group.start_offset_seconds or 0.0) + group.duration_seconds


def _with_starts(groups: Sequence[ChannelGroup], placed: Placed) -> list[ChannelGroup]:
    """Return the groups with the starts that their sound gives where headers did not."""
    doubtful = any(g.grouping.get("start_from") == _NOT_BELIEVED for g in groups)
    if not placed.moved and not doubtful:
        return list(groups)
    by_sound = {
        i
        for i in placed.agreed | placed.moved
        if i in placed.moved or groups[i].start_offset_seconds is None
    }
    known = [i for i, g in enumerate(groups) if i in by_sound or g.start_offset_seconds is not None]
    origin = min((placed.seconds[i] for i in known), default=0.0)
    return [
        _started(g, placed.seconds[i] - origin, _moved_by(g, i, placed), by_sound=i in by_sound)
        if i in known
        else g
        for i, g in enumerate(groups)
    ]


def _moved_by(group: ChannelGroup, index: int, placed: Placed) -> float:
    """Return by how many seconds the sound puts a group later than it was taken to begin."""
    return placed.seconds[index] - (group.start_offset_seconds or 0.0)


def _started(
    group: ChannelGroup, seconds: float, moved_by: float, *, by_sound: bool
) -> ChannelGroup:
    if not by_sound:
        return replace(group, start_offset_seconds=seconds)
    told = group.warnings
    moved = abs(moved_by) > _MOVED_SECONDS
    if moved:
        said = "its time reference says" if group.time_reference is not None else "the others do"
        told = (
            *told,
            f"'{group.canonical_name}' begins {abs(moved_by):.4f} s "
            f"{'later' if moved_by > 0 else 'earlier'} than {said}, by its sound: there it is put.",
        )
    return replace(
        group,
        time_reference=None if moved else group.time_reference,
        start_offset_seconds=seconds,
        grouping={**group.grouping, "start_from": "sound"},
        warnings=told,
    )
