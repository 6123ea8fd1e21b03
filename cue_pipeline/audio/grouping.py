"""Files of a cue → channel groups, by the evidence of names and headers alone.

Evidence is taken in this order: channel tokens in names, equal length, the bext time reference,
iXML. What was used is kept with each group.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

from cue_pipeline.audio.channel_names import holds_pattern, holds_word, natural_key
from cue_pipeline.audio.faults import told_faults
from cue_pipeline.audio.gathered import Gathered
from cue_pipeline.audio.gathering import gather
from cue_pipeline.audio.headers import AudioHeader, read_audio_header
from cue_pipeline.audio.layouts import film_position, layout_of
from cue_pipeline.audio.time_references import Referenced, Start, judged_starts
from cue_pipeline.audio.unread_files import find_strays
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.errors import AudioFileError

_NO_LOUDSPEAKERS = {
    "ambisonic": "ambisonic (components W, X, Y, Z, no loudspeakers)",
    "mid-side": "a recording of mid and side, not of left and right",
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a group: a label, and where its samples are."""

    label: str
    header: AudioHeader
    index: int

    @property
    def file(self) -> str:
        """The file, relative to the cue's folder, POSIX."""
        return self.header.file

    def as_json(self) -> dict[str, Any]:
        """Return the row of ``audio_files.channels``."""
        return {
            "label": self.label,
            "file": self.header.file,
            "channel_index": self.index,
            "frames": self.header.frames,
            "sample_rate": self.header.sample_rate,
            "subtype": self.header.subtype,
            "time_reference": self.header.time_reference,
        }


@dataclass(frozen=True, slots=True)
class ChannelGroup:
    """The channels that are one source: a stem, or a mix.

    Attributes
    ----------
    canonical_name : str
        The name that its files share, without channel tokens; unique within the cue.
    layout : str
        A name of :data:`cue_pipeline.audio.layouts.LAYOUTS`.
    channels : tuple of Channel
        In film order; sound ones only.
    sample_rate : int
        Hz: that of most channels.
    frames : int
        The longest channel's length at ``sample_rate``.
    time_reference : int or None
        Samples since midnight at ``sample_rate``; None: not known, or not believed.
    start_offset_seconds : float or None
        Seconds after the earliest start of the cue's audio; None: not known.
    missing : tuple of str
        Labels that the layout has and the group lacks.
    grouping : mapping
        Which evidence made the group and its layout.
    warnings : tuple of str
        What is wrong with it and what to do.
    role : str
        ``stem``, ``mix``, ``fold-down`` or ``old mix``.
    known_by : str
        How the role is known: ``name``, ``sum``, ``name and sum``, ``sound``, ``name and sound``.
    open_order : str or None
        The one of its warnings that says that nothing tells which channel is which.
    """

    canonical_name: str
    layout: str
    channels: tuple[Channel, ...]
    sample_rate: int
    frames: int
    time_reference: int | None
    start_offset_seconds: float | None
    missing: tuple[str, ...]
    grouping: Mapping[str, Any]
    warnings: tuple[str, ...]
    role: str = "stem"
    known_by: str = "name"
    open_order: str | None = None

    @property
    def file_path(self) -> str:
        """The first channel's file."""
        return self.channels[0].file

    @property
    def duration_seconds(self) -> float:
        """Length of the longest channel."""
        return self.frames / self.sample_rate


