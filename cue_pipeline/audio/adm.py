"""The Audio Definition Model in BW64: what ``chna`` and ``axml`` say of each channel.

References
----------
ITU-R BS.2088 (the chunks), BS.2076 (the model), BS.2094 (common definitions: ``AC_00010001`` is
FrontLeft …), BS.2051 (loudspeaker labels: ``M+030`` …). Dolby, *Atmos ADM Profile* (``RC_Lss`` …).
"""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from cue_pipeline.audio.containers.contents import AdmTrack
from cue_pipeline.audio.core_audio import ambisonic_labels
from cue_pipeline.audio.layouts import with_sides
from cue_pipeline.audio.spellings import LABELS

_REFERENCE = re.compile(r"A[CT]_[0-9A-Fa-f]{8}(_[0-9A-Fa-f]{2})?")
_COMMON_BELOW = 0x1000
_LOUDSPEAKERS, _SCENES, _BINAURAL = "0001", "0004", "0005"

_BY_SPEAKER = {
    "M+030": "L", "M-030": "R", "M+000": "C", "LFE": "LFE", "LFE1": "LFE", "LFEL": "LFE",
    "LFE2": "LFE2", "LFER": "LFE2", "M+110": "Ls", "M-110": "Rs", "M+022": "Lc", "M-022": "Rc",
    "M+SC": "Lc", "M-SC": "Rc", "M+180": "Cs", "M+090": "Lss", "M-090": "Rss", "M+135": "Lsr",
    "M-135": "Rsr", "M+060": "Lw", "M-060": "Rw", "T+000": "Tc", "U+030": "Ltf", "U+000": "Ctf",
    "U-030": "Rtf", "U+045": "Ltf", "U-045": "Rtf", "U+090": "Ltm", "U-090": "Rtm",
    "U+110": "Ltr", "U-110": "Rtr", "U+135": "Ltr", "U-135": "Rtr", "U+180": "Ctr",
}  # fmt: skip
# BS.2094: the last four digits of AC_0001xxxx → the loudspeaker.
_COMMON = dict(
    enumerate(
        ("M+030", "M-030", "M+000", "LFE", "M+110", "M-110", "M+022", "M-022", "M+180", "M+090",
         "M-090", "T+000", "U+030", "U+000", "U-030", "U+110", "U+180", "U-110", "U+090", "U-090",
         "B+000", "B+045", "B-045", "M+060", "M-060", "M+135", "M-135", "M+135", "M-135", "U+135",
         "U-135", "LFEL", "LFER", "U+045", "U-045", "M+SC", "M-SC"),
        start=1,
    )
)  # fmt: skip


def labels_of_adm(tracks: Sequence[AdmTrack], axml: bytes, channels: int) -> tuple[str, ...] | None:
    """Return what an ADM file's chunks say of its channels.

    Parameters
    ----------
    tracks : sequence of AdmTrack
        Rows of ``chna``.
    axml : bytes
        The ADM document; it may be empty or cut short.
    channels : int
        Of the file.

    Returns
    -------
    tuple of str or None
        A label of each channel, and the channel's number where it is an object or of no known
        loudspeaker; None where the chunk does not speak of every channel.
    """
    references: dict[int, str] = {}
    for track in tracks:
        if _REFERENCE.fullmatch(track.track_format):
            references.setdefault(track.track_index, track.track_format)
    if set(references) != set(range(1, channels + 1)):
        return None
    defined = _Definitions(axml)
    formats = [defined.channel_format(references[index]) for index in sorted(references)]
    if all(kind == _SCENES for kind, _ in formats):
        components = [number - 1 for _, number in formats]
        sound = len(set(components)) == channels and min(components) >= 0
        return ambisonic_labels(components) if sound else None
    labels = [
        defined.label(kind, number) or str(index)
        for index, (kind, number) in enumerate(formats, start=1)
    ]
    return with_sides(labels) if len(set(labels)) == channels else None


class _Definitions:
    """What ``axml`` adds to the common definitions, as far as it can be read."""

    def __init__(self, axml: bytes) -> None:
        self._stream_of: dict[str, str] = {}
        self._channel_of: dict[str, str] = {}
        self._speakers: dict[str, list[str]] = {}
        if axml and b"<!ENTITY" not in axml:
            self._read(axml)

    def _read(self, axml: bytes) -> None:
        try:
            for _, element in ET.iterparse(io.BytesIO(axml)):  # noqa: S314 (no entities)
                self._take(element)
        except (ET.ParseError, ValueError, LookupError):
            return  # cut short or damaged: what came before holds

    def _take(self, element: ET.Element) -> None:
        kind = element.tag.rpartition("}")[2]
        if kind == "audioTrackFormat":
            own = element.get("audioTrackFormatID", "")
            self._stream_of[own] = _text(element, "audioStreamFormatIDRef")
        elif kind == "audioStreamFormat":
            own = element.get("audioStreamFormatID", "")
            self._channel_of[own] = _text(element, "audioChannelFormatIDRef")
        elif kind == "audioChannelFormat":
            own = element.get("audioChannelFormatID", "")
            told = [e.text or "" for e in element.iter() if e.tag.endswith("speakerLabel")]
            self._speakers[own] = [*told, element.get("audioChannelFormatName", "")]
            element.clear()

    def channel_format(self, reference: str) -> tuple[str, int]:
        """Return a channel format's type and number; IDs run alike where nothing else is said."""
        channel = self._channel_of.get(self._stream_of.get(reference, ""), "") or reference
        digits = channel[3:11] if len(channel) >= 11 else reference[3:11]
        return digits[:4], int(digits[4:], 16)

    def label(self, kind: str, number: int) -> str | None:
        """Return the label of a channel format, or None."""
        if kind == _BINAURAL:
            return {1: "L", 2: "R"}.get(number)
        if kind != _LOUDSPEAKERS:
            return None
        if number < _COMMON_BELOW:
            return _BY_SPEAKER.get(_COMMON.get(number, ""))
        told = self._speakers.get(f"AC_{kind}{number:04x}") or self._speakers.get(
            f"AC_{kind}{number:04X}", []
        )
        return next((label for label in map(_speaker, told) if label), None)


def _speaker(text: str) -> str | None:
    """Return the label of a loudspeaker's name: 'M+030', 'RC_Lss', 'urn:…:speaker:U-045'."""
    name = text.strip().rpartition(":")[2]
    return _BY_SPEAKER.get(name) or LABELS.get(name.removeprefix("RC_").lower())


def _text(element: ET.Element, child: str) -> str:
    found = next((e for e in element.iter() if e.tag.rpartition("}")[2] == child), None)
    return (found.text or "").strip() if found is not None else ""
