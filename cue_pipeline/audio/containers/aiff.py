"""AIFF and AIFF-C: what its chunks say and what the file holds.

References
----------
Apple, *Audio Interchange File Format AIFF-C*, 1991 draft; Core Audio's ``CHAN`` chunk.
"""

import math
import struct
from dataclasses import replace

from cue_pipeline.audio.containers.chunked import ChunkedReader
from cue_pipeline.audio.containers.contents import Chunk, Contents, SampleForm
from cue_pipeline.audio.containers.extent import samples_extent
from cue_pipeline.audio.containers.metadata import take_bext, take_ixml
from cue_pipeline.audio.containers.sample_form import Layout, judged, reconciled
from cue_pipeline.audio.containers.walking import (
    FileView,
    Grammar,
    Head,
    Walker,
    four_letters,
    shown,
)

_KNOWN = frozenset(
    {b"COMM", b"SSND", b"FVER", b"MARK", b"INST", b"MIDI", b"AESD", b"APPL", b"COMT", b"NAME",
     b"AUTH", b"(c) ", b"ANNO", b"CHAN", b"PEAK", b"basc", b"trns", b"cate", b"ID3 ", b"bext",
     b"iXML", b"LGWV", b"SAXL", b"FLLR", b"JUNK", b"LIST", b"DGDA", b"minf", b"elm1", b"regn",
     b"umid", b"ovwf"}
)  # fmt: skip
_OPEN = frozenset({0, 8, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000})
_GRAMMAR = Grammar(8, four_letters(">I"), 2, b"SSND", _KNOWN, _OPEN)
_INTEGERS = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}
_FIXED = {
    b"raw ": SampleForm("PCM_U8"),
    b"fl32": SampleForm("FLOAT", big_endian=True), b"FL32": SampleForm("FLOAT", big_endian=True),
    b"fl64": SampleForm("DOUBLE", big_endian=True), b"FL64": SampleForm("DOUBLE", big_endian=True),
    b"in24": SampleForm("PCM_24", big_endian=True), b"in32": SampleForm("PCM_32", big_endian=True),
    b"ni24": SampleForm("PCM_24"), b"42ni": SampleForm("PCM_24"),
    b"ni32": SampleForm("PCM_32"), b"23ni": SampleForm("PCM_32"),
}  # fmt: skip
_LITTLE, _BIG = b"sowt", (b"NONE", b"twos", b"    ", b"\0\0\0\0")
_CODECS = {
    b"ulaw": "ULAW", b"ULAW": "ULAW", b"alaw": "ALAW", b"ALAW": "ALAW", b"ima4": "IMA_ADPCM",
    b"GSM ": "GSM610", b"DWVW": "DWVW_24",
}  # fmt: skip


def is_aiff(magic: bytes) -> bool:
    """Whether a file's first 12 bytes are those of an AIFF file, damaged as they may be."""
    return magic[8:12] in {b"AIFF", b"AIFC"} or (magic[:4] == b"FORM" and magic[12:16] in _KNOWN)


def read_aiff(file: FileView) -> Contents:
    """Return what an AIFF file says and holds.

    Parameters
    ----------
    file : FileView
        Whose first bytes :func:`is_aiff`.
    """
    reader = _AiffReader(file, Contents("AIFF", file.size), Walker(file, _GRAMMAR, 12))
    for at, names in ((0, (b"FORM",)), (8, (b"AIFF", b"AIFC"))):
        name = file.at(at, 4)
        if name not in names:
            reader.contents.notes.append(
                f"it has {shown(name)} at offset {at}, where {shown(names[0])} is needed"
            )
    reader.read()
    return reader.contents


