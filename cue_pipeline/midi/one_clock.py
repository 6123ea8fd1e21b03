"""One clock for the MIDI files of a cue: who follows whose tempo map, and who repeats whom.

A sequencer may export its tempo map in one file and the parts, without any, in others; a folder
may hold a file twice, or an old version beside the new one. Read one by one, such parts run at
MIDI's 120 quarters a minute, and such notes count twice. Here the files of a cue are held against
each other, in quarter notes, which is what they share whatever their resolution.

Nothing is taken on trust that contradicts: where two maps cannot both be right, both files keep
their own, and the doubt is stored with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from cue_pipeline.midi import sequence as clocks
from cue_pipeline.midi.reader import MidiFile
from cue_pipeline.midi.same_music import Repeat, repeated_files
from cue_pipeline.midi.timing import TempoMap, TimeSignatureMap

Changes = list[tuple[Fraction, Any]]

_ROUNDED = 1  # microseconds a quarter
_SAME_TIME = 0.002  # seconds: a tick of 96 to the quarter, between neighbouring tempos
_SAME_PACE = 5e-6  # that of tempos rounded to a microsecond


@dataclass(frozen=True, slots=True)
class OnClock:
    """One file of a cue, on the clock that it runs on in this company.

    Attributes
    ----------
    file : MidiFile
        Its sequences have the maps in force.
    clock_from : str or None
        The file whose tempo map it follows; None: its own.
    same_as : str or None
        The file that holds the same music, which counts in its place; None: it counts itself.
    doubt : str or None
        Why its times cannot be trusted, for people.
    warnings : tuple of str
        What of this is to be said.
    """

    file: MidiFile
    clock_from: str | None = None
    same_as: str | None = None
    doubt: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Member:
    """A file among those that count, with its maps in quarter notes."""

    path: str
    file: MidiFile
    tempos: Changes
    meters: Changes
    reach: Fraction | None  # to where its map speaks; None: without end
    warnings: list[str] = field(default_factory=list)
    clock_from: str | None = None
    doubt: str | None = None

    @property
    def clock(self) -> clocks.Sequence:
        return self.file.sequences[0]


def on_one_clock(
    files: Mapping[str, MidiFile], digests: Mapping[str, str | None]
) -> dict[str, OnClock]:
    """Return the files of a cue with the clock that each runs on.

    Parameters
    ----------
    files : mapping of str to MidiFile
        The usable files of one cue by their paths, in natural order.
    digests : mapping of str to str
        SHA-256 of their bytes.

    Returns
    -------
    dict of str to OnClock
        By path. A cue of one file gets it back as it is, unless it writes no tempo.
    """
    repeats = repeated_files(files, digests)
    members = [
        _member(path, file)
        for path, file in files.items()
        if path not in repeats and len(file.sequences) == 1 and file.division < 0x8000
    ]
    _settle_tempo(members)
    _settle_meter(members)
    settled = {
        m.path: OnClock(m.file, m.clock_from, None, m.doubt, tuple(m.warnings)) for m in members
    }
    for path, repeat in repeats.items():
        settled[path] = _repeat(path, files[path], repeat, settled)
        if repeat.unsure and repeat.of in settled:
            settled[repeat.of] = _doubted(settled[repeat.of], path)
    return {path: settled.get(path, OnClock(file)) for path, file in files.items()}


def _member(path: str, file: MidiFile) -> _Member:
    clock, per_quarter = file.sequences[0], file.ticks_per_beat
    tempos: Changes = []
    for _, tick, micros in clock.tempo_map:
        if not tempos or tempos[-1][1] != micros:
            tempos.append((Fraction(tick, per_quarter), micros))
    meters: Changes = [
        (Fraction(tick, per_quarter), (numerator, denominator))
        for _, tick, numerator, denominator in clock.time_signature_map
    ]
    return _Member(path, file, tempos, meters, _reach(file, tempos))


def _reach(file: MidiFile, tempos: Changes) -> Fraction | None:
    """Return up to where a file's map speaks: a tempo track without end, a part as long as it."""
    status = file.messages.status & 0xF0
    played = file.messages.tick[(status == 0x90) & (file.messages.data2 > 0)]
    if not len(played) or tempos[-1][0] > Fraction(int(played.max()), file.ticks_per_beat):
        return None
    return Fraction(file.sequences[0].end_tick, file.ticks_per_beat)


