"""One audio file's header: format, length, labels, and everything wrong that it can tell.

Nothing here reads samples, so that a whole library is looked through in seconds. A file that
cannot be used has ``fault`` set; one that can be used in spite of damage has ``warnings``.
"""

import re
import struct
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from cue_pipeline.audio.containers.aiff import is_aiff, read_aiff
from cue_pipeline.audio.containers.caf import is_caf, read_caf
from cue_pipeline.audio.containers.contents import Contents, Ixml, SampleForm
from cue_pipeline.audio.containers.flac import flac_start, read_flac
from cue_pipeline.audio.containers.ogg import why_cut
from cue_pipeline.audio.containers.riff import is_wave, read_wave
from cue_pipeline.audio.containers.splicing import opened_by_libsndfile
from cue_pipeline.audio.containers.walking import FileView
from cue_pipeline.audio.interleaving import roles_of, words_of
from cue_pipeline.audio.mpeg4 import read_mpeg4_header
from cue_pipeline.cue.file_kinds import AUDIO_SUFFIXES, is_dataless, stands_for
from cue_pipeline.cue.gate import opened
from cue_pipeline.errors import AudioFileError

if TYPE_CHECKING:
    import soundfile

MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 768_000
MAX_CHANNELS = 256

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
        Where plain samples start; None where a decoder is needed.
    form : SampleForm or None
        How plain samples are written.
    time_reference : int or None
        Samples since midnight (bext, else iXML), as the file says it.
    reference_rate : int or None
        Hz, at which ``time_reference`` counts, where the file says that; None: ``sample_rate``.
    other_start : Fraction or None
        Seconds since midnight by iXML, where bext says something else.
    labels : tuple of str
        Role of each interleaved channel; its number where it has none.
    labels_from : str
        ``ixml``, ``chna`` (ADM), ``chan`` (Apple's layout chunk), ``mask``, ``format`` (the
        format's own order), ``count`` (nothing says it: film order until a setting is asked).
    track_names : tuple of str
        iXML's names of the channels, if any.
    family_uid : str or None
        iXML: files of one recording share it.
    warnings : tuple of str
        Damage that is read around; each names the file.
    contents : Contents or None
        All that its chunks say, where its container is read here; left out of comparisons.
    fault : str or None
        Why the file cannot be used at all, and what to do; None if it can.
    is_absent : bool
        It is not there: what stands in its place says that it is not downloaded.
    """

    file: str
    container: str = ""
    subtype: str = ""
    sample_rate: int = 0
    channels: int = 0
    frames: int = 0
    promised_frames: int = 0
    data_offset: int | None = None
    form: SampleForm | None = None
    time_reference: int | None = None
    reference_rate: int | None = None
    other_start: Fraction | None = None
    labels: tuple[str, ...] = ()
    labels_from: str = "count"
    track_names: tuple[str, ...] = ()
    family_uid: str | None = None
    warnings: tuple[str, ...] = field(default=())
    contents: Contents | None = field(default=None, compare=False, repr=False)
    fault: str | None = None
    is_absent: bool = False

    @property
    def duration_seconds(self) -> float:
        """Length of what is there."""
        return self.frames / self.sample_rate if self.sample_rate else 0.0


def read_audio_header(folder: Path, file: str) -> AudioHeader:
    """Return the header of one audio file; never raises for what is wrong with the file.

    Parameters
    ----------
    folder : Path
        The cue's folder.
    file : str
        Path relative to it, POSIX.
    """
    place, _, name = file.rpartition("/")
    if absent := stands_for(name):
        real = f"{place}/{absent[0]}" if place else absent[0]
        return AudioHeader(
            file=real,
            fault=f"'{real}' is not downloaded: {absent[1]}. Download it, and process the cue "
            "again.",
            is_absent=True,
        )
    try:
        header = _read_header(folder / file, file)
    except _DAMAGE as e:
        reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e) or type(e).__name__
        cure = _CURE
        if isinstance(e, OSError) and (folder / file).is_symlink():
            reason += ", for the file that this link leads to"
            cure = "Mount the volume where that is, or remove the link."
        elif isinstance(e, PermissionError):
            cure = "Let this user read it, or remove it to process the cue without it."
        return AudioHeader(file=file, fault=f"'{file}' cannot be read: {reason}. {cure}")
    return header if header.fault else _checked(header)


_CURE = "Copy or bounce the file again, or remove it."
_CURE_EMPTY = "Download it if it is in a cloud, copy or bounce it again, or remove it."
#: What a file's bytes may lead a reader into: such a file has a fault, and its cue goes on.
_DAMAGE = (
    AudioFileError, OSError, RuntimeError, struct.error, ValueError, ArithmeticError, LookupError,
    MemoryError, TypeError,
)  # fmt: skip


def _read_header(path: Path, file: str) -> AudioHeader:
    if is_dataless(path.stat()):
        return AudioHeader(
            file=file,
            fault=f"'{file}' is not downloaded: its bytes are in a cloud. Download it, and process "
            "the cue again.",
        )
    with opened(path) as stream:
        view = FileView(stream)
        magic = view.at(0, 64)
        if not magic:
            return AudioHeader(file=file, fault=f"'{file}' is empty (0 bytes). {_CURE_EMPTY}")
        contents = _contents(view, magic)
        behind = None if contents or magic[4:8] == b"ftyp" else _found_later(view)
        if behind:
            view = FileView(stream, behind)
            contents = _moved(_contents(view, view.at(0, 64)), behind)
    if contents is not None:
        return _header_of(path, file, contents)
    if magic[4:8] == b"ftyp":
        facts = read_mpeg4_header(path)
        return _with_roles(AudioHeader(file=file, container="M4A", **facts))
    if not magic.strip(magic[:1]):
        return AudioHeader(
            file=file,
            fault=f"'{file}' begins with nothing but bytes {magic[0]:#04x}: it is a copy that was "
            f"not finished, or damaged. {_CURE}",
        )
    if magic.startswith((b"version https://git-lfs", b"bplist0")):
        kind = "a pointer of Git LFS" if magic[:1] == b"v" else "a cloud's placeholder"
        return AudioHeader(
            file=file,
            fault=f"'{file}' is not downloaded: {kind} stands in its place. Download it, and "
            "process the cue again.",
        )
    if _looks_like_text(magic):
        # Not quoted: it may be a link to anything.
        return AudioHeader(file=file, fault=f"'{file}' is text, not audio. {_CURE}")
    return _with_roles(_with_end_of_ogg(_decoded_header(path, file, None), path))


def _with_end_of_ogg(header: AudioHeader, path: Path) -> AudioHeader:
    """Add the warning of an Ogg file that was cut: its decoder takes it for a shorter one."""
    if header.fault or header.container != "OGG" or not (why := why_cut(path)):
        return header
    told = f"'{header.file}' {why}. Copy the file again, or take no notice if it should end there."
    return replace(header, warnings=(*header.warnings, told))


def _contents(view: FileView, magic: bytes) -> Contents | None:
    """Return what a file says, if its container is one that is read here."""
    if is_wave(magic):
        return read_wave(view)
    if is_aiff(magic):
        return read_aiff(view)
    if is_caf(magic):
        return read_caf(view)
    start = flac_start(magic, view)
    return None if start is None else read_flac(view, start)


def _found_later(view: FileView) -> int | None:
    """Return where a container begins that has other bytes in front, None where there is none."""
    found = _BEGINNING.search(view.at(0, _SEARCHED_BYTES))
    return found.start() if found else None


_SEARCHED_BYTES = 1 << 18
_BEGINNING = re.compile(
    rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE|FORM.{4}AIF[FC]|caff\x00\x01\x00\x00desc"
    rb"|fLaC[\x00\x80]\x00\x00\x22",
    re.DOTALL,
)


def _moved(contents: Contents | None, start: int) -> Contents | None:
    """Return contents whose places count from the file's first byte."""
    if contents is not None:
        contents.notes.insert(0, f"{start} other bytes stand in front of its header")
        if contents.data_offset is not None:
            contents.data_offset += start
        contents.chunks = [replace(chunk, at=chunk.at + start) for chunk in contents.chunks]
    return contents


def _looks_like_text(magic: bytes) -> bool:
    if magic[:4] == b"OggS" or magic[:3] == b"ID3":
        return False
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in magic)


