"""One audio file's header: format, length, labels, and everything wrong that it can tell.

Nothing here reads samples, so that a whole library is looked through in seconds. A file that
cannot be used has ``fault`` set; one that can be used in spite of damage has ``warnings``.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from cue_pipeline.audio.layouts import (
    FILM_ORDER_BY_COUNT,
    FLAC_ORDER,
    VORBIS_ORDER,
    labels_of_mask,
    labels_of_names,
)
from cue_pipeline.audio.mpeg4 import read_mpeg4_header
from cue_pipeline.audio.riff import WAVE_MAGICS, WaveChunks, read_wave_chunks
from cue_pipeline.errors import AudioFileError

MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 768_000
MAX_CHANNELS = 256

_BYTES_PER_SAMPLE = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
_SUFFIX_OF = {
    "WAV": {".wav", ".wave", ".bwf"}, "RF64": {".wav", ".rf64", ".wave", ".bwf"}, "W64": {".w64"},
    "AIFF": {".aif", ".aiff", ".aifc"}, "FLAC": {".flac"}, "OGG": {".ogg", ".oga", ".opus"},
    "MP3": {".mp3"}, "M4A": {".m4a", ".mp4", ".aac"}, "CAF": {".caf"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AudioHeader:
    """What is known of an audio file before its samples are read.

    Attributes
    ----------
    file : str
        Path relative to the cue's folder, POSIX.
    container, subtype : str
        In libsndfile's words: ``WAV``, ``RF64``, ``FLAC`` …; ``PCM_24``, ``FLOAT`` ….
    sample_rate : int
        Hz, as the file says.
    channels : int
        Interleaved channels.
    frames : int
        Samples per channel that are there.
    promised_frames : int
        Samples per channel that the header promises.
    data_offset : int or None
        Where plain little-endian samples start; None where a decoder is needed.
    time_reference : int or None
        Samples since midnight (bext, else iXML), as the file says it.
    reference_rate : int or None
        Hz, at which ``time_reference`` counts, where the file says that; None: ``sample_rate``.
    other_start : Fraction or None
        Seconds since midnight by iXML, where bext says something else.
    labels : tuple of str
        Role of each interleaved channel.
    labels_from : str
        ``ixml``, ``mask``, ``format`` (the format's own order), ``count`` (film order assumed).
    track_names : tuple of str
        iXML's names of the channels, if any.
    family_uid : str or None
        iXML: files of one recording share it.
    warnings : tuple of str
        Damage that is read around; each names the file.
    fault : str or None
        Why the file cannot be used at all, and what to do; None if it can.
    """

    file: str
    container: str = ""
    subtype: str = ""
    sample_rate: int = 0
    channels: int = 0
    frames: int = 0
    promised_frames: int = 0
    data_offset: int | None = None
    time_reference: int | None = None
    reference_rate: int | None = None
    other_start: Fraction | None = None
    labels: tuple[str, ...] = ()
    labels_from: str = "count"
    track_names: tuple[str, ...] = ()
    family_uid: str | None = None
    warnings: tuple[str, ...] = field(default=())
    fault: str | None = None

    @property
    def duration_seconds(self) -> float:
        """Length of what is there."""
        return self.frames / self.sample_rate if self.sample_rate else 0.0

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one sample of one channel, for files read without a decoder."""
        return _BYTES_PER_SAMPLE[self.subtype]


def read_audio_header(folder: Path, file: str) -> AudioHeader:
    """Return the header of one audio file; never raises for what is wrong with the file.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    file : str
        Path relative to it, POSIX.
    """
    try:
        header = _read_header(folder / file, file)
    except (AudioFileError, OSError, RuntimeError) as e:
        reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        cure = _CURE
        if isinstance(e, OSError) and (folder / file).is_symlink():
            reason += ", for the file that this link leads to"
            cure = "Mount the volume where that is, or remove the link."
        return AudioHeader(file=file, fault=f"'{file}' cannot be read: {reason}. {cure}")
    return header if header.fault else _checked(header)


_CURE = "Copy or bounce the file again, or remove it."


def _read_header(path: Path, file: str) -> AudioHeader:
    with path.open("rb") as stream:
        magic = stream.read(64)
        if not magic:
            return AudioHeader(file=file, fault=f"'{file}' is empty (0 bytes). {_CURE}")
        if magic[:4] in WAVE_MAGICS:
            return _wave_header(file, path, read_wave_chunks(stream))
    if magic[4:8] == b"ftyp":
        facts = read_mpeg4_header(path)
        return replace(_with_labels(AudioHeader(file=file, container="M4A", **facts), None))
    if _looks_like_text(magic):
        start = magic[:24].decode("utf-8", "replace").split("\n")[0]
        return AudioHeader(
            file=file, fault=f"'{file}' is text, not audio (it starts with {start!r}). {_CURE}"
        )
    return _decoder_header(path, file)


def _looks_like_text(magic: bytes) -> bool:
    if magic[:4] in {b"fLaC", b"OggS", b"FORM", b"caff"} or magic[:3] == b"ID3":
        return False
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in magic)