@dataclass(frozen=True, slots=True)
class AudioInventory:
    """All audio of one cue, told apart.

    Attributes
    ----------
    groups : tuple of ChannelGroup
        Stems, in natural order of their names.
    final_mixes : tuple of ChannelGroup
        Mixes of the whole cue: fold-downs and old mixes too.
    ignored : tuple of ChannelGroup
        Click tracks, left out; each says why in its own ``warnings``, since it is meant to be.
    warnings : tuple of str
        What belongs to no row: files that could not be used at all or are of no known kind.
    """

    groups: tuple[ChannelGroup, ...]
    final_mixes: tuple[ChannelGroup, ...]
    ignored: tuple[ChannelGroup, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """The cue's warnings and those of every group and mix."""
        rows = (w for group in (*self.groups, *self.final_mixes) for w in group.warnings)
        return tuple(dict.fromkeys((*self.warnings, *rows)))


def find_channel_groups(
    folder: CueFolder,
    *,
    sample_rate: int,
    final_mix_patterns: Sequence[str],
    ignore_patterns: Sequence[str],
    interleaved_order: str | None = None,
) -> AudioInventory:
    """Return the channel groups of a cue; headers are read, samples are not.

    Parameters
    ----------
    folder : CueFolder
        The cue.
    sample_rate : int
        The project's, Hz: files of other rates are warned of, as they will be resampled.
    final_mix_patterns : sequence of str
        A group whose name holds one of these, in any case, is a final mix.
    ignore_patterns : sequence of str
        A group whose name holds one of these as a word is left out, and reported.
    interleaved_order : str, optional
        ``film`` or ``smpte``: which channel is which where nothing else says it. None: film, and
        each such group says so in its warnings.

    Returns
    -------
    AudioInventory
        Empty, with a warning, where the cue has no audio files.

    Raises
    ------
    AudioFileError
        If there are audio files and none can be used.
    """
    strays = find_strays(folder)
    if not folder.audio_paths:
        note = f"cue '{folder.key}' has no audio files in '{folder.path}'."
        return AudioInventory((), (), (), (note, *strays))
    headers = [read_audio_header(folder.path, file) for file in folder.audio_paths]
    return arrange(
        headers,
        cue_key=folder.key,
        sample_rate=sample_rate,
        final_mix_patterns=final_mix_patterns,
        ignore_patterns=ignore_patterns,
        interleaved_order=interleaved_order,
        warnings=strays,
    )


def arrange(
    headers: Sequence[AudioHeader],
    *,
    cue_key: str,
    sample_rate: int,
    final_mix_patterns: Sequence[str] = (),
    ignore_patterns: Sequence[str] = (),
    interleaved_order: str | None = None,
    warnings: Iterable[str] = (),
) -> AudioInventory:
    """Return the inventory of files whose headers are known; touches no disk.

    Raises
    ------
    AudioFileError
        If no header can be used.
    """
    useless: list[AudioHeader] = []
    named = _with_unique_names(
        gather(headers, order=interleaved_order, mix_patterns=final_mix_patterns)
    )
    kept: dict[str, list[ChannelGroup]] = {"stem": [], "mix": [], "ignored": []}
    for name, gathered in sorted(named, key=lambda pair: natural_key(pair[0])):
        ignored = holds_word(name, ignore_patterns)
        if not gathered.sound:
            if not ignored:
                useless.extend(gathered.faulty)
            continue
        group = _group(name, gathered, sample_rate)
        if ignored:
            note = f"Left out as a click track: its name holds '{ignored}'."
            kept["ignored"].append(replace(group, warnings=(*group.warnings, note)))
        else:
            kind = "mix" if holds_pattern(name, final_mix_patterns) else "stem"
            kept[kind].append(replace(group, role=kind))
    if not any(kept.values()):
        faults = " ".join(told_faults(headers))
        raise AudioFileError(
            f"cue '{cue_key}': none of its {len(headers)} audio files can be used. {faults}"
        )
    stems, mixes = len(kept["stem"]), len(kept["mix"])
    placed = _placed([*kept["stem"], *kept["mix"], *kept["ignored"]])
    return AudioInventory(
        tuple(placed[:stems]),
        tuple(placed[stems : stems + mixes]),
        tuple(placed[stems + mixes :]),
        (*warnings, *told_faults(useless)),
    )


def _with_unique_names(gathered: Sequence[Gathered]) -> list[tuple[str, Gathered]]:
    """Give each group a name of its own; groups of one name are told apart by folder, then kind."""
    by_name: dict[str, list[Gathered]] = defaultdict(list)
    for one in gathered:
        by_name[one.name.casefold()].append(one)
    named: list[tuple[str, Gathered]] = []
    taken = Counter[str]()
    for namesakes in by_name.values():
        group = sorted(namesakes, key=_precedence)
        folders = {one.folder for one in group}
        for one in group:
            name = one.name
            if len(folders) > 1 and one.folder:
                name = f"{one.folder}/{name}"
            if sum(other.folder == one.folder for other in group) > 1:
                name = f"{name}{_kind(one, group)}"
            taken[name] += 1
            named.append((name if taken[name] == 1 else f"{name} #{taken[name]}", one))
    return named


def _precedence(one: Gathered) -> tuple[int, bool, str]:
    """Order namesakes, so that names do not hang on the order of files: split WAV comes first."""
    first = min(m.header.file for m in one.members)
    return (
        ("split", "interleaved", "mono").index(one.shape),
        PurePosixPath(first).suffix.lower() != ".wav",
        first,
    )


def _kind(one: Gathered, group: Sequence[Gathered]) -> str:
    """Return what tells a group from its namesakes in the same folder: '' for the first."""
    namesakes = [other for other in group if other.folder == one.folder]
    if namesakes[0] is one:
        return ""
    suffix = PurePosixPath(one.members[0].header.file).suffix.lstrip(".").lower()
    firsts = PurePosixPath(namesakes[0].members[0].header.file).suffix.lstrip(".").lower()
    return f" ({suffix})" if suffix != firsts else f" ({one.shape})"


def _placed(groups: Sequence[ChannelGroup]) -> list[ChannelGroup]:
    """Return the groups with their starts, as their time references tell together."""
    starts = judged_starts(
        [
            Referenced(
                g.canonical_name,
                list(dict.fromkeys(c.header for c in g.channels)),
                g.duration_seconds,
            )
            for g in groups
        ]
    )
    known = [start.seconds for start in starts if start.seconds is not None]
    origin = min(known, default=Fraction(0))
    return [_started(group, start, origin) for group, start in zip(groups, starts, strict=True)]


def _started(group: ChannelGroup, start: Start, origin: Fraction) -> ChannelGroup:
    seconds = start.seconds
    return replace(
        group,
        time_reference=None if seconds is None else round(seconds * group.sample_rate),
        start_offset_seconds=None if seconds is None else float(seconds - origin),
        grouping={**group.grouping, "start_from": start.known_by},
        warnings=(*group.warnings, *start.warnings),
    )


def _group(name: str, gathered: Gathered, project_rate: int) -> ChannelGroup:
    """Return one group with its layout, length and warnings; its start is found later."""
    channels = sorted(
        (
            Channel(label, member.header, index)
            for member in gathered.sound
            for index, label in enumerate(member.labels)
        ),
        key=lambda c: film_position(c.label),
    )
    layout, missing = layout_of([c.label for c in channels])
    if missing and gathered.shape == "interleaved":
        layout, missing = f"{len(channels)} discrete", ()
    rate = Counter(c.header.sample_rate for c in channels).most_common(1)[0][0]
    frames = max(-(-c.header.frames * rate // c.header.sample_rate) for c in channels)
    return ChannelGroup(
        canonical_name=name,
        layout=layout,
        channels=tuple(channels),
        sample_rate=rate,
        frames=frames,
        time_reference=None,
        start_offset_seconds=None,
        missing=missing,
        grouping=_evidence(gathered, channels, layout),
        warnings=tuple(_warnings(name, gathered, channels, missing, layout, project_rate)),
        open_order=gathered.open_order,
    )


def _evidence(gathered: Gathered, channels: Sequence[Channel], layout: str) -> dict[str, Any]:
    """Return which evidence grouped the files and named the channels."""
    headers = [m.header for m in gathered.sound]
    evidence = list(gathered.evidence)
    if len(headers) > 1:
        if len({h.frames for h in headers}) == 1:
            evidence.append("equal length")
        references = {h.time_reference for h in headers}
        if len(references) == 1 and None not in references:
            evidence.append("time reference")
        families = {h.family_uid for h in headers}
        if len(families) == 1 and None not in families:
            evidence.append("ixml family")
    record: dict[str, Any] = {
        "evidence": evidence,
        "layout_from": gathered.layout_from,
        "labels": [c.label for c in channels],
    }
    if gathered.layout_from == "count" and len(channels) > 2:
        record["assumption"] = (
            f"{len(channels)} interleaved channels with no word of their order: film order "
            f"({' '.join(c.label for c in channels)}) assumed"
        )
    if gathered.layout_from == "numbers":
        record["assumption"] = f"{len(channels)} files that only numbers tell apart are one source"
    elif layout.endswith("discrete"):
        record["assumption"] = "the channels make no known layout"
    if gathered.doubt:
        record["identity_doubt"] = gathered.doubt
    return record


def _warnings(
    name: str,
    gathered: Gathered,
    channels: Sequence[Channel],
    missing: Sequence[str],
    layout: str,
    project_rate: int,
) -> Iterable[str]:
    """Yield what is wrong with a group, as far as headers and names can tell."""
    headers = list(dict.fromkeys(c.header for c in channels))
    for faulty in gathered.faulty:
        yield faulty.fault or ""
    for header in headers:
        yield from header.warnings
    yield from gathered.notes
    if gathered.open_order:
        yield gathered.open_order
    if layout in _NO_LOUDSPEAKERS:
        yield (
            f"'{name}' is {_NO_LOUDSPEAKERS[layout]}: the mean of its channels, its composite, is "
            "no mono mix of it. Decode it to loudspeakers to have one."
        )
    if len(missing) > sum(faulty.is_absent for faulty in gathered.faulty):
        yield (
            f"'{name}' looks like {layout} and lacks {', '.join(missing)}: the composite is the "
            f"mean of the {len(channels)} channels there. Add the files, or take no notice if the "
            "stem was made so."
        )
    lengths = {h.file: h.frames for h in headers}
    if len({Fraction(h.frames, h.sample_rate) for h in headers}) > 1:
        listed = ", ".join(f"'{f}' {n}" for f, n in lengths.items())
        yield f"'{name}' has channels of unequal length ({listed} samples): the shorter are padded."
    yield from _rate_warnings(name, headers, project_rate)


def _rate_warnings(name: str, headers: Sequence[AudioHeader], project_rate: int) -> Iterable[str]:
    rates = {h.file: h.sample_rate for h in headers}
    if len(set(rates.values())) > 1:
        listed = ", ".join(f"'{f}' {r} Hz" for f, r in rates.items())
        yield f"'{name}' mixes sample rates ({listed}): all are resampled to {project_rate} Hz."
    elif (rate := headers[0].sample_rate) != project_rate:
        yield f"'{name}' is at {rate} Hz: resampled to the project's {project_rate} Hz."
