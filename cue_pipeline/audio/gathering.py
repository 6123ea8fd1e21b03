"""Which files belong together: tokens first, then length, time reference and iXML.

A token set off by a dot or in brackets is believed as it stands ('VLN.L'). Any other token, and
any token that is also a word, counts only where its partner is there; after a space or a dash
('Perc L' may be 'low') the partner must be of equal length too.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cue_pipeline.audio.channel_names import ChannelName, parse_channel_name, stem_of
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.audio.layouts import PARTNERS, film_position


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a group, with the label of each of its channels."""

    header: AudioHeader
    labels: tuple[str, ...]


@dataclass(slots=True)
class Gathered:
    """Files that belong together."""

    name: str
    folder: str
    members: list[Member]
    shape: str
    layout_from: str
    evidence: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> list[Member]:
        """Members that can be read."""
        return [m for m in self.members if m.header.fault is None]

    @property
    def faulty(self) -> list[AudioHeader]:
        """Headers of members that cannot."""
        return [m.header for m in self.members if m.header.fault is not None]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A file that says it is one channel of something."""

    header: AudioHeader
    said: ChannelName
    by: str


def gather(headers: Sequence[AudioHeader]) -> list[Gathered]:
    """Return every file in exactly one group."""
    claims, rest = _claims(headers)
    groups, released = _token_groups(claims)
    by_ixml, lone = _ixml_groups([*rest, *released])
    groups.extend(by_ixml)
    groups.extend(_lone_group(header) for header in lone)
    return groups


def _folder_of(header: AudioHeader) -> str:
    parent = str(PurePosixPath(header.file).parent)
    return "" if parent == "." else parent


def _claims(headers: Sequence[AudioHeader]) -> tuple[list[_Claim], list[AudioHeader]]:
    """Return files whose names claim a channel, and the rest."""
    claims: list[_Claim] = []
    rest: list[AudioHeader] = []
    for header in headers:
        said = parse_channel_name(stem_of(header.file))
        if said is None or (header.channels > 1 and header.fault is None):
            rest.append(header)
        else:
            claims.append(_Claim(header, said, "channel token"))
    return claims, rest


def _token_groups(claims: Sequence[_Claim]) -> tuple[list[Gathered], list[AudioHeader]]:
    """Return the groups that claims make, and the files whose claims are not believed."""
    clusters: dict[Hashable, list[_Claim]] = defaultdict(list)
    for claim in claims:
        clusters[_folder_of(claim.header).casefold(), claim.said.base.casefold()].append(claim)
    groups: list[Gathered] = []
    released: list[AudioHeader] = []
    for cluster in clusters.values():
        for part in _without_repeats(cluster):
            believed, doubted = _believed(part)
            released.extend(claim.header for claim in doubted)
            if believed:
                groups.append(_claimed_group(believed))
    return groups, released


def _without_repeats(cluster: list[_Claim]) -> list[list[_Claim]]:
    """Split a cluster in which a label occurs twice, by the ways in which the files differ."""
    parts = [cluster]
    for way in (_suffix, _spelling, _form, _rate):
        if all(_all_differ(part) for part in parts):
            return parts
        parts = [finer for part in parts for finer in _split(part, way)]
    return [finer for part in parts for finer in _one_of_each(part)]


def _all_differ(part: Sequence[_Claim]) -> bool:
    return len({claim.said.label for claim in part}) == len(part)


def _suffix(claim: _Claim) -> Hashable:
    return PurePosixPath(claim.header.file).suffix.lower()


def _spelling(claim: _Claim) -> Hashable:
    return claim.said.base


def _form(claim: _Claim) -> Hashable:
    return claim.said.form


def _rate(claim: _Claim) -> Hashable:
    return claim.header.sample_rate, claim.header.frames


def _split(part: list[_Claim], way: object) -> list[list[_Claim]]:
    if _all_differ(part) or not callable(way):
        return [part]
    finer: dict[Hashable, list[_Claim]] = defaultdict(list)
    for claim in part:
        finer[way(claim)].append(claim)
    return list(finer.values())


def _one_of_each(part: Sequence[_Claim]) -> list[list[_Claim]]:
    """Deal repeated labels out: the first of each together, then the second of each …."""
    rounds: list[dict[str, _Claim]] = []
    for claim in part:
        home = next((r for r in rounds if claim.said.label not in r), None)
        if home is None:
            home = {}
            rounds.append(home)
        home[claim.said.label] = claim
    return [list(r.values()) for r in rounds]


def _believed(part: list[_Claim]) -> tuple[list[_Claim], list[_Claim]]:
    """Return the claims that hold, and those that may as well be words of a name."""
    believed = list(part)
    while True:
        doubted = [c for c in believed if not _holds(c, believed)]
        if not doubted:
            return believed, [c for c in part if c not in believed]
        believed = [c for c in believed if c not in doubted]


def _holds(claim: _Claim, among: Sequence[_Claim]) -> bool:
    if claim.said.certain:
        return True
    others = {c.said.label: c for c in among}
    partners = PARTNERS.get(claim.said.label, ())
    if not partners or any(p not in others for p in partners):
        return False
    if claim.said.form not in {"space", "dash"}:
        return True
    mine = claim.header
    return all(
        mine.fault or others[p].header.fault or others[p].header.frames == mine.frames
        for p in partners
    )


def _claimed_group(claims: Sequence[_Claim]) -> Gathered:
    claims = sorted(claims, key=lambda c: (film_position(c.said.label), c.header.file))
    first = claims[0]
    return Gathered(
        name=first.said.base,
        folder=_folder_of(first.header),
        members=[Member(c.header, (c.said.label,)) for c in claims],
        shape="split",
        layout_from="tokens" if first.by == "channel token" else "ixml",
        evidence=[f"{first.by} ({first.said.form})"],
    )


def _ixml_groups(headers: Sequence[AudioHeader]) -> tuple[list[Gathered], list[AudioHeader]]:
    """Return groups of files that only their iXML track names tell apart, and the rest."""
    clusters: dict[Hashable, list[_Claim]] = defaultdict(list)
    lone: list[AudioHeader] = []
    for header in headers:
        said = parse_channel_name(header.track_names[0]) if len(header.track_names) == 1 else None
        if said is None or header.channels != 1 or header.fault:
            lone.append(header)
            continue
        together = header.family_uid or (header.frames, header.time_reference)
        clusters[_folder_of(header), said.base.casefold(), together].append(
            _Claim(header, said, "ixml track name")
        )
    groups: list[Gathered] = []
    for cluster in clusters.values():
        believed, _ = _believed(cluster)
        if len(believed) > 1 and _all_differ(cluster):
            groups.append(_claimed_group(believed))
        lone.extend(c.header for c in cluster if len(believed) < 2 or c not in believed)
    return groups, lone


def _lone_group(header: AudioHeader) -> Gathered:
    """Return a file that is a group by itself."""
    notes = []
    said = parse_channel_name(stem_of(header.file))
    if said is not None and said.certain and header.channels > 1:
        notes.append(
            f"'{header.file}' is named as channel {said.label} and holds {header.channels} "
            "channels: kept as a group of its own."
        )
    shape = "interleaved" if header.channels > 1 else "mono"
    return Gathered(
        name=stem_of(header.file),
        folder=_folder_of(header),
        members=[Member(header, header.labels)],
        shape=shape,
        layout_from=header.labels_from if header.channels > 1 else "count",
        evidence=["one interleaved file" if header.channels > 1 else "one mono file"],
        notes=notes,
    )
