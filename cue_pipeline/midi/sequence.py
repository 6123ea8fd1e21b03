"""What a clock's meta events say: tempo, meter, keys, markers, words."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cue_pipeline.midi.text import decode
from cue_pipeline.midi.time_code import read_time_code
from cue_pipeline.midi.timing import (
    TempoMap,
    TimeSignatureMap,
    build_tempo_map,
    build_time_signature_map,
    ticks_to_seconds,
)

_TEXT, _COPYRIGHT, _LYRIC, _MARKER, _CUE_POINT = 0x01, 0x02, 0x05, 0x06, 0x07
_TEMPO, _SMPTE_OFFSET, _TIME_SIGNATURE, _KEY_SIGNATURE = 0x51, 0x54, 0x58, 0x59
# The standard sets no limit; beyond this the byte is damage, and the sums below stay in 64 bits.
_MAX_DENOMINATOR_POWER = 8
_END_OF_TRACK = 0x2F
# A longer one may be read from its front or from its back; nobody knows which was meant.
_LENGTHS = {_TEMPO: 3, _SMPTE_OFFSET: 5, _TIME_SIGNATURE: 4, _KEY_SIGNATURE: 2, _END_OF_TRACK: 0}


@dataclass(frozen=True, slots=True)
class TimedMeta:
    """A meta event with its time.

    Attributes
    ----------
    tick : int
        Absolute.
    track : int
        Index of its track.
    kind : int
        Meta type.
    data : bytes
        What it carries.
    offset : int
        Byte offset in the file.
    """

    tick: int
    track: int
    kind: int
    data: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """One clock and what is written on it.

    All lists are as the tables hold them, in playing order.

    Attributes
    ----------
    tempo_map : list of [time, tick, microseconds_per_quarter]
    time_signature_map : list of [time, tick, numerator, denominator]
    key_signature_map : list of [time, tick, fifths, mode]
        ``fifths``: sharps, or flats as negative; ``mode``: ``major`` or ``minor``.
    markers, cue_points, lyrics, texts : list of [time, tick, text]
        Meta types 6, 7, 5, and 1 with 2 (text and copyright).
    smpte_offset : dict or None
        The time code at which the sequence begins: ``rate``, ``hours``, ``minutes``,
        ``seconds``, ``frames``, ``hundredths``. Of several, the first.
    time_codes : list of [time, tick, seconds, text]
        Every time code that the file writes: where it stands, and what it says, in seconds since
        midnight and as ``01:00:05:12 at 25``.
    end_tick : int
        Of the last event, End of Track included.
    duration_seconds : float
        Its time.
    writes_tempo, writes_meter : bool
        Whether the maps are the file's own word, or MIDI's 120 quarters a minute and 4/4.
    lost_tempo : bool
        Whether a tempo event says nothing possible, so that the map lacks it.
    """

    tempo_map: list[list[Any]]
    time_signature_map: list[list[Any]]
    key_signature_map: list[list[Any]]
    markers: list[list[Any]]
    cue_points: list[list[Any]]
    lyrics: list[list[Any]]
    texts: list[list[Any]]
    smpte_offset: dict[str, Any] | None
    time_codes: list[list[Any]]
    end_tick: int
    duration_seconds: float
    writes_tempo: bool = True
    writes_meter: bool = True
    lost_tempo: bool = False


def build_sequence(
    metas: list[TimedMeta],
    end_tick: int,
    ticks_per_beat: int,
    microseconds: int | None,
    encoding: str,
    warnings: list[str],
) -> Sequence:
    """Return the clock that meta events make.

    Parameters
    ----------
    metas : list of TimedMeta
        Of all tracks that share the clock, track by track.
    end_tick : int
        Of the longest of these tracks.
    ticks_per_beat : int
        Ticks per quarter note, or per second of time code.
    microseconds : int or None
        The length of that second; None where the tempo rules.
    encoding : str
        Of the file's texts, from :func:`~cue_pipeline.midi.text.guess_encoding`.
    warnings : list of str
        Meta events that say nothing possible are added here and passed over.
    """
    # A stable sort: at one tick the order of tracks, and within a track the order of the file.
    collected = _Collected(encoding)
    for meta in sorted(metas, key=lambda meta: meta.tick):
        if meta.kind in _READERS or meta.kind in _LENGTHS:
            fault = _wrong_length(meta) or _READERS.get(meta.kind, _nothing)(meta, collected)
            if fault:
                collected.lost_tempo |= meta.kind == _TEMPO
                warnings.append(
                    f"track {meta.track}, byte {meta.offset}: {fault}, bytes "
                    f"{meta.data[:8].hex(' ') or 'none'}; passed over"
                )
    tempos = [(tick, tempo) for tick, tempo, _ in collected.tempos]
    warnings += _contradictions(
        collected.tempos,
        "tempo",
        lambda tempo: f"{60e6 / tempo:.6g}",
        "the last track's holds",
        " quarters a minute",
    )
    warnings += _contradictions(
        collected.meters,
        "time signature",
        lambda meter: f"{meter[0]}/{meter[1]}",
        "the last track's holds",
    )
    warnings += _contradictions(
        [(tick, text, track) for tick, _, text, track in collected.time_codes],
        "time code",
        str,
        "all are kept",
    )
    if microseconds is not None:
        if any(tempo != (0, 500_000) for tempo in tempos):
            warnings.append("tempo events count for nothing in a file with SMPTE division")
        tempos = [(0, microseconds)]
    tempo_map = build_tempo_map(tempos, ticks_per_beat)
    meters = [(tick, *meter) for tick, meter, _ in collected.meters]
    meter = build_time_signature_map(meters, tempo_map, ticks_per_beat)

    def timed(entries: list[tuple[Any, ...]]) -> list[list[Any]]:
        if not entries:
            return []
        times = ticks_to_seconds([entry[0] for entry in entries], tempo_map, ticks_per_beat)
        return [[time, *entry] for time, entry in zip(times.tolist(), entries, strict=True)]

    return Sequence(
        tempo_map=tempo_map,
        time_signature_map=meter,
        key_signature_map=timed(list(dict.fromkeys(collected.keys))),
        # Some programs write the same markers into every track; voices share their syllables.
        markers=timed(list(dict.fromkeys(collected.texts[_MARKER]))),
        cue_points=timed(list(dict.fromkeys(collected.texts[_CUE_POINT]))),
        lyrics=timed(collected.texts[_LYRIC]),
        texts=timed(list(dict.fromkeys(collected.texts[_TEXT]))),
        smpte_offset=collected.smpte_offset,
        time_codes=timed(list(dict.fromkeys(code[:3] for code in collected.time_codes))),
        end_tick=end_tick,
        duration_seconds=float(ticks_to_seconds(end_tick, tempo_map, ticks_per_beat)),
        # The length of SMPTE ticks is in the header.
        writes_tempo=bool(tempos),
        writes_meter=bool(collected.meters),
        lost_tempo=collected.lost_tempo and microseconds is None,
    )


_TIMED = ("key_signature_map", "markers", "cue_points", "lyrics", "texts", "time_codes")


def on_clock(
    sequence: Sequence, tempo_map: TempoMap, meter: TimeSignatureMap, ticks_per_beat: int
) -> Sequence:
    """Return a sequence with other maps in force, and all that is written on it in their time."""

    def timed(entries: list[list[Any]]) -> list[list[Any]]:
        times = ticks_to_seconds([entry[1] for entry in entries], tempo_map, ticks_per_beat)
        return [[time, *entry[1:]] for time, entry in zip(times.tolist(), entries, strict=True)]

    bar_lines = timed([list(entry) for entry in meter])
    moved: dict[str, Any] = {name: timed(getattr(sequence, name)) for name in _TIMED}
    return replace(
        sequence,
        tempo_map=[list(entry) for entry in tempo_map],
        time_signature_map=bar_lines,
        duration_seconds=float(ticks_to_seconds(sequence.end_tick, tempo_map, ticks_per_beat)),
        **moved,
    )


@dataclass(slots=True)
class _Collected:
    encoding: str
    tempos: list[tuple[int, int, int]] = field(default_factory=list)  # tick, tempo, track
    meters: list[tuple[int, tuple[int, int], int]] = field(default_factory=list)
    keys: list[tuple[Any, ...]] = field(default_factory=list)
    texts: dict[int, list[tuple[Any, ...]]] = field(
        default_factory=lambda: {_TEXT: [], _LYRIC: [], _MARKER: [], _CUE_POINT: []}
    )
    smpte_offset: dict[str, Any] | None = None
    time_codes: list[tuple[int, float, str, int]] = field(default_factory=list)
    lost_tempo: bool = False


def _wrong_length(meta: TimedMeta) -> str | None:
    needed = _LENGTHS.get(meta.kind, len(meta.data))
    if len(meta.data) == needed:
        return None
    return f"meta event 0x{meta.kind:02X} has {len(meta.data)} bytes where it needs {needed}"


def _nothing(_meta: TimedMeta, _into: _Collected) -> None:
    return None


def _contradictions(
    events: list[tuple[int, Any, int]],
    what: str,
    write: Callable[[Any], str],
    then: str,
    unit: str = "",
) -> list[str]:
    """Say where tracks give one tick several values, of which each holds a track's last."""
    at_tick: dict[int, dict[int, Any]] = {}
    for tick, value, track in events:
        at_tick.setdefault(tick, {})[track] = value
    several = {tick: said for tick, said in at_tick.items() if len(set(said.values())) > 1}
    if not several:
        return []
    tick, said = next(iter(several.items()))
    told = ", ".join(f"{write(value)} in track {track}" for track, value in said.items())
    more = f", and so at {len(several) - 1} more ticks" if len(several) > 1 else ""
    return [f"tick {tick}: the tracks differ in {what}, {told}{unit}{more}; {then}"]


