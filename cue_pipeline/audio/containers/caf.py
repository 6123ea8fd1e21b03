"""Core Audio Format: what its chunks say and what the file holds.

References
----------
Apple, *Apple Core Audio Format Specification 1.0*.
"""

import math
import struct

from cue_pipeline.audio.containers.chunked import ChunkedReader
from cue_pipeline.audio.containers.contents import Chunk, Contents, SampleForm
from cue_pipeline.audio.containers.extent import samples_extent
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
    {b"desc", b"data", b"chan", b"pakt", b"kuki", b"strg", b"mark", b"regn", b"inst", b"midi",
     b"ovvw", b"peak", b"edct", b"info", b"umid", b"uuid", b"free"}
)  # fmt: skip
_GRAMMAR = Grammar(12, four_letters(">q"), 1, b"data", _KNOWN, frozenset({-1, 0}))
_FLOAT, _LITTLE = 1, 2
_INTEGERS = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}
_FLOATS = {4: "FLOAT", 8: "DOUBLE"}
_CODECS = {b"ulaw": "ULAW", b"alaw": "ALAW", b"alac": "ALAC", b"ima4": "IMA_ADPCM",
           b"aac ": "AAC"}  # fmt: skip
_EDIT_COUNT = 4


def is_caf(magic: bytes) -> bool:
    """Whether a file's first 12 bytes are those of a CAF file, damaged as they may be."""
    return magic[:4] == b"caff" or (magic[4:6] == b"\0\1" and magic[8:12] == b"desc")


def read_caf(file: FileView) -> Contents:
    """Return what a CAF file says and holds.

    Parameters
    ----------
    file : FileView
        Whose first bytes :func:`is_caf`.
    """
    reader = _CafReader(file, Contents("CAF", file.size), Walker(file, _GRAMMAR, 8))
    if (begins := file.at(0, 6)) != b"caff\0\1":
        reader.contents.notes.append(
            f"it begins with {shown(begins)}, where 'caff' and version 1 are needed"
        )
    reader.read()
    return reader.contents


class _CafReader(ChunkedReader):
    """One CAF file on its way to :class:`Contents`."""

    form_chunk = b"desc"

    def __init__(self, file: FileView, contents: Contents, walker: Walker) -> None:
        super().__init__(file, contents, walker)
        self.described = False
        self.coding = b""
        self.flags = self.packet_bytes = self.packet_frames = self.bits = 0

    def has_form(self) -> bool:
        return self.described

    def take_chunk(self, head: Head, chunk: Chunk) -> None:
        if head.name == b"desc":
            self._take_description(self.file.payload(chunk))
        elif head.name == b"chan":
            self.contents.channel_layout = self.file.payload(chunk)

    def _take_description(self, payload: bytes) -> None:
        if len(payload) < 32 or self.described:
            self.contents.notes.append("its 'desc' chunk is cut short, or is there twice")
            return
        (
            rate,
            self.coding,
            self.flags,
            self.packet_bytes,
            self.packet_frames,
            channels,
            self.bits,
        ) = struct.unpack_from(">d4sIIIII", payload)
        self.described = True
        self.contents.channels = channels
        possible = math.isfinite(rate) and 0 < rate < 1 << 31
        self.contents.sample_rate = round(rate) if possible else 0

    def take_samples(self, head: Head) -> None:
        extent = samples_extent(self.walker, head)
        self.walker.keep(head, extent.size, extent.following)
        # The standard lets the last chunk's size be -1: of that nothing need be said.
        is_last = head.said == -1 and extent.following == self.file.size
        self.keep_samples(head, extent, _EDIT_COUNT, "" if is_last else extent.note or "")

    def interpret(self) -> None:
        contents = self.contents
        if contents.channels == 0 or contents.sample_rate == 0:
            contents.fault = (
                f"says {contents.channels} channels at {contents.sample_rate} Hz: its header is "
                "damaged"
            )
            return
        if self.coding != b"lpcm":
            contents.codec = _CODECS.get(self.coding, "")
            if not contents.codec:
                contents.fault = f"is of a coding that is not known here ({shown(self.coding)})"
            return
        width = self._width()
        names = _FLOATS if self.flags & _FLOAT and width >= 4 else _INTEGERS
        if width not in names:
            contents.fault = (
                f"says samples of {self.bits} bits in packets of {self.packet_bytes} bytes, which "
                "cannot be: its header is damaged"
            )
            return
        form = SampleForm(names[width], not self.flags & _LITTLE)
        verdict = judged(form, self.file, contents.data_offset or 0, contents.data_size,
                         low_bits_free=max(0, 8 * width - self.bits))  # fmt: skip
        contents.form = verdict.form
        if verdict.note:
            contents.notes.append(verdict.note)

    def _width(self) -> int:
        """Return bytes of one sample, from bits, channels and packet size as these agree."""
        channels, by_bits = self.contents.channels, -(-self.bits // 8)
        if self.packet_frames != 1:
            self.contents.notes.append(
                f"its packets are said to hold {self.packet_frames} samples; plain ones hold 1"
            )
        if self.packet_bytes == channels * by_bits:
            return by_bits
        order = "<" if self.flags & _LITTLE else ">"
        best, note = reconciled(
            self.file, self.contents.data_offset or 0, self.contents.data_size,
            Layout(channels, by_bits), self.packet_bytes, order,
        )  # fmt: skip
        in_words = self.packet_bytes == 4 * channels and by_bits == 3
        if not in_words or best != Layout(channels, 4):
            self.contents.notes.append(note)
        self.contents.channels = best.channels
        return best.width
