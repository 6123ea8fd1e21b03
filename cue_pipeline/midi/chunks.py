"""Find the chunks of a Standard MIDI File, also where their headers are wrong.

References
----------
The Complete MIDI 1.0 Detailed Specification, Standard MIDI Files 1.0 (RP-001), MIDI Manufacturers
Association.
"""

from dataclasses import dataclass

from cue_pipeline.errors import MidiFileError

_HEADER, _TRACK = b"MThd", b"MTrk"
_SMPTE_RATES = {24: 24, 25: 25, 29: 30, 30: 30}


@dataclass(frozen=True, slots=True)
class Header:
    """The header chunk.

    Attributes
    ----------
    offset : int
        Byte offset of ``MThd``.
    format : int
        0: one track; 1: simultaneous tracks; 2: independent sequences. Kept as written, even
        where the standard does not know it.
    n_tracks : int
        As the header claims.
    division : int
        The raw 16-bit word.
    ticks_per_beat : int
        Ticks per quarter note; with SMPTE division ticks per second of time code.
    microseconds : int or None
        With SMPTE division the true length of that second (1,001,000 for 29.97 frames), else
        None.
    end : int
        Byte offset after the chunk.
    """

    offset: int
    format: int
    n_tracks: int
    division: int
    ticks_per_beat: int
    microseconds: int | None
    end: int


def read_header(data: bytes, name: str, warnings: list[str]) -> Header:
    """Return the header chunk of a file.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What messages call it.
    warnings : list of str
        Damage that was read around is added here.

    Raises
    ------
    MidiFileError
        If there is no header, or its division gives no clock.
    """
    at = -1 if what_else(data) else data.find(_HEADER)
    if at < 0 or len(data) < at + 14:
        raise MidiFileError(
            f"'{name}' is no MIDI file: {_what_is_there(data)}, where a Standard MIDI File begins "
            f"with 'MThd'. {_cure(data)}, or remove this file."
        )
    if at and not (data[:4] == b"RIFF" and data[8:12] == b"RMID"):
        warnings.append(f"byte 0: {at} extra bytes before the header were passed over")
    length, file_format, n_tracks, division = (
        int.from_bytes(data[at + first : at + last], "big")
        for first, last in ((4, 8), (8, 10), (10, 12), (12, 14))
    )
    if file_format > 2:
        warnings.append(f"byte {at + 8}: format {file_format} is unknown, read as format 1")
    end = at + 8 + length
    if length < 6 or end > len(data):
        warnings.append(f"byte {at + 4}: header length {length} cannot be right, read as 6")
        end = at + 14
    ticks_per_beat, microseconds = _clock(division, at + 12, name)
    return Header(at, file_format, n_tracks, division, ticks_per_beat, microseconds, end)


def _clock(division: int, offset: int, name: str) -> tuple[int, int | None]:
    if division < 0x8000:
        ticks, microseconds = division, None
    else:
        rate, subframes = 256 - (division >> 8), division & 0xFF
        ticks = _SMPTE_RATES.get(rate, 0) * subframes
        microseconds = 1_001_000 if rate == 29 else 1_000_000
    if not ticks:
        raise MidiFileError(
            f"'{name}', byte {offset}: division 0x{division:04X} gives no clock; needed are 1 to "
            "32767 ticks per quarter note, or SMPTE frames of 24, 25, 29.97 or 30 a second with "
            "1 to 255 ticks each. Export the sequence again, or remove this file."
        )
    return ticks, microseconds


@dataclass(frozen=True, slots=True)
class TrackChunk:
    """Where a track's bytes are, as its header says.

    Attributes
    ----------
    offset : int
        Byte offset of ``MTrk``.
    extra_bytes : int
        Bytes before it that belong to no chunk.
    start, end : int
        First byte of the data, and the byte after the last.
    fits : bool
        The file ends at ``end``, or another chunk begins there.
    """

    offset: int
    extra_bytes: int
    start: int
    end: int
    fits: bool


def next_track(data: bytes, at: int) -> TrackChunk | None:
    """Return the next track chunk at or after a byte offset, or None.

    Chunks of other kinds are passed over, as the standard wants; so are bytes that belong to no
    chunk.
    """
    at = skip_other_chunks(data, at)
    offset = at if data[at : at + 4] == _TRACK else data.find(_TRACK, at)
    if offset < 0 or offset + 8 > len(data):
        return None
    end = _declared_end(data, offset)
    fits = end == len(data) or (end < len(data) and is_chunk(data, end))
    return TrackChunk(offset, offset - at, offset + 8, end, fits)