class _AiffReader(ChunkedReader):
    """One AIFF file on its way to :class:`Contents`."""

    form_chunk = b"COMM"

    def __init__(self, file: FileView, contents: Contents, walker: Walker) -> None:
        super().__init__(file, contents, walker)
        self.frames: int | None = None
        self.bits = 0
        self.coding = b"NONE"

    def has_form(self) -> bool:
        return self.frames is not None

    def take_chunk(self, head: Head, chunk: Chunk) -> None:
        if head.name == b"COMM":
            self._take_common(self.file.payload(chunk))
        elif head.name == b"CHAN":
            self.contents.channel_layout = self.file.payload(chunk)
        elif head.name == b"bext":
            take_bext(self.contents, self.file.payload(chunk))
        elif head.name == b"iXML":
            take_ixml(self.contents, self.file.payload(chunk))
        elif head.name == b"FORM":
            self.contents.notes.append("a second file follows behind it, which is not read")

    def _take_common(self, payload: bytes) -> None:
        if len(payload) < 18:
            self.contents.notes.append("its COMM chunk is cut short")
            return
        channels, frames, bits = struct.unpack_from(">HIH", payload)
        rate = _extended(payload[8:18])
        coding = payload[18:22] if len(payload) >= 22 else b"NONE"
        if self.frames is not None:
            self.contents.notes.append("it has two COMM chunks: the first counts")
            return
        self.frames, self.bits, self.coding = frames, bits, coding
        self.contents.channels = channels
        self.contents.sample_rate = round(rate) if 0 < rate < 1 << 31 else 0

    def take_samples(self, head: Head) -> None:
        (offset,) = struct.unpack(">I", self.file.at(head.at, 4).rjust(4, b"\0"))
        others = []
        form = self._said_form()
        if form is not None and self.frames:
            by_count = self.frames * self.contents.channels * form.bytes
            others = [
                (by_count + 8 + offset, "count of samples"),
                (by_count + 8, "count of samples"),
            ]
        extent = samples_extent(self.walker, head, others)
        self.walker.keep(head, extent.size, extent.following)
        if offset > max(0, extent.size - 8):
            self.contents.notes.append(
                f"its samples are said to begin {offset} bytes into {extent.size}: read from the "
                "first on"
            )
            offset = 0
        self.keep_samples(head, extent, 8 + offset, extent.note or "")

    def _said_form(self) -> SampleForm | None:
        """Return the form by COMM, None for a codec or a width that no sample has."""
        width = -(-self.bits // 8)
        if self.coding in _FIXED:
            return _FIXED[self.coding]
        if self.coding in (_LITTLE, *_BIG):
            subtype = _INTEGERS.get(width)
            return SampleForm(subtype, self.coding != _LITTLE) if subtype else None
        return None

    def interpret(self) -> None:
        contents = self.contents
        form = self._said_form()
        if contents.channels == 0 or contents.sample_rate == 0:
            contents.fault = (
                f"says {contents.channels} channels at {contents.sample_rate} Hz: its header is "
                "damaged"
            )
            return
        if form is None:
            contents.codec = _CODECS.get(self.coding, "")
            if not contents.codec:
                contents.fault = (
                    f"says {self.bits} bits in coding {shown(self.coding)}, which is not known here"
                )
            return
        form = self._counted(form)
        verdict = judged(form, self.file, contents.data_offset or 0, contents.data_size)
        contents.form = verdict.form
        if verdict.note:
            contents.notes.append(verdict.note)

    def _counted(self, form: SampleForm) -> SampleForm:
        """Return the form, with the count of samples held against the bytes that are there."""
        contents, said = self.contents, self.frames or 0
        block = contents.channels * form.bytes
        sizes = {contents.data_size, contents.promised_size}
        if any(size // block == said for size in sizes):
            return form
        by_count = next((s // said for s in sizes if said and s % said == 0), 0)
        if by_count and self.coding not in _FIXED:
            width = -(-self.bits // 8)
            best, note = reconciled(
                self.file, contents.data_offset or 0, contents.data_size,
                Layout(contents.channels, width), by_count, "<" if not form.big_endian else ">",
            )  # fmt: skip
            if best != Layout(contents.channels, width) and best.width in _INTEGERS:
                contents.channels = best.channels
                contents.notes.append(note)
                return replace(form, subtype=_INTEGERS[best.width])
        contents.notes.append(
            f"its header counts {said} samples of {contents.channels} channels of "
            f"{8 * form.bytes} bits, {contents.data_size // block} such are there: all are read; "
            "bounce it again to be sure"
        )
        return form


def _extended(raw: bytes) -> float:
    """Return an 80-bit float (IEEE 754 extended, big-endian); 0 where it is none or negative."""
    exponent, mantissa = struct.unpack(">HQ", raw)
    if exponent >= 0x7FFF or mantissa == 0:
        return 0.0
    try:
        return math.ldexp(mantissa, exponent - 16383 - 63)
    except OverflowError:
        return 0.0
