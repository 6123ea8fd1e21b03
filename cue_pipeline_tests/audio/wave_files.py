"""Small audio files for tests: sound ones by soundfile, damaged ones byte by byte."""

import struct
from pathlib import Path

import numpy as np
import soundfile as sf

from cue_pipeline.audio.grouping import AudioInventory, arrange, find_channel_groups
from cue_pipeline.audio.headers import AudioHeader
from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.cue.media import AUDIO_SUFFIXES


def cue_folder(path: Path, key: str = "Reel 1/1m02") -> CueFolder:
    files = sorted(p for p in path.rglob("*") if not p.is_dir() and not p.name.startswith("."))
    names = [p.relative_to(path).as_posix() for p in files]
    return CueFolder(
        key=key,
        root=path.parent,
        path=path,
        midi_paths=tuple(n for n in names if n.lower().endswith((".mid", ".midi"))),
        audio_paths=tuple(n for n in names if n.lower().endswith(tuple(AUDIO_SUFFIXES))),
        midi_fingerprint="",
        audio_fingerprint="",
    )


NAMED_SO = {"final_mix_patterns": ("6mx",), "ignore_patterns": ("clk", "click")}


def inventory_of(path: Path, sample_rate: int = 48_000, **more: str) -> AudioInventory:
    return find_channel_groups(cue_folder(path), sample_rate=sample_rate, **NAMED_SO, **more)


def arranged(headers: list[AudioHeader], interleaved_order: str | None = None) -> AudioInventory:
    """Arrange files that nobody wrote."""
    return arrange(
        headers,
        cue_key="k",
        sample_rate=48_000,
        interleaved_order=interleaved_order,
        **NAMED_SO,
    )


def noise(n: int, channels: int = 1, seed: int = 0, level: float = 0.1) -> np.ndarray:
    y = np.random.default_rng(seed).standard_normal((n, channels)) * level
    return np.clip(y, -1, 1).astype(np.float32)


def write_audio(path: Path, y: np.ndarray, sr: int = 48_000, subtype: str = "PCM_24") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds = {".w64": "W64", ".rf64": "RF64", ".bwf": "WAV", ".aif": "AIFF", ".opus": "OGG"}
    sf.write(path, y, sr, subtype=subtype, format=kinds.get(path.suffix.lower()))
    return path


def chunk(name: bytes, payload: bytes, promised: int | None = None) -> bytes:
    size = len(payload) if promised is None else promised
    return name + struct.pack("<I", size) + payload + b"\0" * (len(payload) & 1)


def fmt_chunk(
    channels: int = 1,
    sr: int = 48_000,
    bits: int = 16,
    tag: int = 1,
    mask: int | None = None,
) -> bytes:
    align = channels * bits // 8
    head = struct.pack("<HHIIHH", tag if mask is None else 0xFFFE, channels, sr,
                       sr * align & 0xFFFFFFFF, align & 0xFFFF, bits)  # fmt: skip
    if mask is not None:
        guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
        head += struct.pack("<HHI", 22, bits, mask) + guid
    return chunk(b"fmt ", head)


def bext_chunk(time_reference: int) -> bytes:
    payload = b"\0" * 338 + struct.pack("<Q", time_reference) + b"\0" * 256
    return chunk(b"bext", payload)


def ixml_chunk(names: list[str], family: str | None = None) -> bytes:
    tracks = "".join(
        f"<TRACK><CHANNEL_INDEX>{i}</CHANNEL_INDEX><INTERLEAVE_INDEX>{i}</INTERLEAVE_INDEX>"
        f"<NAME>{name}</NAME></TRACK>"
        for i, name in enumerate(names, 1)
    )
    uid = f"<FILE_SET><FAMILY_UID>{family}</FAMILY_UID></FILE_SET>" if family else ""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><BWFXML><IXML_VERSION>1.5</IXML_VERSION>'
        f"{uid}<TRACK_LIST><TRACK_COUNT>{len(names)}</TRACK_COUNT>{tracks}</TRACK_LIST></BWFXML>"
    )
    return chunk(b"iXML", text.encode())


def wave_bytes(*chunks: bytes, magic: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(body)) + body


def pcm16(y: np.ndarray) -> bytes:
    return (np.asarray(y) * 32767).astype("<i2").tobytes()


def write_wave(path: Path, *chunks: bytes, magic: bytes = b"RIFF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wave_bytes(*chunks, magic=magic))
    return path
