"""WAVE in RIFF, RIFX, RF64, BW64 and Wave64: what its chunks say and what the file holds.

References
----------
EBU Tech 3285 (Broadcast Wave), EBU Tech 3306 / ITU-R BS.2088 (RF64, BW64), Sony Wave64,
Microsoft ``WAVEFORMATEXTENSIBLE``, iXML specification 3.01.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from cue_pipeline.audio.containers.chunked import ChunkedReader
from cue_pipeline.audio.containers.contents import Chunk, Contents, SampleForm
from cue_pipeline.audio.containers.extent import LONG_SIZE, samples_extent
from cue_pipeline.audio.containers.metadata import take_bext, take_chna, take_ixml
from cue_pipeline.audio.containers.sample_form import (
    WIDTHS,
    Layout,
    judged,
    looks_like,
    misfit,
    reconciled,
)
from cue_pipeline.audio.containers.walking import (
    FileView,
    Grammar,
    Head,
    Walker,
    four_letters,
    shown,
)
from cue_pipeline.audio.containers.wave_shape import in_other_order, is_swapped

_KNOWN = frozenset(
    {b"fmt ", b"data", b"ds64", b"fact", b"bext", b"iXML", b"ixml", b"LIST", b"list", b"JUNK",
     b"junk", b"PAD ", b"FLLR", b"fllr", b"cue ", b"smpl", b"inst", b"plst", b"cart", b"chna",
     b"axml", b"aXML", b"bxml", b"umid", b"minf", b"elm1", b"regn", b"ovwf", b"DGDA", b"levl",
     b"link", b"qlty", b"mext", b"PEAK", b"acid", b"strc", b"id3 ", b"ID3 ", b"_PMX", b"AFAn",
     b"ResU", b"LGWV", b"dbmd", b"slnt", b"SAUR", b"SyLp", b"Fake", b"INFO", b"afsp"}
)  # fmt: skip
_W64_SUFFIX = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_W64_LIST_SUFFIX = bytes.fromhex("912fcf11a5d628db04c10000")
_GUID_SUFFIX = bytes.fromhex("000000001000800000aa00389b71")
_AMBISONIC_SUFFIX = bytes.fromhex("000021070811d3118644c8c1ca000000")[2:]
_OPEN = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF - 7, 0xFFFFFFFF - 8,
                   0xFFFFFFFF - 35, 0xFFFFFFFF - 36, 0x7FFFFFFF - 36, 0x7FFFF000,
                   0x80000000 - 36})  # fmt: skip
_OPEN_WIDE = frozenset({0, (1 << 64) - 1, (1 << 63) - 1, (1 << 64) - 1 - 24})

_EIGHT_BIT = (0x06, 0x07)
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_CODECS = {
    0x02: "MS_ADPCM", 0x06: "ALAW", 0x07: "ULAW", 0x11: "IMA_ADPCM", 0x31: "GSM610",
    0x40: "G721_32", 0x14: "G723", 0x38: "NMS_ADPCM", 0x55: "MPEG_LAYER_III", 0x50: "MPEG",
}  # fmt: skip
_USUAL_RATES = frozenset(
    {8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_056, 44_100, 44_144, 47_952,
     48_000, 48_048, 88_200, 96_000, 176_400, 192_000, 352_800, 384_000}
)  # fmt: skip


def _wave64_head(head: bytes) -> tuple[bytes, int] | None:
    name, suffix = head[:4].lower(), head[4:16]
    if suffix not in (_W64_SUFFIX, _W64_LIST_SUFFIX):
        return None
    (size,) = struct.unpack_from("<Q", head, 16)
    return name, size - 24


_LITTLE = Grammar(8, four_letters("<I"), 2, b"data", _KNOWN, _OPEN)
_BIG = Grammar(8, four_letters(">I"), 2, b"data", _KNOWN, _OPEN)
_WAVE64 = Grammar(24, _wave64_head, 8, b"data", frozenset({b"fmt ", b"data", b"fact", b"bext",
                  b"list", b"levl", b"junk", b"summ", b"mark", b"ixml"}),
                  frozenset(s - 24 for s in _OPEN_WIDE) | {0}, (_W64_SUFFIX, 4))  # fmt: skip


def is_wave(magic: bytes) -> bool:
    """Whether a file's first 40 bytes are those of a WAVE file, damaged as they may be."""
    if magic[:4] in {b"RIFF", b"RIFX", b"RF64", b"BW64"}:
        return True
    return magic[8:12] == b"WAVE" or magic[:4] == b"riff" or magic[24:40] == b"wave" + _W64_SUFFIX