def is_second_file(data: bytes, at: int) -> bool:
    """Return whether another whole MIDI file begins here, with a header as the standard has it."""
    head = data[at : at + 14]
    return (
        len(head) == 14
        and head[:8] == _HEADER + b"\0\0\0\6"
        and head[8] == 0
        and head[9] <= 2
        and any(head[12:])
        and data[at + 14 : at + 18] == _TRACK
    )


def skip_other_chunks(data: bytes, at: int) -> int:
    """Return the offset after chunks that are no tracks."""
    while is_chunk(data, at) and data[at : at + 4] != _TRACK:
        at = _declared_end(data, at)
    return at


def is_chunk(data: bytes, at: int) -> bool:
    """Return whether a chunk begins here: a track, or four letters and a length that fits."""
    kind = data[at : at + 4]
    if kind == _TRACK:
        return True
    return len(kind) == 4 and kind.isalnum() and _declared_end(data, at) <= len(data)


def find_track_header(data: bytes, start: int, stop: int) -> int:
    """Return the offset of the first track header that begins in these bytes, or ``stop``."""
    at = data.find(_TRACK, start, stop)
    return stop if at < 0 else at


def _declared_end(data: bytes, at: int) -> int:
    return at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")


_CONTAINERS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "a gzip archive", "Unpack it"),
    (b"PK\x03\x04", "a ZIP archive", "Unpack it"),
    (b"BZh", "a bzip2 archive", "Unpack it"),
    (b"\xfd7zXZ\0", "an xz archive", "Unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it"),
    (b"Rar!", "a RAR archive", "Unpack it"),
    (b"XMF_", "an XMF file (extensible music format)", "Export its sequence as a .mid file"),
    (b"SMF2CLIP", "a MIDI 2.0 clip", "Export the sequence as MIDI 1.0 (a .mid file)"),
    (b"SMF2CON", "a MIDI 2.0 container", "Export the sequence as MIDI 1.0 (a .mid file)"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Run `git lfs pull`"),
    (b"<!doctype html", "an HTML page", "Download the file itself"),
    (b"<html", "an HTML page", "Download the file itself"),
    (b"<?xml", "an XML file", "Export the sequence as a .mid file"),
    (b"MMMD", "an SMAF ringtone", "Export its sequence as a .mid file"),
    (b"ID3", "an MP3 file", "Export the sequence as a .mid file"),
    (b"fLaC", "a FLAC file", "Export the sequence as a .mid file"),
    (b"OggS", "an Ogg file", "Export the sequence as a .mid file"),
    (b"%PDF", "a PDF document", "Export the sequence as a .mid file"),
    (b"FORM", "an AIFF file", "Export the sequence as a .mid file"),
    (b"bplist00", "a property list, perhaps the placeholder of a file in a cloud", "Download it"),
    (b"\0\x05\x16\x07", "what macOS keeps beside a file (AppleDouble)", "Copy the file itself"),
)
_LONGEST_MAGIC = max(len(magic) for magic, _, _ in _CONTAINERS)


def what_else(data: bytes) -> tuple[str, str] | None:
    """Return what a file is that is no Standard MIDI File, and what to do; None: it may be one.

    By how it begins: an archive may hold a MIDI file as it stands, but also several.
    """
    if data.startswith(b"RIFF") and data[8:12] != b"RMID":
        kind = data[8:12].decode("ascii", "replace").strip()
        what = f"a RIFF file of kind '{kind}'" if kind.isprintable() else "a RIFF file"
        return what, "Export the sequence as a .mid file"
    first = data[: _LONGEST_MAGIC + 8].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").lower()
    for magic, what, cure in _CONTAINERS:
        if data.startswith(magic) or (magic.startswith(b"<") and first.startswith(magic)):
            return what, cure
    return None


def _cure(data: bytes) -> str:
    other = what_else(data)
    return other[1] if other else "Export the sequence again as a Standard MIDI File"


def _what_is_there(data: bytes) -> str:
    # What is no media is not quoted: it may be a link to anything.
    if not data:
        return "it is empty"
    if data.startswith(_HEADER):
        return f"it breaks off after {len(data)} bytes, within its header"
    if other := what_else(data):
        return f"it is {other[0]}"
    if not any(data):
        return f"its {len(data)} bytes are all zero, as of a copy that failed"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in data[:24]):
        return "it holds text"
    return "it holds bytes of no kind that is known here"
