"""What a file is, by its name and, where that says nothing, by its first bytes.

Three kinds of name stand for audio that is not there: a cloud's placeholder (``.VLN.R.wav.icloud``,
``VLN.R.wav.nextcloud``), a download under way (``VLN.R.wav.crdownload``), and whatever both leave
behind when they are broken off.
"""

import os
import stat
from functools import lru_cache

from cue_pipeline.cue.gate import opened

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf"}
    | {".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a"}
)
#: Suffixes of audio that is known and not read.
AUDIO_NOT_READ = frozenset(
    {".sd2", ".wma", ".ac3", ".eac3", ".ec3", ".dts", ".dtshd", ".mxf", ".mov", ".mp4", ".m4v",
     ".mkv", ".avi", ".amr", ".ape", ".wv", ".dsf", ".dff", ".au", ".snd", ".rex", ".rx2", ".rcy",
     ".m4b", ".mka", ".webm", ".aac", ".tta", ".shn", ".atmos", ".mlp", ".thd", ".wvc", ".sd2f"}
)  # fmt: skip
#: What stands in session folders beside the audio, and of which nothing need be said.
PAPER = frozenset(
    {".mid", ".midi", ".ptx", ".ptf", ".pts", ".ptt", ".pdf", ".txt", ".rtf", ".doc",
     ".docx", ".xls", ".xlsx", ".csv", ".json", ".xml", ".musicxml", ".mxl", ".sib", ".mus",
     ".musx", ".dorico", ".cpr", ".logicx", ".als", ".rpp", ".png", ".jpg", ".jpeg", ".gif",
     ".md", ".html", ".htm", ".plist", ".db", ".ini", ".log", ".cfg", ".yaml", ".yml",
     ".aaf", ".omf", ".edl", ".ale", ".nfo", ".url", ".lnk", ".webloc", ".numbers", ".pages"}
    # drawn waves, analyses and indices of programs
    | {".wfm", ".peak", ".peaks", ".pk", ".pek", ".pkf", ".reapeaks", ".asd", ".ovw", ".sfk",
       ".sfl", ".sfap0", ".cfa", ".gpk", ".mrk", ".xmp", ".analysis", ".wvs", ".mpk", ".cpk"}
    # checksums and marks of file systems
    | {".md5", ".sha1", ".sha256", ".sha512", ".sfv", ".mhl", ".xxh", ".xxhash", ".par2",
       ".identifier", ".ds_store", ".lock"}
)  # fmt: skip
#: What holds other files.
ARCHIVES = frozenset({".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".xmf", ".mxmf"})
#: Copies that somebody set aside.
_SET_ASIDE = frozenset({".bak", ".old", ".orig", ".backup", ".sav", ".tmp", ".temp"})
_PLACEHOLDERS = {
    ".icloud": "iCloud",
    ".nextcloud": "Nextcloud",
    ".owncloud": "ownCloud",
    ".cloud": "odrive",
    ".cloudf": "odrive",
}
_UNDER_WAY = frozenset(
    {".crdownload", ".part", ".partial", ".download", ".opdownload", ".filepart", ".aria2",
     ".!ut", ".bc!", ".!sync", ".!bt", ".unconfirmed", ".fdmdownload", ".rsls", ".incomplete"}
)  # fmt: skip
_SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "icon\r", "icon"})
_DATALESS = 0x4000_0000  # macOS: SF_DATALESS
_RECALLED = 0x0040_0000 | 0x0004_0000 | 0x1000  # Windows: recall on access, on open; offline
_MAGIC_BYTES = 16


def suffix_of(name: str) -> str:
    """Return a name's suffix in lower case, with its dot; '' without one."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def stands_for(name: str) -> tuple[str, str] | None:
    """Return the name of the file that another one stands for, and why that is not there.

    Examples
    --------
    >>> stands_for(".VLN.R.wav.icloud")
    ('VLN.R.wav', 'an iCloud placeholder stands in its place')
    >>> stands_for("VLN.R.wav") is None
    True
    """
    suffix = suffix_of(name)
    whole = name[: len(name) - len(suffix)]
    if suffix in _PLACEHOLDERS:
        cloud = _PLACEHOLDERS[suffix]
        article = "an" if cloud[0] in "io" else "a"
        hidden = suffix == ".icloud"
        return whole[hidden and whole.startswith(".") :], (
            f"{article} {cloud} placeholder stands in its place"
        )
    if suffix in _UNDER_WAY and not name.startswith((".", "~")):
        return whole, f"its download is under way or was broken off ('{suffix}')"
    return None


def is_dataless(status: os.stat_result) -> bool:
    """Whether a file's bytes are in a cloud, and the system would have to fetch them first."""
    flags = getattr(status, "st_flags", 0)
    attributes = getattr(status, "st_file_attributes", 0)
    return bool(flags & _DATALESS or attributes & _RECALLED)


def may_be_audio(name: str) -> bool:
    """Whether only a file's content can tell if it is audio: its suffix is none that is known."""
    if name.endswith("~"):  # an editor's copy of what was there before
        return False
    suffix = suffix_of(name)
    known = AUDIO_SUFFIXES | AUDIO_NOT_READ | PAPER | ARCHIVES | _SET_ASIDE | _UNDER_WAY
    return suffix not in known and suffix not in _PLACEHOLDERS and not is_system(name)


def is_system(name: str) -> bool:
    """Whether a file is the system's own, or one of its marks on another file."""
    return name.lower() in _SYSTEM_NAMES or name.lower().endswith("zone.identifier")


def holds_audio(path: str, status: os.stat_result) -> bool:
    """Whether a file begins as audio does that is read here."""
    if not stat.S_ISREG(status.st_mode) or status.st_size < _MAGIC_BYTES or is_dataless(status):
        return False
    return is_audio(_magic(path, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=1 << 16)
def _magic(path: str, _size: int, _mtime_ns: int) -> bytes:
    """Return a file's first bytes, which are looked up once while it stays as it is."""
    try:
        with opened(path) as stream:
            return stream.read(_MAGIC_BYTES)
    except OSError:
        return b""


def is_audio(magic: bytes) -> bool:
    """Whether a file's first 16 bytes are those of a container of audio that is read here."""
    if magic[:4] in {b"RIFF", b"RIFX", b"RF64", b"BW64"}:
        return magic[8:12] == b"WAVE"
    if magic[:4] == b"FORM":
        return magic[8:12] in {b"AIFF", b"AIFC"}
    return magic[:4] in {b"caff", b"fLaC", b"OggS"} or magic == _WAVE64


_WAVE64 = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
