"""Mono files that only numbers tell apart: channels of one source, or sources of their own.

``6mx.A1`` … ``6mx.A6`` are the six channels of one mix, of unknown order. ``Horn_1`` …
``Horn_4`` are four horns. What is taken for channels: numbers behind ``A`` or ``Ch``, and bare
numbers behind the name of a final mix, where they run from 1 without a gap and all files are of
equal length. Where they may be either (``VLN.1`` … ``VLN.6``: as many as a layout has, behind the
dot that sets off a channel), they stay stems, and the doubt is told.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from cue_pipeline.audio.channel_claims import as_long
from cue_pipeline.audio.channel_names import (
    NumberedName,
    ends_in_pattern,
    parse_numbered_name,
    stem_of,
)
from cue_pipeline.audio.gathered import Gathered, Member, folder_of
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.layouts import ORDERS_BY_COUNT

_LEAST_OF_A_MIX = 5  # so many mono files of one mix are no takes
_MOST = 64
_CHANNEL_KINDS = frozenset({"a", "ch", "chn", "chan", "channel"})


class _Numbered(NamedTuple):
    header: AudioHeader
    said: NumberedName


def numbered_groups(
    headers: Sequence[AudioHeader], *, order: str | None, mix_patterns: Sequence[str]
) -> tuple[list[Gathered], list[AudioHeader], dict[str, str]]:
    """Return the groups that numbers make, the files left, and what is doubtful of those.

    Parameters
    ----------
    headers : sequence of AudioHeader
        Files that belong to nothing yet.
    order : str, optional
        A key of :data:`.layouts.ORDERS_BY_COUNT`: which channel number 1 is.
    mix_patterns : sequence of str
        What names of final mixes hold.

    Returns
    -------
    groups : list of Gathered
    left : list of AudioHeader
    doubts : dict of str to str
        File → sentence.
    """
    groups: list[Gathered] = []
    taken: set[str] = set()
    kept_apart: list[list[_Numbered]] = []
    for run in _runs(headers):
        if _are_channels(run, mix_patterns):
            groups.append(_group(run, order))
            taken.update(n.header.file for n in run)
        else:
            kept_apart.append(run)
    sizes = {len(g.members) for g in groups if len(g.members) >= _LEAST_OF_A_MIX}
    doubts = {
        n.header.file: _doubt(run, n.said.number)
        for run in kept_apart
        if _without_gap(run) and (len(run) in sizes or _may_be_a_layout(run))
        for n in run
    }
    return groups, [h for h in headers if h.file not in taken], doubts


def _runs(headers: Sequence[AudioHeader]) -> list[list[_Numbered]]:
    """Return sets of mono files of one name and equal length, each with a number of its own."""
    clusters: dict[Hashable, list[_Numbered]] = defaultdict(list)
    for header in headers:
        said = parse_numbered_name(stem_of(header.file))
        if said is not None and header.fault is None and header.channels == 1:
            key = (folder_of(header).casefold(), said.base.casefold(), said.kind, said.set_off_by)
            clusters[key].append(_Numbered(header, said))
    runs = []
    for cluster in clusters.values():
        run = sorted(cluster, key=lambda n: n.said.number)
        if 2 <= len({n.said.number for n in run}) == len(run) <= _MOST and all(
            as_long(n.header, run[0].header) for n in run
        ):
            runs.append(run)
    return runs


def _are_channels(run: Sequence[_Numbered], mix_patterns: Sequence[str]) -> bool:
    said = run[0].said
    pattern = ends_in_pattern(said.base, mix_patterns)
    if pattern is None:
        return _without_gap(run) and _are_channels_of_a_stem(said, len(run))
    if said.kind in _CHANNEL_KINDS:
        return True
    meant = re.match(r"\d+", pattern)
    if meant is None:
        return _without_gap(run) and len(run) >= _LEAST_OF_A_MIX
    return len(run) > 2 and run[-1].said.number <= int(meant[0])


def _are_channels_of_a_stem(said: NumberedName, count: int) -> bool:
    """Return whether numbers behind A or Ch are channels: 'Synth A1', 'Gtr_A2' may be none."""
    if said.kind == "a":
        return said.set_off_by in {".", "(", "["} or (said.set_off_by in {"_", "-"} and count > 2)
    return said.kind in _CHANNEL_KINDS


def _without_gap(run: Sequence[_Numbered]) -> bool:
    numbers = [n.said.number for n in run]
    return numbers[0] in {0, 1} and numbers == list(range(numbers[0], numbers[0] + len(run)))


def _may_be_a_layout(run: Sequence[_Numbered]) -> bool:
    return (
        len(run) >= _LEAST_OF_A_MIX
        and run[0].said.set_off_by == "."
        and run[0].said.number == 1
        and len(run) in ORDERS_BY_COUNT["film"]
    )


def _lacking(run: Sequence[_Numbered]) -> list[int]:
    """Return the numbers that are missing among those of a run."""
    numbers = {n.said.number for n in run}
    return sorted(set(range(min(1, *numbers), max(numbers) + 1)) - numbers)


def _group(run: Sequence[_Numbered], order: str | None) -> Gathered:
    count, said = len(run), run[0].said
    lacking = _lacking(run)
    labels = ORDERS_BY_COUNT[order].get(count) if order and not lacking else None
    first, last = (stem_of(run[at].header.file) for at in (0, -1))
    notes, layout_from, open_order = [], "setting", None
    if labels is None:
        pair = count == 2 and not lacking
        labels = ("L", "R") if pair else tuple(str(n.said.number) for n in run)
        layout_from = "numbers"
        taken = "they are taken as left and right" if pair else "they have numbers for roles"
        told = (
            f"'{said.base}' is split in {count} files that only numbers tell apart ('{first}' … "
            f"'{last}'): taken as the channels of one source, and as nothing says which is which, "
            f"{taken}. Set CUE_INTERLEAVED_ORDER to film or smpte, or name them .L .R …."
        )
        if lacking:
            notes.append(told)
        else:
            open_order = told
    if lacking:
        notes.append(
            f"'{said.base}' lacks number {', '.join(map(str, lacking))} of its channels: the "
            f"composite is the mean of the {count} there. Add the files."
        )
    return Gathered(
        name=said.base,
        folder=folder_of(run[0].header),
        members=[Member(n.header, (label,)) for n, label in zip(run, labels, strict=True)],
        shape="split",
        layout_from=layout_from,
        evidence=["numbered channels"],
        notes=notes,
        open_order=open_order,
    )


def _doubt(run: Sequence[_Numbered], number: int) -> str:
    first, last = (stem_of(run[at].header.file) for at in (0, -1))
    return (
        f"'{first}' … '{last}' may be {len(run)} stems, or the {len(run)} channels of one: "
        f"this is number {number}, kept as a stem of its own. "
        "Name channels .L .R … to have them grouped."
    )