def _header_of(path: Path, file: str, contents: Contents) -> AudioHeader:
    """Return the header of a file whose container was read."""
    if contents.fault:
        found = "; ".join([contents.fault, *contents.notes])
        return AudioHeader(
            file=file, container=contents.container, contents=contents,
            fault=f"'{file}' {found}. {_CURE}",
        )  # fmt: skip
    if contents.form is None:
        header = _decoded_header(path, file, contents)
        if header.fault:
            return header
    else:
        block = contents.frame_bytes
        header = AudioHeader(
            file=file,
            container=contents.container,
            subtype=contents.form.subtype,
            sample_rate=contents.sample_rate,
            channels=contents.channels,
            frames=contents.data_size // block,
            promised_frames=contents.promised_size // block,
            data_offset=contents.data_offset,
            form=contents.form,
            contents=contents,
        )
    header = replace(
        header,
        time_reference=contents.time_reference,
        warnings=(*header.warnings, *(f"'{file}': {note}." for note in contents.notes)),
    )
    header = _with_ixml(header, contents.ixml)
    if short := _cut_short(header, contents):
        header = replace(header, warnings=(*header.warnings, short))
    return _with_roles(header)


def _cut_short(header: AudioHeader, contents: Contents) -> str | None:
    """Return the warning of a file that holds less than its header promises."""
    promised, there, unit = contents.promised_size, contents.data_size, "bytes of audio"
    if promised <= there:
        promised, there, unit = header.promised_frames, header.frames, "samples"
    if promised <= there:
        return None
    return (
        f"'{header.file}' is cut short: its header promises {promised} {unit}, {there} are there. "
        "Copy the file again, or remove it to process the cue without it."
    )