def read_wave(file: FileView) -> Contents:
    """Return what a WAVE file says and holds.

    Parameters
    ----------
    file : FileView
        Whose first bytes :func:`is_wave`.
    """
    magic = file.at(0, 40)
    wide = magic[:4] == b"riff" or magic[24:28] == b"wave"
    grammar = _WAVE64 if wide else _BIG if magic[:4] == b"RIFX" else _LITTLE
    names = {b"RF64": "RF64", b"BW64": "RF64"}
    contents = Contents("W64" if wide else names.get(magic[:4], "WAV"), file.size)
    reader = _WaveReader(file, contents, Walker(file, grammar, 40 if wide else 12))
    if not wide and magic[8:12] != b"WAVE" and len(magic) >= 12:
        contents.notes.append(f"its form is {shown(magic[8:12])}, where 'WAVE' is needed")
    if not wide and magic[:4] not in {b"RIFF", b"RIFX", b"RF64", b"BW64"}:
        contents.notes.append(f"it begins with {shown(magic[:4])}, where 'RIFF' is needed")
    reader.read()
    return contents


_INTEGERS = {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32", 8: "DOUBLE"}


@dataclass(frozen=True, slots=True)
class _Format:
    """The numbers of a ``fmt `` chunk."""

    tag: int
    channels: int
    rate: int
    byte_rate: int
    align: int
    bits: int
    valid_bits: int = 0


class _WaveReader(ChunkedReader):
    """One WAVE file on its way to :class:`Contents`."""

    form_chunk = b"fmt "

    def __init__(self, file: FileView, contents: Contents, walker: Walker) -> None:
        super().__init__(file, contents, walker)
        self.format: _Format | None = None
        self.format_payload = b""
        self.long_size: int | None = None
        self.order = ">" if walker.grammar is _BIG else "<"

    def has_form(self) -> bool:
        return self.format is not None

    def take_chunk(self, head: Head, chunk: Chunk) -> None:
        if head.name in {b"RIFF", b"RF64", b"FORM"}:
            self.contents.notes.append("a second file follows behind it, which is not read")
        takers: dict[bytes, Callable[[bytes], None]] = {
            b"fmt ": self._take_format,
            b"ds64": self._take_ds64,
            b"bext": lambda payload: take_bext(self.contents, payload),
            b"chna": lambda payload: take_chna(self.contents, payload),
            b"iXML": lambda payload: take_ixml(self.contents, payload),
            b"ixml": lambda payload: take_ixml(self.contents, payload),
            b"axml": self._take_axml,
        }
        if head.name in takers:
            takers[head.name](self.file.payload(chunk))

    def _take_axml(self, payload: bytes) -> None:
        self.contents.axml = payload

    def _take_ds64(self, payload: bytes) -> None:
        if len(payload) >= 16:
            size = struct.unpack_from("<Q", payload, 8)[0]
            self.long_size = size if size < 1 << 62 else None

    def take_samples(self, head: Head) -> None:
        others: list[tuple[int, str]] = []
        if self.long_size is not None:
            others.append((self.long_size, LONG_SIZE))
        if self.walker.grammar is _WAVE64:
            others.append((head.said + 24, "place of what follows, 24 bytes on"))
        extent = samples_extent(self.walker, head, others)
        self.walker.keep(head, extent.size, extent.following)
        self.keep_samples(head, extent, note=extent.note or "")

    def _take_format(self, payload: bytes) -> None:
        if len(payload) < 16:
            self.contents.notes.append("its format chunk is cut short")
            return
        fields = struct.unpack_from(self.order + "HHIIHH", payload)
        fmt = _Format(*fields)
        mask = guid = None
        if fmt.tag == _EXTENSIBLE and len(payload) >= 40:
            valid, mask = struct.unpack_from(self.order + "HI", payload, 18)
            guid = payload[24:40]
            tag = self._subformat(guid)
            fmt = replace(fmt, tag=tag, valid_bits=valid)
        if self.format is not None:
            if fmt != self.format:
                self.contents.notes.append("it has two format chunks that differ: the first counts")
            return
        self.format, self.format_payload = fmt, payload
        self.contents.channel_mask, self.contents.subformat = mask, guid

    def _subformat(self, guid: bytes) -> int:
        """Return the format tag in the GUID of an extensible format; 0 where it is none known."""
        (tag,) = struct.unpack_from(self.order + "H", guid)
        standard = guid[2:] == _GUID_SUFFIX or guid[4:] == _GUID_SUFFIX[2:]
        if not standard and b"\x07\x21" not in guid and b"\x21\x07" not in guid:
            self.contents.notes.append(
                f"the GUID of its extensible format is unknown ({guid.hex()})"
            )
            return tag if tag in (_PCM, _FLOAT) else 0
        return int(tag)

    def interpret(self) -> None:
        if self.format is not None:
            self._interpret(self.format)

    def _interpret(self, fmt: _Format) -> None:
        """Take rate, channels and the samples' form from numbers that check each other."""
        contents = self.contents
        layout = self._layout(fmt)
        if layout is None:
            contents.codec = _CODECS.get(fmt.tag, "")
            contents.channels, contents.sample_rate = fmt.channels, fmt.rate
            if not contents.codec:
                contents.fault = f"is of a codec that is not known here (format {fmt.tag:#06x})"
            if fmt.tag in _EIGHT_BIT and fmt.align != fmt.channels:
                contents.notes.append(
                    f"its header contradicts itself ({fmt.channels} channels of 8 bits in blocks "
                    f"of {fmt.align} bytes): read as {fmt.channels} channels; bounce it again to "
                    "be sure"
                )
            elif fmt.align and contents.data_size % fmt.align:
                contents.notes.append(
                    f"its {contents.data_size} bytes of audio are no whole number of blocks of "
                    f"{fmt.align} bytes"
                )
            contents.clean_head = _clean_head(self.format_payload, contents.data_size)
            return
        contents.channels = layout.channels
        contents.sample_rate = self._rate(fmt, layout)
        if contents.channels == 0 or contents.sample_rate == 0:
            contents.fault = f"says {fmt.channels} channels at {fmt.rate} Hz: its header is damaged"
            return
        self._judge(fmt, layout)

    def _layout(self, fmt: _Format) -> Layout | None:
        """Return channels and bytes of a sample; None for what needs a decoder."""
        plain = _plain_by_numbers(fmt)
        if fmt.tag in _CODECS and not (plain and not (fmt.tag in _EIGHT_BIT and fmt.bits == 8)):
            return None
        at, size = self.contents.data_offset or 0, self.contents.data_size
        if fmt.tag not in (_PCM, _FLOAT):
            known = Layout(fmt.channels, -(-fmt.bits // 8))
            if not plain or not looks_like(self.file, at, size, known, self.order):
                return None
            self.contents.notes.append(
                f"its format tag is {fmt.tag:#06x}, and its samples are plain: read as such"
            )
            return known
        width = -(-fmt.bits // 8)
        if fmt.channels == 0 and fmt.align == 0:
            return Layout(0, width)
        if fmt.align == fmt.channels * width and width in WIDTHS:
            return Layout(fmt.channels, width)
        in_words = fmt.bits in (20, 24) and fmt.align == 4 * fmt.channels
        if in_words and fmt.byte_rate == fmt.rate * fmt.align:
            words = Layout(fmt.channels, 4)
            other = misfit(self.file, at, size, words, self.order)
            packed = other is not None and other.layout == Layout(fmt.channels, 3)
            return self._contradictory(fmt, width) if packed else words
        return self._contradictory(fmt, width)

    def _contradictory(self, fmt: _Format, width: int) -> Layout:
        """Return the layout that samples have whose header's numbers do not fit each other."""
        best, note = reconciled(
            self.file, self.contents.data_offset or 0, self.contents.data_size,
            Layout(fmt.channels, width), fmt.align, self.order,
        )  # fmt: skip
        self.contents.notes.append(note)
        return best

    def _rate(self, fmt: _Format, layout: Layout) -> int:
        """Return the sample rate, which the header has twice."""
        block = layout.channels * layout.width
        by_bytes = fmt.byte_rate // block if block and fmt.byte_rate % block == 0 else 0
        ixml = self.contents.ixml
        third = ixml.sample_rate if ixml else None
        if by_bytes in (0, fmt.rate) or by_bytes not in _USUAL_RATES:
            if third in _USUAL_RATES and third != fmt.rate:
                self.contents.notes.append(
                    f"its header says {fmt.rate} Hz, and its iXML {third} Hz: taken as "
                    f"{fmt.rate} Hz; bounce it again if it plays at a wrong pitch"
                )
            return fmt.rate
        believed = by_bytes if fmt.rate not in _USUAL_RATES or third == by_bytes else fmt.rate
        self.contents.notes.append(
            f"its header says {fmt.rate} Hz, and {by_bytes} Hz by its bytes per second: taken as "
            f"{believed} Hz; bounce it again to be sure"
        )
        return believed

    def _judge(self, fmt: _Format, layout: Layout) -> None:
        """Take the samples' form, by the tag and by what they look like."""
        contents, big = self.contents, self.order == ">"
        if layout.width not in WIDTHS:
            contents.fault = (
                f"says samples of {fmt.bits} bits, which cannot be: its header is damaged"
            )
            return
        at, size = contents.data_offset or 0, contents.data_size
        said = SampleForm(_INTEGERS[layout.width], big)
        if is_swapped(self.file, at, size, said, layout.channels):
            contents.form = in_other_order(said, contents)
            return
        layout = self._fitting(layout)
        form = SampleForm(self._subtype(fmt, layout), big)
        if layout.width < 4 and not big:
            contents.form = form  # little-endian by its container: bytes alone prove nothing else
            return
        bits = fmt.valid_bits or fmt.bits
        verdict = judged(form, self.file, at, size, low_bits_free=max(0, 8 * layout.width - bits))
        contents.form = verdict.form
        if verdict.note:
            contents.notes.append(verdict.note)

    def _subtype(self, fmt: _Format, layout: Layout) -> str:
        """Return libsndfile's word for samples of a width, and say where the tag has another."""
        notes = self.contents.notes
        if fmt.tag == _FLOAT and layout.width == 4:
            return "FLOAT"
        if fmt.tag == _FLOAT and layout.width < 4:
            notes.append(
                f"its samples are called floats, of {8 * layout.width} bits: read as integers"
            )
        elif fmt.tag != _FLOAT and layout.width == 8:
            notes.append("its samples are called integers, of 64 bits: read as doubles")
        return _INTEGERS[layout.width]

    def _fitting(self, layout: Layout) -> Layout:
        """Return the layout, of another width where samples of its own cannot be."""
        at, size = self.contents.data_offset or 0, self.contents.data_size
        if layout.width not in (2, 3):
            return layout
        found = misfit(self.file, at, size, layout, self.order)
        if found is None:
            return layout
        if found.layout is None:
            self.contents.fault = found.note
            return layout
        self.contents.notes.append(found.note)
        return found.layout


def _plain_by_numbers(fmt: _Format) -> bool:
    """Whether a format's numbers are those of plain samples, whatever its tag."""
    width = fmt.bits // 8
    return (
        fmt.bits in (8, 16, 24, 32, 64)
        and fmt.align == fmt.channels * width
        and fmt.byte_rate == fmt.rate * fmt.align
        and fmt.align > 0
    )


def _clean_head(fmt: bytes, size: int) -> bytes:
    """Return the head of a file with nothing but a format and samples."""
    fmt += b"\0" * (len(fmt) & 1)
    size = min(size, 0xFFFFFFFF - 64)
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", len(body) + size + (size & 1)) + body