def _settle_tempo(members: list[_Member]) -> None:
    for member in members:
        if member.clock.lost_tempo:
            member.doubt = "a tempo event of its MIDI file cannot be read"
    sound = [m for m in members if m.doubt is None]
    writers = [m for m in sound if m.clock.writes_tempo]
    silent = [m for m in sound if not m.clock.writes_tempo]
    groups = _agreeing(writers)
    if len(groups) > 1:
        _say_contradictions(groups)
    leader = _to_follow(groups)
    for member in silent:
        if leader is not None:
            _follow(member, leader)
        elif groups:
            member.doubt = (
                "it writes no tempo, and the cue's files have several tempo maps that it might "
                "follow"
            )
            member.warnings.append(f"{member.doubt}; timed at 120 quarters a minute")
        else:
            member.warnings.append(
                "no tempo is written: timed at MIDI's 120 quarters a minute. Export the sequence "
                "with its tempo track"
            )


def _agreeing(writers: Sequence[_Member]) -> list[list[_Member]]:
    """Return the files in groups of one map each; the first of a group reaches furthest."""
    furthest = max((m.reach for m in writers if m.reach is not None), default=Fraction(0)) + 1
    ordered = sorted(writers, key=lambda m: -(furthest if m.reach is None else m.reach))
    groups: list[list[_Member]] = []
    for member in ordered:
        for group in groups:
            if _first_difference(group[0], member, "tempos") is None:
                group.append(member)
                break
        else:
            groups.append([member])
    return groups


def _first_difference(a: _Member, b: _Member, which: str) -> Fraction | None:
    """Return the first quarter at which two maps differ while both speak; None: they agree."""
    ends = [m.reach for m in (a, b) if m.reach is not None]
    end = min(ends, default=None)
    changes_a: Changes = getattr(a, which)
    changes_b: Changes = getattr(b, which)
    places = sorted({at for at, _ in changes_a} | {at for at, _ in changes_b})
    places = [at for at in places if end is None or at < end]
    if which == "tempos":
        return _parted(changes_a, changes_b, places, end)
    for at in places:
        if _value(changes_a, at) != _value(changes_b, at):
            return at
    return None


def _parted(
    a: Changes, b: Changes, places: Sequence[Fraction], end: Fraction | None
) -> Fraction | None:
    """Return the quarter from which two tempo maps part by more than what rounding does.

    A tempo is written in whole microseconds and stands on a whole tick: two programs round both
    as they like. So maps are one as long as their times are.
    """
    elapsed, apart = 0.0, 0.0
    for at, until in zip(places, [*places[1:], end], strict=True):
        one, other = _value(a, at), _value(b, at)
        if until is None:
            return at if abs(one - other) > _ROUNDED else None
        length = float(until - at) / 1e6
        elapsed += one * length
        apart += (one - other) * length
        if one != other and abs(apart) > _SAME_TIME + elapsed * _SAME_PACE:
            return at
    return None


def _value(changes: Changes, at: Fraction) -> Any:
    return [value for position, value in changes if position <= at][-1]


def _say_contradictions(groups: Sequence[Sequence[_Member]]) -> None:
    for group in groups:
        other = next(g[0] for g in groups if g is not group)
        for member in group:
            at = _first_difference(member, other, "tempos")
            where = Fraction(0) if at is None else at
            member.doubt = (
                f"its tempo map contradicts that of '{other.path}': "
                f"{_quarters_a_minute(_value(member.tempos, where))} against "
                f"{_quarters_a_minute(_value(other.tempos, where))} quarters a minute from quarter "
                f"{float(where):g} on"
            )
            member.warnings.append(f"{member.doubt}. Keep the file that the recording follows")


def _quarters_a_minute(micros: float) -> str:
    return f"{60e6 / micros:.5g}"


