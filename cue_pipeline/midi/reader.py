"""Read Standard MIDI Files whole: every message, every time, and around damage.

Conventions
-----------
What precedes damage in a track is kept, and so are later tracks; what is lost is said in
``MidiFile.warnings`` with track and byte offset. Nothing is guessed: a byte that cannot be a
data byte may be a wrong value or the start of a missed event, and the two readings give
different times for all that follows, so that a track ends where it is damaged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cue_pipeline.cue.gate import opened
from cue_pipeline.cue.shown import shown
from cue_pipeline.errors import MidiFileError
from cue_pipeline.midi.charsets import Charset
from cue_pipeline.midi.chunks import (
    Header,
    TrackChunk,
    find_track_header,
    is_second_file,
    next_track,
    read_header,
    skip_other_chunks,
)
from cue_pipeline.midi.event_bytes import EventScanner, TooManyEvents, TrackScan
from cue_pipeline.midi.events import Int64Array, Messages, decode_events
from cue_pipeline.midi.parts import NOTICES, Notice, Parts, find_parts, texts
from cue_pipeline.midi.sequence import Sequence, TimedMeta, build_sequence
from cue_pipeline.midi.text import charset_of, decode
from cue_pipeline.midi.timing import ticks_to_bars_beats, ticks_to_seconds
from cue_pipeline.midi.track_names import NAMES, best_name

# No score comes near; a disk image that someone renamed does.
MAX_BYTES = 256 << 20
SURE_OF_CHARSET = 0.75
"""Below this a file's row says how else its texts may read."""
_MAX_TRACKS = 65_535
_MAX_WARNINGS = 50
_MAX_BARS = 2**31 - 1
_TEXTS = range(0x01, 0x0A)
# An hour without an event is no music; only silences of many beats need to be looked at.
_LONG_SILENCE_BEATS, _LONG_SILENCE_SECONDS = 60, 3600.0


@dataclass(frozen=True, slots=True)
class MidiTrack:
    """One track chunk.

    Attributes
    ----------
    index : int
        From 0, in file order.
    name : str
        The best of its names; empty where it has none.
    raw_name : bytes
        The bytes of that name.
    end_tick : int
        Tick of the last event, End of Track included.
    n_messages : int
        Channel voice messages.
    """

    index: int
    name: str
    raw_name: bytes
    end_tick: int
    n_messages: int


@dataclass(frozen=True, slots=True)
class MidiFile:
    """A Standard MIDI File.

    Attributes
    ----------
    name : str
        What messages call it.
    format : int
        0, 1 or 2, as written.
    division : int
        The raw 16-bit word of the header.
    ticks_per_beat : int
        Ticks per quarter note; with SMPTE division ticks per second of time code.
    tracks : tuple of MidiTrack
        One per track chunk.
    messages : Messages
        Every channel voice message of every track.
    sequences : tuple of Sequence
        The clocks: one, or in format 2 one per track.
    charset : Charset
        In which its texts are read.
    parts : Parts
        What each track sends on each port and channel.
    warnings : tuple of str
        Damage that was read around, with track and byte offset.
    """

    name: str
    format: int
    division: int
    ticks_per_beat: int
    tracks: tuple[MidiTrack, ...]
    messages: Messages
    sequences: tuple[Sequence, ...]
    parts: Parts
    charset: Charset
    warnings: tuple[str, ...]

    def sequence_of(self, track_index: int) -> Sequence:
        """Return the clock that a track runs on."""
        return self.sequences[track_index if len(self.sequences) > 1 else 0]


def read_midi_file(path: Path, charset: str | None = None) -> MidiFile:
    """Read a MIDI file from disk.

    Parameters
    ----------
    path : Path
        The file; messages call it by its last part.
    charset : str, optional
        Of its texts, where a person says so; else it is guessed.

    Returns
    -------
    MidiFile

    Raises
    ------
    MidiFileError
        If it cannot be read, or holds nothing usable.
    """
    try:
        refuse_large(path)
        with opened(path) as stream:
            data = stream.read()
    except OSError as error:
        raise MidiFileError(
            f"'{path.name}' cannot be read: {error.strerror or error}. Check that the file is "
            "there and may be read."
        ) from error
    return read_midi(data, path.name, charset)


