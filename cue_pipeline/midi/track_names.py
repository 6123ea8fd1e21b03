"""What tracks are called: by meta events of five kinds, of which some are no names.

Conventions
-----------
A sequencer writes a name where nobody gave one ("Track 1", "InitializedTrack"): a *placeholder*.
A *device* name (FF 09) says where the track was played, mostly not what it is: it is the last to
be asked. All names of a track are kept, in their order; one is its name.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

TRACK_NAME: Final = 0x03
INSTRUMENT_NAME: Final = 0x04
PROGRAM_NAME: Final = 0x08
DEVICE_NAME: Final = 0x09
NAMES: Final = (TRACK_NAME, INSTRUMENT_NAME, PROGRAM_NAME, DEVICE_NAME)
"""Meta events that hold names, the best first."""

_THINGS: Final = (
    r"initialized ?track|init(ialized)?|untitled|unnamed|no ?name|unknown|default|new|empty|"
    r"(new |empty |midi |audio |vst |vsti |software |external |ext |gm |soft ?synth |smartmusic )*"
    r"(tracks?|trk|tr|midi|midi ?(in|out|ch|channel)|inst|instr|instrument|audio|channel|chan|ch|"
    r"part|voice|staff|seq|sequence|sequenz|stave|device|port|bus|kanal|soft ?synth|sampler|"
    r"untitled|unnamed)|"
    r"gm device|general midi|"
    r"spur|midi-?spur|unbenannt|piste|sans titre|pista|sin t[ií]tulo|senza titolo|traccia|"
    r"faixa|sem t[ií]tulo|spår|spor|raita|ścieżka|stopa|дорожка|трек|без названия|канал|"
    r"トラック|名称未設定|無題|轨道|音轨|轨|未命名|無標題|音軌|트랙|제목 ?없음"
)
_PLACEHOLDER: Final = re.compile(
    rf"[\W_]*(?:(?:{_THINGS})(?:\s*(?:no|nr|n°|#))?[\s._#-]*\d*(?:[\s._-]+\d+)?|\d*)[\W_]*"
)
_DEVICE: Final = re.compile(
    r"port|midi|synth|wavetable|\b(in|out|usb|gs|gm|xg|vst\w*|au|general|device|bus|iac|loopbe\w*|"
    r"kontakt|omnisphere|halion|play|opus|sound ?canvas|proteus|triton|roland|korg|yamaha)\b|\d{3}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TrackName:
    """One name that a file gives to a track or to one of its channels.

    Attributes
    ----------
    kind : int
        The meta event's type, one of :data:`NAMES`.
    text : str
    raw : bytes
        As in the file.
    """

    kind: int
    text: str
    raw: bytes


def is_placeholder(name: str) -> bool:
    """Return whether a name is one that a program writes where nobody gave any."""
    folded = unicodedata.normalize("NFKC", name).strip("\0 \t\r\n").casefold()
    return _PLACEHOLDER.fullmatch(folded) is not None


def best_name(names: Iterable[TrackName], devices: Sequence[str] = ()) -> TrackName | None:
    """Return the name that says most, None where there is none.

    Parameters
    ----------
    names : iterable of TrackName
        In the order of the file.
    devices : sequence of str
        Device names of all tracks of the file: one that several share names no instrument.

    Returns
    -------
    TrackName or None
        The first of the best kind that is no placeholder; else the first placeholder.
    """
    found = [name for name in names if name.text]

    def rank(name: TrackName) -> tuple[int, int]:
        if name.kind == DEVICE_NAME:
            named_for_it = devices.count(name.text) <= 1 and not _DEVICE.search(name.text)
            return (1 if named_for_it and not is_placeholder(name.text) else 3), 0
        return (2 if is_placeholder(name.text) else 0), NAMES.index(name.kind)

    return min(found, key=rank, default=None)


def distinct(names: Iterable[TrackName]) -> tuple[str, ...]:
    """Return the texts of names, each once, in their order."""
    return tuple(dict.fromkeys(name.text for name in names if name.text))
