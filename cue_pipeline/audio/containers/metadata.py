"""``bext``, iXML and ``chna``: what broadcast chunks say of time, channels and families of files.

References
----------
EBU Tech 3285 (bext), iXML specification 3.01, ITU-R BS.2076 and BS.2088 (chna, axml).
"""

import re
import struct
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from cue_pipeline.audio.containers.contents import AdmTrack, Contents, Ixml, IxmlTrack

_TIME_REFERENCE_AT = 338  # 256 description, 32 + 32 originator, 10 date, 8 time
_CHNA_ROW = struct.Struct("<H12s14s11sx")
_DECLARATION = re.compile(rb"^\s*<\?xml.*?\?>", re.DOTALL)


def take_bext(contents: Contents, payload: bytes) -> None:
    """Take the time reference of a ``bext`` chunk, as it stands there."""
    if len(payload) >= _TIME_REFERENCE_AT + 8:
        (contents.time_reference,) = struct.unpack_from("<Q", payload, _TIME_REFERENCE_AT)


def take_ixml(contents: Contents, payload: bytes) -> None:
    """Take what an iXML chunk says; damage is told."""
    text = payload.strip(b"\0 \r\n\t")
    if not text:
        return
    try:
        contents.ixml = read_ixml(text)
    except (ET.ParseError, ValueError, LookupError):
        contents.notes.append("its iXML metadata is damaged and was not used")


def read_ixml(text: bytes) -> Ixml:
    """Return what iXML says.

    Raises
    ------
    ValueError
        If it declares entities, which no iXML needs, or is in no encoding that is known.
    xml.etree.ElementTree.ParseError
        If it is no XML.
    """
    if b"<!ENTITY" in text or b"<!DOCTYPE" in text:
        raise ValueError("iXML with entities")
    root = _parsed(text)
    speed = root.find("SPEED")
    reference = _wide(speed, "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI",
                      "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO")  # fmt: skip
    rate = _number(speed, "TIMESTAMP_SAMPLE_RATE") if reference is not None else None
    if reference is None:
        reference = _wide(root.find("BEXT"), "BWF_TIME_REFERENCE_HIGH", "BWF_TIME_REFERENCE_LOW")
    return Ixml(
        tracks=tuple(_tracks(root)),
        family_uid=_word(root.find("FILE_SET"), "FAMILY_UID") or None,
        sample_rate=_number(speed, "FILE_SAMPLE_RATE"),
        time_reference=reference,
        time_reference_rate=rate or None,
    )


def _parsed(text: bytes) -> ET.Element:
    """Return the document; recorders declare encodings that they do not write."""
    try:
        return ET.fromstring(text)  # noqa: S314 - entities are refused before
    except (ET.ParseError, LookupError):
        bare = _DECLARATION.sub(b"", text, count=1)
        try:
            return ET.fromstring(bare.decode("utf-8"))  # noqa: S314
        except UnicodeDecodeError:
            return ET.fromstring(bare.decode("latin-1"))  # noqa: S314


def _tracks(root: ET.Element) -> Iterator[IxmlTrack]:
    rows: list[tuple[int, IxmlTrack]] = []
    for position, row in enumerate(root.findall("TRACK_LIST/TRACK"), 1):
        track = IxmlTrack(
            channel_index=_number(row, "CHANNEL_INDEX"),
            interleave_index=_number(row, "INTERLEAVE_INDEX"),
            name=_word(row, "NAME"),
            function=_word(row, "FUNCTION"),
        )
        rows.append((track.interleave_index or track.channel_index or position, track))
    for _, track in sorted(rows, key=lambda row: row[0]):
        yield track


def _word(node: ET.Element | None, name: str) -> str:
    return ((node.findtext(name) if node is not None else None) or "").strip()


def _number(node: ET.Element | None, name: str) -> int | None:
    word = _word(node, name)
    return int(word) if word.isascii() and word.isdigit() and len(word) < 20 else None


def _wide(node: ET.Element | None, high: str, low: str) -> int | None:
    """Return a number of two 32-bit halves, None where it is none since midnight."""
    upper, lower = _number(node, high) or 0, _number(node, low)
    if lower is None or lower >> 32 or upper >> 31:
        return None
    return upper << 32 | lower


def take_chna(contents: Contents, payload: bytes) -> None:
    """Take the rows of a ``chna`` chunk; those of track 0 are unused by the standard."""
    rows = []
    for at in range(4, len(payload) - _CHNA_ROW.size + 1, _CHNA_ROW.size):
        index, uid, track, pack = _CHNA_ROW.unpack_from(payload, at)
        if index:
            rows.append(AdmTrack(index, *(_ascii(word) for word in (uid, track, pack))))
    contents.adm_tracks = tuple(rows)


def _ascii(word: bytes) -> str:
    return word.rstrip(b"\0 ").decode("ascii", "replace")
