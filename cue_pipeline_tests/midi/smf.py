"""Bytes of Standard MIDI Files, written from the specification and nothing of ours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.errors import MidiFileError
from cue_pipeline.midi.reader import MidiFile, read_midi
from cue_pipeline.midi.score_rows import (
    MidiFileOutcome,
    midi_events_tables,
    read_midi_files,
    tempo_map_tables,
)

END = bytes.fromhex("00 FF 2F 00")
CUE = "Reel 1/1m02"


def vlq(value: int) -> bytes:
    """A variable-length quantity."""
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(value & 0x7F | 0x80)
    return bytes(reversed(octets))


def meta(kind: int, data: bytes, delta: int = 0) -> bytes:
    return vlq(delta) + bytes([0xFF, kind]) + vlq(len(data)) + data


def name(text: str | bytes, delta: int = 0) -> bytes:
    return meta(0x03, text if isinstance(text, bytes) else text.encode(), delta)


def tempo(microseconds: int, delta: int = 0) -> bytes:
    return meta(0x51, microseconds.to_bytes(3, "big"), delta)


def meter(numerator: int, denominator: int, delta: int = 0) -> bytes:
    return meta(0x58, bytes([numerator, denominator.bit_length() - 1, 24, 8]), delta)


def message(*octets: int, delta: int = 0) -> bytes:
    return vlq(delta) + bytes(octets)


def on(note: int, delta: int = 0, velocity: int = 64, channel: int = 0) -> bytes:
    return message(0x90 | channel, note, velocity, delta=delta)


def off(note: int, delta: int = 0, velocity: int = 64, channel: int = 0) -> bytes:
    return message(0x80 | channel, note, velocity, delta=delta)


def chunk(data: bytes, kind: bytes = b"MTrk", length: int | None = None) -> bytes:
    return kind + (len(data) if length is None else length).to_bytes(4, "big") + data


def header(format: int, n_tracks: int, division: int = 480) -> bytes:  # noqa: A002
    return chunk(b"".join(n.to_bytes(2, "big") for n in (format, n_tracks, division)), b"MThd")


def smf(*tracks: bytes, format: int = 1, division: int = 480) -> bytes:  # noqa: A002
    """A file of tracks, each given without its End of Track."""
    return header(format, len(tracks), division) + b"".join(chunk(t + END) for t in tracks)


def read(data: bytes) -> MidiFile:
    return read_midi(data, "song.mid")


def read_if_usable(data: bytes) -> MidiFile | None:
    """The file, or None where it is refused; any other error than the room's own is a bug."""
    try:
        return read(data)
    except MidiFileError:
        return None


def tables(data: bytes, marker_tracks: tuple[str, ...] = ()) -> dict[str, Any]:
    """All tables of a cue that holds one file, ``song.mid``."""
    outcomes = [MidiFileOutcome("song.mid", read(data), None, "0" * 64)]
    return {
        **tempo_map_tables(CUE, outcomes, marker_tracks),
        **midi_events_tables(CUE, outcomes, marker_tracks),
    }


def folder_of(path: Path, files: Mapping[str, bytes]) -> CueFolder:
    for file_path, data in files.items():
        (path / file_path).parent.mkdir(parents=True, exist_ok=True)
        (path / file_path).write_bytes(data)
    return CueFolder(CUE, path, path, tuple(files), (), "", "")


def tables_of_folder(
    path: Path, files: Mapping[str, bytes], marker_tracks: tuple[str, ...] = ()
) -> dict[str, Any]:
    outcomes = read_midi_files(folder_of(path, files))
    return {
        **tempo_map_tables(CUE, outcomes, marker_tracks),
        **midi_events_tables(CUE, outcomes, marker_tracks),
    }


def rows(frame: Any, *columns: str) -> list[tuple[Any, ...]]:
    """Columns as tuples of plain Python values, None where NULL."""
    picked = frame.loc[:, list(columns)].astype(object)
    return [
        tuple(picked.where(picked.notna(), None).itertuples(index=False, name=None))[i]
        for i in range(len(picked))
    ]