def _read_tempo(meta: TimedMeta, into: _Collected) -> str | None:
    tempo = int.from_bytes(meta.data, "big")
    if not tempo:
        return "a tempo of 0 microseconds would be endlessly fast"
    into.tempos.append((meta.tick, tempo, meta.track))
    return None


def _read_meter(meta: TimedMeta, into: _Collected) -> str | None:
    if not meta.data[0] or meta.data[1] > _MAX_DENOMINATOR_POWER:
        return "no possible time signature"
    into.meters.append((meta.tick, (meta.data[0], 1 << meta.data[1]), meta.track))
    return None


def _read_key(meta: TimedMeta, into: _Collected) -> str | None:
    if meta.data[1] > 1:
        return "no possible key signature"
    fifths = int.from_bytes(meta.data[:1], "big", signed=True)
    if not -7 <= fifths <= 7:
        return "no possible key signature"
    into.keys.append((meta.tick, fifths, "minor" if meta.data[1] else "major"))
    return None


def _read_text(meta: TimedMeta, into: _Collected) -> None:
    kind = _TEXT if meta.kind == _COPYRIGHT else meta.kind
    into.texts[kind].append((meta.tick, decode(meta.data, into.encoding)))


def _read_smpte_offset(meta: TimedMeta, into: _Collected) -> str | None:
    code = read_time_code(meta.data)
    if code is None:
        return "no possible time code"
    into.smpte_offset = into.smpte_offset or code.parts()
    into.time_codes.append((meta.tick, code.seconds_since_midnight, str(code), meta.track))
    return None


_READERS: dict[int, Callable[[TimedMeta, _Collected], str | None]] = {
    _TEXT: _read_text,
    _COPYRIGHT: _read_text,
    _LYRIC: _read_text,
    _MARKER: _read_text,
    _CUE_POINT: _read_text,
    _TEMPO: _read_tempo,
    _SMPTE_OFFSET: _read_smpte_offset,
    _TIME_SIGNATURE: _read_meter,
    _KEY_SIGNATURE: _read_key,
}