def _wave_header(file: str, path: Path, chunks: WaveChunks) -> AudioHeader:
    """Return the header of a WAVE file from its chunks."""
    fault = _wave_fault(file, chunks)
    if fault:
        return AudioHeader(file=file, container=chunks.container, fault=fault)
    subtype = chunks.subtype
    if subtype not in _BYTES_PER_SAMPLE or chunks.block_align != (
        chunks.channels * _BYTES_PER_SAMPLE[subtype]
    ):
        header = replace(_decoder_header(path, file), container=chunks.container)
    else:
        header = AudioHeader(
            file=file,
            container=chunks.container,
            subtype=subtype,
            sample_rate=chunks.sample_rate,
            channels=chunks.channels,
            frames=chunks.bytes_there // chunks.block_align,
            promised_frames=chunks.data_size // chunks.block_align,
            data_offset=chunks.data_offset,
        )
    header = replace(
        header,
        time_reference=chunks.time_reference,
        warnings=header.warnings + tuple(f"'{file}': {note}" for note in chunks.notes),
    )
    if chunks.bytes_there < chunks.data_size:
        header = replace(
            header,
            warnings=(
                *header.warnings,
                f"'{file}' is cut short: its header promises {chunks.data_size} bytes of audio, "
                f"{chunks.bytes_there} are there. Copy the file again, or remove it to process "
                "the cue without it.",
            ),
        )
    header = _with_ixml(header, chunks.ixml)
    return _with_labels(header, labels_of_mask(chunks.channel_mask, header.channels))


def _wave_fault(file: str, chunks: WaveChunks) -> str | None:
    """Return why a WAVE file's chunks cannot be used, or None."""
    if not chunks.has_format:
        return f"'{file}' has no format chunk ('fmt '): nothing says what its bytes mean. {_CURE}"
    if chunks.data_offset is None:
        return f"'{file}' has no audio ('data' chunk missing). {_CURE}"
    if chunks.channels == 0 or chunks.sample_rate == 0:
        return (
            f"'{file}' says {chunks.channels} channels at {chunks.sample_rate} Hz: its header is "
            f"damaged. {_CURE}"
        )
    return None