def _to_follow(groups: Sequence[Sequence[_Member]]) -> _Member | None:
    """Return the file whose map those without one follow: the only map, or a lone tempo track."""
    if len(groups) <= 1:
        return groups[0][0] if groups else None
    tracks = [g[0] for g in groups if not _has_notes(g[0].file)]
    return tracks[0] if len(tracks) == 1 else None


def _has_notes(file: MidiFile) -> bool:
    return bool(((file.messages.status & 0xF0) == 0x90).any())


def _follow(member: _Member, leader: _Member) -> None:
    maps = _rescaled(leader.clock.tempo_map, leader.file.ticks_per_beat, member.file)
    _put_on(member, maps, member.clock.time_signature_map)
    member.clock_from = leader.path
    tempos = [micros for _, micros in leader.tempos]
    told = " to ".join(dict.fromkeys(map(_quarters_a_minute, (max(tempos), min(tempos)))))
    member.warnings.append(
        f"it writes no tempo: it follows the tempo map of '{leader.path}' "
        f"({told} quarters a minute)"
    )
    member.doubt = leader.doubt and (
        f"it follows the tempo map of '{leader.path}', of which {leader.doubt}"
    )


def _settle_meter(members: list[_Member]) -> None:
    """Give the bars of the cue to files that write no time signature; say where they differ."""
    writers = [m for m in members if m.clock.writes_meter]
    for member in writers:
        for other in writers:
            at = _first_difference(member, other, "meters")
            if at is not None:
                member.warnings.append(
                    f"its bars are not those of '{other.path}': time signature "
                    f"{_meter(member, at)} against {_meter(other, at)} at quarter {float(at):g}"
                )
                break
    for member in members:
        of = _meter_for(member, writers)
        if of is not None:
            entries = _rescaled(of.clock.time_signature_map, of.file.ticks_per_beat, member.file)
            _put_on(member, member.clock.tempo_map, entries)


def _meter(member: _Member, at: Fraction) -> str:
    numerator, denominator = _value(member.meters, at)
    return f"{numerator}/{denominator}"


def _meter_for(member: _Member, writers: Sequence[_Member]) -> _Member | None:
    """Return whose bars a file without any has: its clock's, or all that write some agree."""
    if member.clock.writes_meter or not writers:
        return None
    own = [w for w in writers if w.path == member.clock_from]
    if own:
        return own[0]
    longest = max(writers, key=lambda w: (w.reach is None, w.reach or 0))
    agree = all(_first_difference(longest, w, "meters") is None for w in writers)
    return longest if agree else None


def _rescaled(entries: Sequence[Sequence[Any]], per_quarter: int, to: MidiFile) -> list[list[Any]]:
    """Return a map at another resolution.

    A tick that falls between two is rounded; its time is not, so that nothing adds up.
    """
    moved: dict[int, list[Any]] = {}
    for time, tick, *value in entries:
        new = round(Fraction(tick * to.ticks_per_beat, per_quarter))
        moved[new] = [time if new else 0.0, new, *value]
    return list(moved.values())


def _put_on(member: _Member, tempo_map: TempoMap, meter: TimeSignatureMap) -> None:
    clock = clocks.on_clock(member.clock, tempo_map, meter, member.file.ticks_per_beat)
    member.file = replace(member.file, sequences=(clock,))


def _repeat(path: str, file: MidiFile, repeat: Repeat, settled: Mapping[str, OnClock]) -> OnClock:
    """Return a file that repeats another: on that one's clock where it has none of its own."""
    of = settled.get(repeat.of)
    member = _member(path, file)
    silent = len(file.sequences) == 1 and not file.sequences[0].writes_tempo
    if of is not None and silent and file.division < 0x8000:
        clock, per_quarter = of.file.sequences[0], of.file.ticks_per_beat
        _put_on(
            member,
            _rescaled(clock.tempo_map, per_quarter, file),
            _rescaled(clock.time_signature_map, per_quarter, file),
        )
        member.clock_from = of.clock_from or repeat.of
    return OnClock(member.file, member.clock_from, repeat.of, None, (repeat.told,))


def _doubted(kept: OnClock, other: str) -> OnClock:
    doubt = f"'{other}' is another version of it, and neither name says which is the newer"
    return replace(kept, doubt=kept.doubt or doubt)
