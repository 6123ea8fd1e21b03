"""FLAC: its STREAMINFO block, held against the first and the last frame.

A decoder believes STREAMINFO; each frame has the same numbers once more, under a checksum.

References
----------
RFC 9639; its section 8.6.2 has the comment with a channel mask.
"""

import re
import struct
from dataclasses import dataclass

from cue_pipeline.audio.containers.contents import Chunk, Contents
from cue_pipeline.audio.containers.walking import FileView

_INFO = 34
_SEARCHED = 1 << 18
_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
          96_000)  # fmt: skip
_BITS = (0, 8, 12, 0, 16, 20, 24, 32)
_MOST_METADATA = 16 << 20
_MOST_COMMENTS = 1 << 16
_MASK = re.compile(rb"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x([0-9a-f]{1,8})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame's header; 0 where it leaves a number to STREAMINFO.

    Attributes
    ----------
    at : int
        Where it begins.
    first : int
        Its number, or of its first sample.
    variable : bool
        Whether ``first`` counts samples.
    block, rate, channels, bits : int
    """

    at: int
    first: int
    variable: bool
    block: int
    rate: int
    channels: int
    bits: int


def flac_start(magic: bytes, file: FileView) -> int | None:
    """Return where ``fLaC`` stands: first, or behind an ID3 tag; None where it does not."""
    if magic[:4] == b"fLaC":
        return 0
    if magic[:3] == b"ID3" and len(magic) >= 10:
        size = 10 + sum((byte & 127) << shift for byte, shift in zip(magic[6:10], (21, 14, 7, 0),
                                                                     strict=True))  # fmt: skip
        if file.at(size, 4) == b"fLaC":
            return size
    return None


def read_flac(file: FileView, start: int) -> Contents:
    """Return what a FLAC file says and holds; ``clean_head`` is its header put right.

    Parameters
    ----------
    file : FileView
    start : int
        Where ``fLaC`` stands.
    """
    contents = Contents("FLAC", file.size, codec="FLAC")
    at = _walk(file, start, contents)
    info = contents.chunk(b"\0")
    first = _frame_in(file, at, min(file.size, at + _SEARCHED))
    if first is None:
        first = _frame_in(file, start + 4 + _INFO, min(file.size, start + _SEARCHED))
    if info is None or info.size < _INFO:
        contents.fault = "has no STREAMINFO block: nothing says what its bytes mean"
        return contents
    if first is None:
        contents.fault = "has no audio (no frame that is sound)"
        return contents
    if first.at != at:
        contents.notes.append(f"its metadata end at offset {at}, its audio begins at {first.at}")
    contents.data_offset = first.at
    contents.data_size = contents.promised_size = file.size - first.at
    _interpret(file, contents, bytearray(file.at(info.at, _INFO)), first)
    contents.channel_mask = _channel_mask(file, contents)
    return contents


def _channel_mask(file: FileView, contents: Contents) -> int | None:
    """Return the channel mask that the comments give, in which channels are not FLAC's own."""
    comments = contents.chunk(b"\4")
    if comments is None:
        return None
    found = _MASK.search(file.at(comments.at, min(comments.size, _MOST_COMMENTS)))
    return int(found[1], 16) & 0xFFFFFFFF if found else None


def _walk(file: FileView, start: int, contents: Contents) -> int:
    """Go through the metadata blocks; return where they end."""
    position = start + 4
    while position < min(file.size, _MOST_METADATA):
        head = file.at(position, 4)
        if len(head) < 4:
            break
        size = int.from_bytes(head[1:], "big")
        if head[0] == 0xFF:  # the audio itself, where the last block was not marked
            break
        there = min(size, file.size - position - 4)
        contents.chunks.append(Chunk(bytes([head[0] & 127]), position + 4, there, size))
        position += 4 + size
        if head[0] & 128:
            break
    return position


def _interpret(file: FileView, contents: Contents, info: bytearray, first: Frame) -> None:
    """Take the numbers of STREAMINFO that the frames bear out, and theirs for the others."""
    packed = int.from_bytes(info[10:18], "big")
    said = {
        "sample rate": packed >> 44, "channels": (packed >> 41 & 7) + 1,
        "bits": (packed >> 36 & 31) + 1,
    }  # fmt: skip
    total = packed & (1 << 36) - 1
    true = {"sample rate": first.rate, "channels": first.channels, "bits": first.bits}
    for name, number in true.items():
        if number and number != said[name]:
            contents.notes.append(
                f"its header says {said[name]} as its {name}, its audio {number}: read as this"
            )
            said[name] = number
    contents.sample_rate, contents.channels = said["sample rate"], said["channels"]
    smallest, largest = struct.unpack_from(">HH", info)
    counted = _total(file, first, largest if smallest == largest else first.block)
    held = total
    if counted is not None and counted != total:
        held = counted
        if total == 0:
            pass  # a stream, whose encoder could not go back
        elif total > counted:
            contents.promised_frames = total
        else:
            contents.notes.append(
                f"its header counts {total} samples, {counted} are there: all are read; bounce it "
                "again if it should be shorter"
            )
    contents.frames = held
    if not contents.promised_frames:
        contents.promised_frames = held
    rate, bits = said["sample rate"], said["bits"]
    contents.bits = bits
    mended = rate << 44 | said["channels"] - 1 << 41 | bits - 1 << 36 | held & (1 << 36) - 1
    if largest < first.block or smallest > largest:
        contents.notes.append(f"its header says blocks of {smallest} to {largest} samples, its "
                              f"audio has {first.block}")  # fmt: skip
        info[0:4] = struct.pack(">HH", 16, 65_535)
    info[4:10] = bytes(6)  # sizes of frames: unknown
    info[10:18] = mended.to_bytes(8, "big")
    contents.clean_head = b"fLaC" + bytes([0x80]) + _INFO.to_bytes(3, "big") + bytes(info)


def _total(file: FileView, first: Frame, usual: int) -> int | None:
    """Return how many samples there are by the last frame; None where none is found."""
    last: Frame | None = None
    end = file.size
    while last is None and end > first.at:
        start = max(first.at, end - _SEARCHED)
        blob = file.at(start, min(file.size, end + 32) - start)
        at = blob.rfind(b"\xff")
        while at >= 0:
            frame = _frame(blob, at, start)
            if frame is not None and _kin(frame, first):
                last = frame
                break
            at = blob.rfind(b"\xff", 0, at)
        end = start
        if file.size - end > 4 * _SEARCHED:
            return None
    if last is None:
        return None
    begins = last.first if last.variable else last.first * usual
    return begins + last.block - (first.first if first.variable else first.first * usual)


def _kin(frame: Frame, first: Frame) -> bool:
    return (frame.variable, frame.rate, frame.channels, frame.bits) == (
        first.variable, first.rate, first.channels, first.bits,
    ) and frame.first >= first.first  # fmt: skip


def _frame_in(file: FileView, start: int, end: int) -> Frame | None:
    """Return the first frame of a stretch."""
    blob = file.at(start, end - start)
    at = blob.find(b"\xff")
    while at >= 0:
        frame = _frame(blob, at, start)
        if frame is not None:
            return frame
        at = blob.find(b"\xff", at + 1)
    return None


def _frame(blob: bytes, at: int, offset: int) -> Frame | None:
    """Return the frame header at a place; None where its checksum says that there is none."""
    head = blob[at : at + 20]
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return None
    block_code, rate_code = head[2] >> 4, head[2] & 15
    channel_code, bits_code = head[3] >> 4, head[3] >> 1 & 7
    if not block_code or rate_code == 15 or channel_code > 10 or bits_code == 3:
        return None
    number = _coded_number(head[4:])
    if number is None:
        return None
    first, position = number[0], 4 + number[1]
    extra = {6: 1, 7: 2}.get(block_code, 0)
    block = _block_size(block_code, head[position : position + extra])
    position += extra
    rate_bytes = {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    raw = int.from_bytes(head[position : position + rate_bytes], "big")
    rate = _RATES[rate_code] if rate_code < 12 else raw * {12: 1_000, 13: 1, 14: 10}[rate_code]
    position += rate_bytes
    if position >= len(head) or _crc8(head[:position]) != head[position]:
        return None
    channels = channel_code + 1 if channel_code < 8 else 2
    return Frame(at + offset, first, bool(head[1] & 1), block, rate, channels, _BITS[bits_code])


def _block_size(code: int, raw: bytes) -> int:
    if code == 1:
        return 192
    if code < 6:
        return int(576 << code - 2)
    if code < 8:
        return int.from_bytes(raw, "big") + 1
    return int(256 << code - 8)


def _coded_number(raw: bytes) -> tuple[int, int] | None:
    """Return a number coded as UTF-8 is, up to 36 bits, and its length."""
    if raw[0] < 0x80:
        return raw[0], 1
    length = 8 - (raw[0] ^ 0xFF).bit_length()
    if not 2 <= length <= 7 or len(raw) < length:
        return None
    number = raw[0] & (1 << 7 - length) - 1 if length < 7 else 0
    for byte in raw[1:length]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 0x3F
    return number, length


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