def refuse_large(path: Path) -> None:
    """Refuse a file that is too large to be a score.

    Raises
    ------
    MidiFileError
        If it is.
    OSError
        If it cannot be looked at.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise MidiFileError(
            f"'{path.name}' has {size} bytes, where at most {MAX_BYTES} are taken for a MIDI "
            "file. Remove it, or give it the ending of what it is."
        )


class TooManyEventsError(MidiFileError):
    """A MIDI file holds more events than a cue may have."""


def read_midi(
    data: bytes, name: str, charset: str | None = None, most_events: int | None = None
) -> MidiFile:
    """Read a MIDI file from memory.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What messages call it.
    charset : str, optional
        Of its texts, where a person says so; else it is guessed.
    most_events : int, optional
        Of more, the file is refused: each takes memory until it is stored.

    Returns
    -------
    MidiFile

    Raises
    ------
    TooManyEventsError
        If it holds more than ``most_events``.
    MidiFileError
        If there is no header, no clock, no track, not one event that can be read, or no end.
    """
    warnings: list[str] = []
    header = read_header(data, name, warnings)
    scanner = EventScanner(data, most_events)
    try:
        scans = _scan_tracks(data, header.end, scanner, warnings)
    except TooManyEvents as many:
        raise TooManyEventsError(
            f"'{name}' is not read: it holds more than {many.most:,} {many.what}, so many in the "
            f"first {many.offset:,} of its {len(data):,} bytes, and no more may be read of this "
            "cue. Remove it, or set CUE_MIDI_MOST_EVENTS higher; a million events take about half "
            "a GB of memory."
        ) from None
    if not scans or not any(scan.stop > scan.first for scan in scans):
        found = f"{len(scans)} tracks without a readable event" if scans else "no track chunk"
        raise MidiFileError(
            f"'{name}' has a MIDI header and then {found} in its {len(data)} bytes"
            f"{': ' + warnings[-1] if scans and warnings else ''}. Export the sequence again, or "
            "remove this file."
        )
    if len(scans) != header.n_tracks:
        warnings.append(
            f"byte {header.offset + 10}: the header promises {header.n_tracks} tracks, "
            f"{len(scans)} were found"
        )
    if header.format == 0 and len(scans) > 1:
        warnings.append(
            f"byte {header.offset + 8}: format 0 has one track, {len(scans)} are there: they are "
            "read as of one piece (format 1)"
        )
    firsts = np.asarray([scan.first for scan in scans], dtype=np.int64)
    messages, ticks, deltas = decode_events(data, scanner.event_offsets, firsts)
    texts_of_file = [meta.data for scan in scans for meta in scan.metas if meta.kind in _TEXTS]
    found_charset = charset_of(texts_of_file, charset)
    encoding = found_charset.encoding
    warnings += _doubtful(found_charset, texts_of_file)
    notices = [_notices(scan, ticks, encoding) for scan in scans]
    tracks = _tracks(scans, messages, ticks, notices)
    parts = find_parts(messages, notices, together=header.format != 2)
    warnings += parts.warnings
    sequences = _sequences(header, tracks, _timed_metas(scans, ticks), encoding, warnings)
    file = MidiFile(
        name=name,
        format=header.format,
        division=header.division,
        ticks_per_beat=header.ticks_per_beat,
        tracks=tracks,
        messages=messages,
        sequences=sequences,
        parts=parts,
        charset=found_charset,
        warnings=(),
    )
    _refuse_endless(file)
    warnings += _silences(file, firsts, scanner.event_offsets, ticks, deltas)
    return replace(file, warnings=_shortened(warnings))


def _doubtful(charset: Charset, texts_of_file: list[bytes]) -> Iterator[str]:
    """Say how else texts may read, where that is not sure."""
    told, other = charset.encoding, charset.instead
    if other is None or charset.confidence >= SURE_OF_CHARSET:
        return
    both = ((decode(text, told), decode(text, other)) for text in sorted(texts_of_file))
    pair = next((pair for pair in both if pair[0] != pair[1]), None)
    if pair is None:
        return
    one, instead = (shown(text.strip()) for text in pair)
    yield (
        f"texts are read as {told} ({charset.confidence:.0%} sure): '{one}' might be "
        f"'{instead}' ({other}). CUE_MIDI_CHARSET says which it is"
    )


def _refuse_endless(file: MidiFile) -> None:
    """Refuse a file whose delta times add up beyond what a database counts bars in."""
    for sequence in file.sequences:
        # The shortest bar that there is, 1/256, lasts a 64th of a quarter.
        if 64 * sequence.end_tick < _MAX_BARS * file.ticks_per_beat:
            continue
        bars, _ = ticks_to_bars_beats(
            sequence.end_tick, sequence.time_signature_map, file.ticks_per_beat
        )
        if bars > _MAX_BARS:
            raise MidiFileError(
                f"'{file.name}' would last {int(bars)} bars, {sequence.duration_seconds:.3g} "
                f"seconds, where {_MAX_BARS} bars can be stored: its delta times or its division "
                f"({file.division}) are damaged. Export the sequence again, or remove this file."
            )


def _notices(scan: TrackScan, ticks: Int64Array, encoding: str) -> list[Notice]:
    """Return what a track says of its parts, in file order."""
    said = sorted(
        (*(meta for meta in scan.metas if meta.kind in NOTICES), *scan.sysexes),
        key=lambda event: event.event,
    )
    return [
        Notice(
            event_index=event.event - scan.first,
            tick=int(ticks[event.event]),
            kind=event.kind,
            data=event.data,
            text=decode(event.data, encoding).strip() if event.kind in NAMES else "",
        )
        for event in said
    ]


def _tracks(
    scans: list[TrackScan], messages: Messages, ticks: Int64Array, notices: list[list[Notice]]
) -> tuple[MidiTrack, ...]:
    counts = np.bincount(messages.track, minlength=len(scans)).tolist()
    tracks = []
    for index, scan in enumerate(scans):
        name = best_name(texts(notices[index]))
        end_tick = int(ticks[scan.stop - 1]) if scan.stop > scan.first else 0
        text, raw = (name.text, name.raw) if name else ("", b"")
        tracks.append(MidiTrack(index, text, raw, end_tick, counts[index]))
    return tuple(tracks)


def _timed_metas(scans: list[TrackScan], ticks: Int64Array) -> list[list[TimedMeta]]:
    return [
        [
            TimedMeta(int(ticks[meta.event]), index, meta.kind, meta.data, meta.offset)
            for meta in scan.metas
        ]
        for index, scan in enumerate(scans)
    ]


def _sequences(
    header: Header,
    tracks: tuple[MidiTrack, ...],
    metas: list[list[TimedMeta]],
    encoding: str,
    warnings: list[str],
) -> tuple[Sequence, ...]:
    clocks = [(metas[track.index], track.end_tick) for track in tracks]
    if header.format != 2:
        everything = [meta for of_track in metas for meta in of_track]
        clocks = [(everything, max(track.end_tick for track in tracks))]
    return tuple(
        build_sequence(
            metas_of_clock,
            end_tick,
            header.ticks_per_beat,
            header.microseconds,
            encoding,
            warnings,
        )
        for metas_of_clock, end_tick in clocks
    )


def _silences(
    file: MidiFile,
    firsts: Int64Array,
    offsets: Int64Array,
    ticks: Int64Array,
    deltas: Int64Array,
) -> Iterator[str]:
    """Say where an event comes so late that its delta time is hardly meant."""
    long = np.flatnonzero(deltas > _LONG_SILENCE_BEATS * file.ticks_per_beat)
    for event in long[:_MAX_WARNINGS]:
        track = int(np.searchsorted(firsts, event, side="right")) - 1
        begin, end = ticks_to_seconds(
            [ticks[event] - deltas[event], ticks[event]],
            file.sequence_of(track).tempo_map,
            file.ticks_per_beat,
        )
        if end - begin > _LONG_SILENCE_SECONDS:
            yield (
                f"track {track}, byte {offsets[event]}: a delta time of {deltas[event]} ticks "
                f"leaves {(end - begin) / 3600:.1f} hours without an event"
            )


def _scan_tracks(
    data: bytes, at: int, scanner: EventScanner, warnings: list[str]
) -> list[TrackScan]:
    scans: list[TrackScan] = []
    while (chunk := next_track(data, at)) and len(scans) < _MAX_TRACKS:
        if scans and is_second_file(data, at):
            warnings.append(
                f"byte {at}: a second MIDI file begins here, and is left out ({len(data) - at} "
                "bytes): give it a name of its own, or export the sequence again"
            )
            return scans
        if chunk.extra_bytes:
            first = chunk.offset - chunk.extra_bytes
            warnings.append(f"byte {first}: {chunk.extra_bytes} bytes that belong to no track")
        scan, at = _scan_track(data, chunk, scanner, f"track {len(scans)}, byte", warnings)
        scans.append(scan)
    at = skip_other_chunks(data, at)
    if at < len(data) and not data.startswith(b"RIFF"):
        warnings.append(f"byte {at}: {len(data) - at} bytes after the last track")
    return scans


def _scan_track(
    data: bytes, chunk: TrackChunk, scanner: EventScanner, where: str, warnings: list[str]
) -> tuple[TrackScan, int]:
    """Read one track; return it, and the offset at which to look for the next."""
    limit = chunk.end if chunk.fits else find_track_header(data, chunk.start, len(data))
    scan = scanner.scan(chunk.start, limit)
    if not scan.ended and chunk.end < limit:
        # Reading on beyond a length that may be wrong came to no End of Track: trust the length.
        scanner.forget(scan)
        limit = chunk.end
        scan = scanner.scan(chunk.start, limit)
    following = find_track_header(data, scan.end, limit) if chunk.fits else limit
    said = f"{where} {chunk.start - 4}: the track should have {chunk.end - chunk.start} bytes, "
    if chunk.end > len(data):
        warnings.append(f"{said}{len(data) - chunk.start} are left in the file")
    elif scan.ended and (following < limit or not (chunk.fits or scan.end == chunk.end)):
        warnings.append(f"{said}it ends after {scan.end - chunk.start}")
    elif scan.ended and chunk.fits and scan.end < limit:
        warnings.append(f"{where} {scan.end}: {limit - scan.end} bytes after End of Track")
    if scan.damage:
        warnings.append(
            f"{where} {scan.damage.offset}: {scan.damage.what}; what follows in this track "
            f"({following - scan.end} bytes) is lost"
        )
    elif not scan.ended:
        warnings.append(f"{where} {scan.end}: the track has no End of Track")
    warnings += [
        f"{where} {offset}: a system message that has no place in a file was passed over"
        for offset in scan.system_offsets[:_MAX_WARNINGS]
    ]
    return scan, scan.end if scan.ended and not chunk.fits else following


def _shortened(warnings: list[str]) -> tuple[str, ...]:
    more = len(warnings) - _MAX_WARNINGS
    rest = [f"and {more} more"] if more > 0 else []
    return (*warnings[:_MAX_WARNINGS], *rest)