def _decoder_header(path: Path, file: str) -> AudioHeader:
    """Return what libsndfile says of a file."""
    import soundfile

    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError as e:
        return AudioHeader(
            file=file,
            fault=f"'{file}' is no audio that can be read here ({e.error_string}). Bounce it as "
            "WAV, or remove it.",
        )
    container = {"WAVEX": "WAV", "MPEG": "MP3"}.get(info.format, info.format)
    frames = max(0, int(info.frames))
    promised = frames
    if container == "AIFF":
        promised = max(frames, _promised_by_aiff(path))
    elif container == "CAF" and info.subtype in _BYTES_PER_SAMPLE:
        frame_bytes = int(info.channels) * _BYTES_PER_SAMPLE[info.subtype]
        promised = max(frames, _bytes_promised_by_caf(path) // frame_bytes)
    header = AudioHeader(
        file=file,
        container=container,
        subtype=info.subtype,
        sample_rate=int(info.samplerate),
        channels=int(info.channels),
        frames=frames,
        promised_frames=promised,
    )
    if frames < promised:
        note = (
            f"'{file}' is cut short: its header promises {promised} samples, {frames} are there. "
            "Copy the file again, or remove it to process the cue without it."
        )
        header = replace(header, warnings=(note,))
    return _with_labels(header, None)


def _promised_by_aiff(path: Path) -> int:
    """Return how many frames an AIFF's COMM chunk promises; libsndfile tells only what is there."""
    with path.open("rb") as stream:
        position = 12
        for _ in range(64):
            stream.seek(position)
            head = stream.read(14)
            if len(head) < 14:
                break
            name, size = struct.unpack_from(">4sI", head)
            if name == b"COMM":
                return int(struct.unpack_from(">I", head, 10)[0])
            position += 8 + size + (size & 1)
    return 0


def _bytes_promised_by_caf(path: Path) -> int:
    """Return the size of a CAF's audio by its data chunk; 0 where it is open-ended."""
    end = path.stat().st_size
    with path.open("rb") as stream:
        position = 8
        for _ in range(64):
            if position >= end:
                break
            stream.seek(position)
            head = stream.read(12)
            if len(head) < 12:
                break
            name, size = struct.unpack(">4sq", head)
            if name == b"data":
                return max(0, int(size) - 4)  # the first four bytes count edits
            position += 12 + max(0, size)
    return 0


def _with_ixml(header: AudioHeader, ixml: bytes | None) -> AudioHeader:
    """Add what iXML says of tracks and of the family of files."""
    if not ixml or b"<!ENTITY" in ixml:
        return header
    try:
        tracks, family, moment = _read_ixml(ixml)
    except (SyntaxError, ValueError, AttributeError, LookupError):
        note = f"'{header.file}': its iXML metadata is damaged and was not used."
        return replace(header, warnings=(*header.warnings, note))
    return _with_moment(replace(header, track_names=tracks, family_uid=family), moment)


def _with_moment(header: AudioHeader, moment: tuple[int, int] | None) -> AudioHeader:
    """Add iXML's time reference: beside bext's it is only kept if it says something else."""
    if moment is None or header.sample_rate <= 0:
        return header
    samples, rate = moment[0], moment[1] or header.sample_rate
    if header.time_reference is None:
        return replace(header, time_reference=samples, reference_rate=moment[1] or None)
    start = Fraction(samples, rate)
    if start == Fraction(header.time_reference, header.sample_rate):
        return header
    return replace(header, other_start=start)


def _moment_of_ixml(root: Any) -> tuple[int, int] | None:
    """Return samples since midnight and the rate at which they count (0: not said), or None."""

    def number(name: str) -> int:
        text = (root.findtext(f"./SPEED/{name}") or "").strip()
        return int(text) if text.isdecimal() else 0

    low = "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO"
    if not (root.findtext(f"./SPEED/{low}") or "").strip().isdecimal():
        return None
    samples = number("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI") << 32 | number(low)
    return samples, number("TIMESTAMP_SAMPLE_RATE")


def _read_ixml(ixml: bytes) -> tuple[tuple[str, ...], str | None, tuple[int, int] | None]:
    """Return the tracks' names in the order of interleaving, the family's id, the moment."""
    from wavinfo.wave_ixml_reader import WavIXMLFormat

    parsed = WavIXMLFormat(ixml)
    rows: list[tuple[int, str]] = []
    if parsed.parsed.find("./TRACK_LIST") is not None:
        for position, track in enumerate(parsed.track_list):
            index = str(track.interleave_index or track.channel_index).strip()
            name = str(track.name or track.function).strip()
            rows.append((int(index) if index.isdigit() else position + 1, name))
    family: Any = parsed.family_uid
    names = tuple(name for _, name in sorted(rows))
    return names, str(family) if family else None, _moment_of_ixml(parsed.parsed)


def _with_labels(header: AudioHeader, mask_labels: Sequence[str] | None) -> AudioHeader:
    """Give every interleaved channel its role, by the best evidence there is."""
    count = header.channels
    if header.labels:
        return header
    from_names = labels_of_names(header.track_names)
    by_format = {"FLAC": FLAC_ORDER, "OGG": VORBIS_ORDER}.get(header.container, {}).get(count)
    if count > 1 and from_names and len(from_names) == count:
        return replace(header, labels=from_names, labels_from="ixml")
    if mask_labels:
        return replace(header, labels=tuple(mask_labels), labels_from="mask")
    if by_format:
        return replace(header, labels=by_format, labels_from="format")
    assumed = FILM_ORDER_BY_COUNT.get(count) or tuple(str(i + 1) for i in range(count))
    return replace(header, labels=assumed, labels_from="count")


def _checked(header: AudioHeader) -> AudioHeader:
    """Return the header with its numbers judged."""
    file = header.file
    possible = MIN_SAMPLE_RATE <= header.sample_rate <= MAX_SAMPLE_RATE
    if not possible or not 0 < header.channels <= MAX_CHANNELS:
        fault = (
            f"'{file}' says {header.channels} channels at {header.sample_rate} Hz, which cannot "
            f"be: its header is damaged. {_CURE}"
        )
        return replace(header, fault=fault)
    if header.frames == 0:
        return replace(header, fault=f"'{file}' holds no audio (0 samples). {_CURE}")
    suffix = Path(file).suffix.lower()
    if suffix not in _SUFFIX_OF.get(header.container, {suffix}):
        note = f"'{file}' is {header.container} inside, whatever its suffix says; read as that."
        return replace(header, warnings=(*header.warnings, note))
    return header
