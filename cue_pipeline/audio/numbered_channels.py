"""Mono files that only numbers tell apart: channels of one source, or sources of their own.

``6mx.A1`` … ``6mx.A6`` are the six channels of one mix, of unknown order. ``Horn_1`` …
``Horn_4`` are four horns. What is taken for channels: numbers behind ``A`` or ``Ch``, and bare
numbers behind the name of a final mix, where they run from 1 without a gap and all files are of
equal length.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from cue_pipeline.audio.channel_names import (
    NumberedName,
    holds_pattern,
    parse_numbered_name,
    stem_of,
)
from cue_pipeline.audio.claims import as_long
from cue_pipeline.audio.gathered import Gathered, Member, folder_of
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.layouts import ORDERS_BY_COUNT

_LEAST_OF_A_MIX = 5  # so many mono files of one mix are no takes
_MOST = 64


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
        if len(run) in sizes
        for n in run
    }
    return groups, [h for h in headers if h.file not in taken], doubts


def _runs(headers: Sequence[AudioHeader]) -> list[list[_Numbered]]:
    """Return sets of mono files of equal length, numbered from 1 (or 0) without a gap."""
    clusters: dict[Hashable, list[_Numbered]] = defaultdict(list)
    for header in headers:
        said = parse_numbered_name(stem_of(header.file))
        if said is not None and header.fault is None and header.channels == 1:
            key = (folder_of(header).casefold(), said.base.casefold(), said.kind, said.set_off_by)
            clusters[key].append(_Numbered(header, said))
    runs = []
    for cluster in clusters.values():
        run = sorted(cluster, key=lambda n: n.said.number)
        numbers = [n.said.number for n in run]
        first = numbers[0]
        if (
            2 <= len(run) <= _MOST
            and first in {0, 1}
            and numbers == list(range(first, first + len(run)))
            and all(as_long(n.header, run[0].header) for n in run)
        ):
            runs.append(run)
    return runs


def _are_channels(run: Sequence[_Numbered], mix_patterns: Sequence[str]) -> bool:
    said = run[0].said
    pattern = holds_pattern(said.base, mix_patterns)
    if said.kind:  # 'Synth A1' and 'Gtr_A1', 'Gtr_A2' may be patches and players
        return bool(pattern) or said.kind != "a" or _set_off_for_sure(said, len(run))
    if not pattern:
        return False
    meant = re.match(r"\d+", pattern)
    return len(run) == int(meant[0]) if meant else len(run) >= _LEAST_OF_A_MIX


def _set_off_for_sure(said: NumberedName, count: int) -> bool:
    return said.set_off_by in {".", "("} or (said.set_off_by in {"_", "-"} and count > 2)


def _group(run: Sequence[_Numbered], order: str | None) -> Gathered:
    count, said = len(run), run[0].said
    labels = ORDERS_BY_COUNT[order].get(count) if order else None
    first, last = (stem_of(run[at].header.file) for at in (0, -1))
    notes, layout_from = [], "setting"
    if labels is None:
        labels = ("L", "R") if count == 2 else tuple(str(i + 1) for i in range(count))
        layout_from = "numbers"
        taken = "they are taken as left and right" if count == 2 else "they have numbers for roles"
        notes.append(
            f"'{said.base}' is split in {count} files that only numbers tell apart ('{first}' … "
            f"'{last}'): taken as the channels of one source, and as nothing says which is which, "
            f"{taken}. Set CUE_INTERLEAVED_ORDER to film or smpte, or name them .L .R …."
        )
    return Gathered(
        name=said.base,
        folder=folder_of(run[0].header),
        members=[Member(n.header, (label,)) for n, label in zip(run, labels, strict=True)],
        shape="split",
        layout_from=layout_from,
        evidence=["numbered channels"],
        notes=notes,
    )


def _doubt(run: Sequence[_Numbered], number: int) -> str:
    first, last = (stem_of(run[at].header.file) for at in (0, -1))
    return (
        f"'{first}' … '{last}' may be {len(run)} stems, or the {len(run)} channels of one, as this "
        f"cue's mix has its channels numbered: this is number {number}, kept as a stem of its own. "
        "Name channels .L .R … to have them grouped."
    )
