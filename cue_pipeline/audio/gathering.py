"""Which files belong together: tokens first, then iXML, tokens in odd places, numbers.

Which claims of names are believed is the business of ``channel_claims``; what is left over
becomes a group for each file.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from cue_pipeline.audio.channel_claims import Claim, as_long, believed, fold_down_of, told_apart
from cue_pipeline.audio.channel_names import inner_channel_names, parse_channel_name, stem_of
from cue_pipeline.audio.gathered import Gathered, Member, folder_of
from cue_pipeline.audio.hashed_names import hashed_sources
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.layouts import LAYOUTS, ORDERS_BY_COUNT, film_position, layout_of
from cue_pipeline.audio.likely_sides import doubts_of_sides
from cue_pipeline.audio.lone_pairs import only_pairs
from cue_pipeline.audio.named_orders import order_in_name
from cue_pipeline.audio.numbered_channels import numbered_groups
from cue_pipeline.audio.spellings import LETTERS

_COUNTED = re.compile(r"(?P<base>.*?)[._ -]*(?<!\d)(?P<number>\d{1,2})")
_SIDES = {"L": "left", "R": "right"}


def gather(
    headers: Sequence[AudioHeader],
    *,
    order: str | None = None,
    mix_patterns: Sequence[str] = (),
) -> list[Gathered]:
    """Return every file in exactly one group.

    Parameters
    ----------
    headers : sequence of AudioHeader
    order : str, optional
        ``film`` or ``smpte``: which channel is which where neither names nor headers say it.
    mix_patterns : sequence of str
        What names of final mixes hold.
    """
    by_hash, unknown = hashed_sources(headers)
    hashed = {claim.header.file for source in by_hash for claim in source}
    claims, rest = _claims([header for header in headers if header.file not in hashed])
    claims, refuted = only_pairs(claims, headers)
    by_count, claims = _counted_groups(claims)
    groups, released = _token_groups(claims)
    by_ixml, lone = _ixml_groups([*rest, *(claim.header for claim in (*refuted, *released))])
    by_place, lone = _inner_groups(lone, headers)
    by_number, lone, doubts = numbered_groups(lone, order=order, mix_patterns=mix_patterns)
    doubts |= _doubts_of_released(released, groups) | unknown
    groups += [*map(_hashed_group, by_hash), *by_count, *by_ixml, *by_place, *by_number]
    doubts |= _doubts_of_neighbours(lone, groups)
    of_sides = doubts_of_sides(lone, groups)
    for group in groups:
        told = of_sides.get(group.members[0].header.file)
        if told:
            group.notes.append(told)
            group.doubt = told
    doubts |= of_sides
    groups += [_lone_group(header, order, doubts) for header in lone]
    return groups


def _claims(headers: Sequence[AudioHeader]) -> tuple[list[Claim], list[AudioHeader]]:
    """Return files whose names claim a channel, and the rest."""
    claims: list[Claim] = []
    rest: list[AudioHeader] = []
    for header in headers:
        said = parse_channel_name(stem_of(header.file))
        if said is None or (header.channels > 1 and header.fault is None):
            rest.append(header)
        else:
            claims.append(Claim(header, said, "channel token"))
    return claims, rest


def _counted_groups(claims: Sequence[Claim]) -> tuple[list[Gathered], list[Claim]]:
    """Return groups whose channels are counted as well as named, and the claims left.

    'STR_1_L', 'STR_2_C' … and 'STR_L_01', 'STR_C_02' … are no takes where the numbers run without
    a gap, none comes twice, and the channels make a layout of three or more.
    """
    clusters: dict[Hashable, list[tuple[int, Claim]]] = defaultdict(list)
    for claim in claims:
        counted = _COUNTED.fullmatch(claim.said.base)
        if counted is not None and counted["base"]:
            key = (folder_of(claim.header).casefold(), counted["base"].casefold(), claim.said.form)
            named = replace(claim, said=replace(claim.said, base=counted["base"]))
            clusters[key].append((int(counted["number"]), named))
    groups: list[Gathered] = []
    taken: set[str] = set()
    for cluster in clusters.values():
        numbers = sorted(number for number, _ in cluster)
        one_source = [claim for _, claim in cluster]
        if numbers != list(range(1, len(numbers) + 1)) or not _make_a_layout(one_source):
            continue
        groups.append(_claimed_group(one_source))
        taken.update(c.header.file for c in one_source)
    return groups, [c for c in claims if c.header.file not in taken]


def _make_a_layout(claims: Sequence[Claim]) -> bool:
    labels = {claim.said.label for claim in claims}
    name, missing = layout_of(labels)
    return (
        len(labels) == len(claims) > 2
        and {"L", "R"} <= labels
        and name in LAYOUTS
        and not missing
        and all(as_long(claim.header, claims[0].header) for claim in claims)
    )


def _token_groups(claims: Sequence[Claim]) -> tuple[list[Gathered], list[Claim]]:
    """Return the groups that claims make, and the claims that are not believed."""
    clusters: dict[Hashable, list[Claim]] = defaultdict(list)
    for claim in claims:
        clusters[folder_of(claim.header).casefold(), claim.said.base.casefold()].append(claim)
    groups: list[Gathered] = []
    released: list[Claim] = []
    for cluster in clusters.values():
        parts = told_apart(cluster)
        for part in parts:
            held, doubted = believed(part)
            released.extend(doubted)
            if held:
                group = _claimed_group(held)
                fold_down = fold_down_of(held)
                if len(parts) > 1 and fold_down:
                    group.name += f" {fold_down}"
                groups.append(group)
    return groups, released


def _claimed_group(claims: Sequence[Claim]) -> Gathered:
    claims = sorted(claims, key=lambda c: (film_position(c.said.label), c.header.file))
    first = claims[0]
    copies = {claim.said.copy for claim in claims}
    labels = [claim.said.label for claim in claims]
    name = first.said.base + (first.said.copy if len(copies) == 1 else "")
    notes = []
    if len(copies) > 1:
        listed = ", ".join(f"'{claim.header.file}'" for claim in claims)
        notes.append(
            f"'{name}' is made of files and of copies of files ({listed}): see that they are of "
            "one version, and rename the copies."
        )
    letters = [claim for claim in claims if claim.said.token in LETTERS]
    if letters:
        notes.append(_by_letters(name, claims))
    if (
        len(labels) > 1
        and {"Ls", "Rs", "Lss", "Rss", "Lsr", "Rsr"} & set(labels)
        and not ({"L", "R"} & set(labels))
    ):
        notes.append(
            f"'{name}' holds {', '.join(labels)} and neither L nor R: kept as a stem of these "
            "channels. Add the files, or take no notice if the stem was made so."
        )
    return Gathered(
        name=name,
        folder=folder_of(first.header),
        members=[Member(c.header, (c.said.label,)) for c in claims],
        shape="split",
        layout_from="ixml" if first.by == "ixml track name" else "tokens",
        evidence=[f"{first.by} ({first.said.form})"],
        notes=notes,
    )


def _by_letters(name: str, claims: Sequence[Claim]) -> str:
    letters = " and ".join(claim.said.token.upper() for claim in claims)
    sides = "mid and side" if claims[0].said.label == "Mid" else "left and right"
    return (
        f"'{name}' is taken as {sides} by nothing but the letters {letters} in its files' names: "
        "if they are stems of their own, give them names that say so."
    )


def _hashed_group(claims: Sequence[Claim]) -> Gathered:
    group = _claimed_group(claims)
    listed = ", ".join(f"'{member.header.file}'" for member in group.members)
    group.notes.append(
        f"'{group.name}' is made of files whose names differ in a hash too ({listed}): see that "
        "they are of one take and version."
    )
    return group


def _ixml_groups(headers: Sequence[AudioHeader]) -> tuple[list[Gathered], list[AudioHeader]]:
    """Return groups of files that only their iXML track names tell apart, and the rest."""
    clusters: dict[Hashable, list[Claim]] = defaultdict(list)
    lone: list[AudioHeader] = []
    for header in headers:
        said = parse_channel_name(header.track_names[0]) if len(header.track_names) == 1 else None
        if said is None or said.token in LETTERS or header.channels != 1 or header.fault:
            lone.append(header)
            continue
        together = header.family_uid or (header.frames, header.time_reference)
        clusters[folder_of(header), said.base.casefold(), together].append(
            Claim(header, said, "ixml track name")
        )
    groups: list[Gathered] = []
    for cluster in clusters.values():
        parts = told_apart(cluster)
        held, _ = believed(parts[0]) if len(parts) == 1 else ([], cluster)
        if len(held) > 1:
            groups.append(_claimed_group(held))
        inside = {claim.header.file for claim in held} if len(held) > 1 else set()
        lone.extend(c.header for c in cluster if c.header.file not in inside)
    return groups, lone


def _inner_groups(
    headers: Sequence[AudioHeader], every: Sequence[AudioHeader]
) -> tuple[list[Gathered], list[AudioHeader]]:
    """Return groups of files whose names differ in one word, and that a channel; and the rest."""
    clusters: dict[Hashable, list[Claim]] = defaultdict(list)
    claims = [
        Claim(header, said, "channel token")
        for header in headers
        if header.channels == 1 and not header.fault
        for said in inner_channel_names(stem_of(header.file))
    ]
    for claim in only_pairs(claims, every)[0]:
        key = (folder_of(claim.header).casefold(), claim.said.base.casefold(), claim.said.form)
        clusters[key].append(claim)
    groups: list[Gathered] = []
    taken: set[str] = set()
    for cluster in sorted(clusters.values(), key=len, reverse=True):
        free = [claim for claim in cluster if claim.header.file not in taken]
        for part in told_apart(free) if free else ():
            held, _ = believed(part)
            files = {claim.header.file for claim in held}
            if len(held) > 1 and len(files) == len(held):
                groups.append(_claimed_group(held))
                taken |= files
    return groups, [header for header in headers if header.file not in taken]


def _doubts_of_released(released: Sequence[Claim], groups: Sequence[Gathered]) -> dict[str, str]:
    """Return what is doubtful of files whose claims did not hold, by file.

    A lone 'Harp_R' is a harp of that name, unless every other stem of its folder is a pair that is
    named like it: then its left is missing, or of another length.
    """
    usual = {(group.folder, group.evidence[0]) for group in groups if len(group.members) > 1}
    doubts: dict[str, str] = {}
    for claim in released:
        label, file = claim.said.label, claim.header.file
        if claim.said.certain:
            doubts[file] = (
                f"'{file}' is named as channel {label} and has no L, C or R of its name beside it: "
                "kept as a stem of its own, mono. Add the files, or rename it if it is no channel."
            )
        elif claim.sure and (folder_of(claim.header), f"{claim.by} ({claim.said.form})") in usual:
            side = _SIDES.get(label)
            other = {"L": "right", "R": "left"}.get(label, "partner")
            doubts[file] = (
                f"'{file}' is named as a {f'{side} channel' if side else f'channel {label}'}, as "
                f"files of other stems are, and has no {other} of its name and length beside it: "
                "kept as a stem of its own, mono. Add the file, or rename it if it is no channel."
            )
    return doubts


def _doubts_of_neighbours(
    lone: Sequence[AudioHeader], groups: Sequence[Gathered]
) -> dict[str, str]:
    """Return what is doubtful of files that may be the centre that a group lacks, by file.

    Surrounds and an LFE without a centre are no layout that anything is made in.
    """
    doubts: dict[str, str] = {}
    for group in groups:
        labels = {label for member in group.members for label in member.labels}
        if not {"L", "R", "LFE"} < labels or "C" in labels or group.shape != "split":
            continue
        named = re.compile(rf"{re.escape(group.name)}[ ._-]+[^\W\d_]{{1,12}}", re.IGNORECASE)
        for header in lone:
            fits = header.channels == 1 and as_long(header, group.members[0].header)
            if fits and folder_of(header) == group.folder and named.fullmatch(stem_of(header.file)):
                doubts[header.file] = (
                    f"'{header.file}' is named like a channel of '{group.name}', which lacks C: "
                    "kept as a stem of its own, mono. Rename it to .C if it is that channel."
                )
    return doubts


def _lone_group(header: AudioHeader, order: str | None, doubts: Mapping[str, str]) -> Gathered:
    """Return a file that is a group by itself."""
    count, several = header.channels, header.channels > 1
    labels, layout_from = header.labels, header.labels_from if several else "count"
    notes = [doubts[header.file]] if header.file in doubts else []
    said = parse_channel_name(stem_of(header.file))
    if said is not None and said.certain and several:
        notes.append(
            f"'{header.file}' is named as channel {said.label} and holds {count} "
            "channels: kept as a group of its own."
        )
    if count > 2 and layout_from == "count":
        by_name = order_in_name(stem_of(header.file), count)
        ordered = ORDERS_BY_COUNT[order].get(count) if order else None
        if by_name or ordered:
            labels, layout_from = by_name or ordered or (), "name" if by_name else "setting"
    return Gathered(
        name=stem_of(header.file),
        folder=folder_of(header),
        members=[Member(header, labels)],
        shape="interleaved" if several else "mono",
        layout_from=layout_from,
        evidence=["one interleaved file" if several else "one mono file"],
        notes=notes,
        doubt=doubts.get(header.file),
        open_order=_unknown_order(header) if count > 2 and layout_from == "count" else None,
    )


def _unknown_order(header: AudioHeader) -> str:
    """Return what is to be known of interleaved channels that nothing names."""
    named = header.channels in ORDERS_BY_COUNT["film"]
    taken = f"film order ({' '.join(header.labels)}) is taken" if named else "they are numbered"
    cure = "Set CUE_INTERLEAVED_ORDER to film or smpte, or export it" if named else "Export it"
    return (
        f"'{header.file}' holds {header.channels} interleaved channels and nothing says which is "
        f"which: {taken}. {cure} with a channel layout, or as split files."
    )
