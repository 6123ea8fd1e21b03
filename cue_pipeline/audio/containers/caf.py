"""Core Audio Format: what its chunks say and what the file holds.

References
----------
Apple, *Apple Core Audio Format Specification 1.0*.
"""

import math
import struct

from cue_pipeline.audio.containers.contents import Contents, SampleForm
from cue_pipeline.audio.containers.extent import samples_extent, settle_end
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
    reader = _CafReader(file)
    reader.read()
    return reader.contents


class _CafReader:
    """One CAF file on its way to :class:`Contents`."""

    def __init__(self, file: FileView) -> None:
        self.file = file
        self.contents = Contents("CAF", file.size)
        self.walker = Walker(file, _GRAMMAR, 8)
        self.described = False
        self.coding = b""
        self.flags = self.packet_bytes = self.packet_frames = self.bits = 0

    def read(self) -> None:
        """Walk through the chunks and judge what they say."""
        if (begins := self.file.at(0, 6)) != b"caff\0\1":
            self.contents.notes.append(
                f"it begins with {shown(begins)}, where 'caff' and version 1 are needed"
            )
        for head in self.walker.chunks():
            self._take(head)
        if not self.described and (lost := self.walker.lost(b"desc")):
            self._take(lost)
        if self.contents.data_offset is None and (lost := self.walker.lost(b"data")):
            self._take(lost)
        self.contents.chunks = self.walker.found.chunks
        self.contents.notes.extend(self.walker.found.notes)
        if not self.described:
            self.contents.fault = "has no 'desc' chunk: nothing says what its bytes mean"
        elif self.contents.data_offset is None:
            self.contents.fault = "has no audio ('data' chunk missing)"
        else:
            self._interpret()
            settle_end(self.file, self.contents)

    def _take(self, head: Head) -> None:
        if head.name == b"data":
            self._take_samples(head)
            return
        self.walker.step(head)
        payload = self.file.payload(self.walker.found.chunks[-1])
        if head.name == b"desc":
            self._take_description(payload)
        elif head.name == b"chan":
            self.contents.channel_layout = payload

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

    def _take_samples(self, head: Head) -> None:
        extent = samples_extent(self.walker, head)
        self.walker.keep(head, extent.size, extent.following)
        size = max(0, extent.size - _EDIT_COUNT)
        if self.contents.data_offset is not None:
            self.contents.notes.append("it has a further 'data' chunk: the longer is read")
            if size <= self.contents.data_size:
                return
        # The standard lets the last chunk's size be -1: of that nothing need be said.
        if extent.note and not (head.said == -1 and extent.following == self.file.size):
            self.contents.notes.append(extent.note)
        self.contents.data_offset, self.contents.data_size = head.at + _EDIT_COUNT, size
        self.contents.promised_size = max(size, extent.promised - _EDIT_COUNT)
        if extent.believed is not None:
            self.contents.believed_size = max(0, extent.believed - _EDIT_COUNT)

    def _interpret(self) -> None:
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