def _decoded_header(path: Path, file: str, contents: Contents | None) -> AudioHeader:
    """Return what libsndfile says of a file, or of its samples under a header put right."""
    import soundfile

    try:
        with opened_by_libsndfile(path, contents) as sound:
            container, subtype = sound.format, sound.subtype
            frames, rate, channels = int(sound.frames), sound.samplerate, sound.channels
    except soundfile.LibsndfileError as e:
        notes = "".join(f"; {note}" for note in contents.notes) if contents else ""
        return AudioHeader(
            file=file,
            fault=f"'{file}' is no audio that can be read here ({_said(e)}{notes}). Bounce it as "
            "WAV, or remove it.",
        )
    if contents and contents.frames:
        frames = contents.frames
    promised = contents.promised_frames if contents else 0
    return AudioHeader(
        file=file,
        container=contents.container if contents else _NAMES.get(container, container),
        subtype=subtype,
        sample_rate=int(rate),
        channels=int(channels),
        frames=min(max(0, frames), _MOST_FRAMES),
        promised_frames=min(max(promised, frames, 0), _MOST_FRAMES),
        contents=contents,
    )


def _said(error: "soundfile.LibsndfileError") -> str:
    """Return what a decoder says, but where it takes garbage for a file that is not there."""
    text = str(error.error_string)
    return "the decoder finds no sound in it" if "does not exist" in text else text.rstrip(".")


_NAMES = {"WAVEX": "WAV", "MPEG": "MP3"}
_MOST_FRAMES = 1 << 40  # a year at 48 kHz is less: a count above is none


def _with_ixml(header: AudioHeader, ixml: Ixml | None) -> AudioHeader:
    """Add what iXML says of tracks and of the family of files.

    Beside bext's time reference iXML's is only kept if it says something else.
    """
    if ixml is None:
        return header
    names = tuple(track.name or track.function for track in ixml.tracks)
    header = replace(header, track_names=names, family_uid=ixml.family_uid)
    samples, rate = ixml.time_reference, ixml.time_reference_rate
    if samples is None or header.sample_rate <= 0:
        return header
    if header.time_reference is None:
        return replace(header, time_reference=samples, reference_rate=rate)
    start = Fraction(samples, rate or header.sample_rate)
    if start == Fraction(header.time_reference, header.sample_rate):
        return header
    return replace(header, other_start=start)


def _with_roles(header: AudioHeader) -> AudioHeader:
    """Give every interleaved channel its role, by the best evidence there is."""
    if header.labels:
        return header
    words = words_of(header.container, header.contents, header.channels)
    found = roles_of(header.channels, words)
    doubts = (f"'{header.file}': {doubt}." for doubt in found.doubts)
    return replace(
        header,
        labels=found.labels,
        labels_from=found.known_from,
        warnings=(*header.warnings, *doubts),
    )


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
    if suffix in AUDIO_SUFFIXES and suffix not in _SUFFIX_OF.get(header.container, {suffix}):
        note = f"'{file}' is {header.container} inside, whatever its suffix says; read as that."
        return replace(header, warnings=(*header.warnings, note))
    return header
