"""A data set in the folders of Slakh2100: what toolkits made for that can read.

::

    train/Track00001/
        metadata.yaml
        all_src.mid        all parts of all stems
        mix.flac           the sum of the stems, sample by sample
        final_mix.flac     the cue's own mix, where there is one
        stems/S00.flac
        MIDI/S00.mid       what is heard in that stem

Sound is mono (the mean of a stem's channels), 24-bit FLAC, all files of a track of one length. As
in Slakh2100 the mix is the sum of the stems; where that would pass full scale, all files of the
track are turned down alike (``overall_gain``). Without splits, tracks lie beside each other.

References
----------
Manilow, E., Wichern, G., Seetharaman, P., Le Roux, J. Cutting music source separation some Slakh.
WASPAA 2019; the field names of ``metadata.yaml`` are those of its release.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cue_pipeline.training.exports.card import Account, Hours, RecordSet, write_cards
from cue_pipeline.training.exports.cue_audio import Array, block_of, placed, write_audio
from cue_pipeline.training.exports.cue_content import CueContent
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.general_midi import class_of, is_drum, program_of
from cue_pipeline.training.exports.manifest import read_manifest
from cue_pipeline.training.exports.row_log import RowLog, flush
from cue_pipeline.training.exports.selection import (
    Chosen,
    Selection,
    leaving_out,
    select,
    with_files_as_they_were,
)
from cue_pipeline.training.exports.stem_midi import parts_of, read_notes, write_file
from cue_pipeline.training.exports.unfinished import Unfinished

if TYPE_CHECKING:
    from cue_pipeline.reading import Library

DEFAULT_RATE: Final = 44_100
_LAYOUT: Final = """
The folders of Slakh2100. `index.csv` has a row for every stem.

| file | what |
|---|---|
| `{track}/metadata.yaml` | what the track is: names of Slakh2100, and our own |
| `stems/S00.flac` | the mean of the stem's channels, 24 bits, from the start of the track on |
| `MIDI/S00.mid` | what is heard in that stem, on the recording's clock: 120 quarters a minute \
of 1,000 ticks, so a tick is half a millisecond; pedals and other controllers are in it |
| `all_src.mid` | all of these in one; what is heard in several stems once |
| `mix.flac` | the sum of the stems, sample by sample |
| `final_mix.flac` | the cue's own mix, where it has one |

All files of a track begin together, are equally long, and have one gain, `overall_gain`. A stem \
without notes has no MIDI file. Notes without an end to be trusted last 0.05 s; others end with \
their keys: pedals are in the files as controllers (64, 66), as in Slakh2100.
"""
_NAMESPACE: Final = uuid.UUID("7d7b6f0e-3f0a-4c6e-8f0f-6a3f3f6b1d2c")

INDEX_COLUMNS: Final = {
    "track": "text", "split": "text", "cue_key": "text", "stem": "text", "name": "text",
    "audio": "text", "midi": "text", "instrument_category": "text", "inst_class": "text",
    "seconds": "float", "notes": "integer", "labels_complete": "boolean",
}  # fmt: skip


class Slakh:
    """Writes and verifies the format ``slakh``."""

    compared = "the notes of every MIDI file, and a second of the sound of every stem"

    def write(self, request: Request) -> Mapping[str, Any]:
        """Write a data set; return counts."""
        selection = with_files_as_they_were(
            select(request.library, request.split),
            request.library,
            request.say,
            include_changed=bool(request.options.get("include_changed")),
        )
        rate = int(request.options.get("sample_rate") or DEFAULT_RATE)
        settings = {
            "format": "slakh",
            "license": request.license,
            "split": request.split,
            "sample_rate": rate,
            "data": selection.digest,
        }
        export = Unfinished(request.out, settings, resume=request.resume)
        log = RowLog(export.folder, export.progress.get("bytes", 0))
        done = int(export.progress.get("tracks", 0))
        unread: dict[str, str] = dict(export.progress.get("left_out", {}))
        for number, chosen in enumerate(selection.chosen[done:], done + 1):
            place = _place(chosen, number)
            request.say(f"{chosen.cue.key} → {place}")
            _remove(export.folder / place)  # of a kill
            rows: list[dict[str, Any]] = []
            with leaving_out(chosen, unread, request.say):
                rows = _write_track(export.folder, place, chosen, rate)
            if chosen.cue.key in unread:
                _remove(export.folder / place)
            length = log.add(rows)
            export.keep({"tracks": number, "bytes": length, "left_out": unread})
        return _finish(export, request, selection.without(unread), log, rate)

    def faults(self, out: Path, library: Library | None) -> list[str]:
        """Return what is wrong with a data set whose files are those of its manifest."""
        description = read_manifest(out)["description"]
        faults = []
        notes = 0
        rate = int(description["settings"]["sample_rate"])
        for track in sorted(out.glob("**/metadata.yaml")):
            found, n = _track_faults(track.parent, out, library, rate)
            faults += found
            notes += n
        if notes != description["counts"]["notes"]:
            faults.append(
                f"MIDI/: {notes} notes are there; {description['counts']['notes']} were written."
            )
        return faults

    def notes(self, out: Path) -> list[str]:
        """Return nothing: see `Format.notes`."""
        del out
        return []


def _place(chosen: Chosen, number: int) -> str:
    name = f"Track{number:05}"
    return f"{chosen.split}/{name}" if chosen.split else name


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _write_track(root: Path, place: str, chosen: Chosen, rate: int) -> list[dict[str, Any]]:
    """Write one track's folder; return its rows of the index."""
    content = CueContent(chosen.cue)
    folder = root / place
    for name in ("stems", "MIDI"):
        (folder / name).mkdir(parents=True)
    ids = {name: f"S{i:02}" for i, name in enumerate(content.cue.stems)}
    gain = write_audio(folder, content, ids, rate)
    parts = {name: parts_of(content, name) for name in ids}
    for name, stem_id in ids.items():
        if parts[name]:
            write_file(folder / "MIDI" / f"{stem_id}.mid", parts[name], content.seconds)
    write_file(folder / "all_src.mid", parts_of(content, None), content.seconds)
    stems = {
        stem_id: _told_of_stem(content, name, bool(parts[name])) for name, stem_id in ids.items()
    }
    (folder / "metadata.yaml").write_text(
        yaml(_metadata(content, chosen, stems, gain)), encoding="utf-8"
    )
    for path in sorted(folder.rglob("*")):
        flush(path)
    return [
        {
            "track": place,
            "split": chosen.split or "",
            "cue_key": content.cue.key,
            "stem": stem_id,
            "name": name,
            "audio": f"{place}/stems/{stem_id}.flac",
            "midi": f"{place}/MIDI/{stem_id}.mid" if parts[name] else "",
            "instrument_category": content.cue.stems[name].category or "",
            "inst_class": stems[stem_id]["inst_class"],
            "seconds": round(content.cue.stems[name].duration_seconds, 3),
            "notes": stems[stem_id]["n_notes"],
            "labels_complete": stems[stem_id]["labels_complete"],
        }
        for name, stem_id in ids.items()
    ]


def _told_of_stem(content: CueContent, name: str, has_midi: bool) -> dict[str, Any]:
    stem = content.cue.stems[name]
    mine = content.notes[content.notes["stem"] == name]
    tracks = content.tracks[content.tracks["id"].isin(mine["midi_track_id"])]
    kits = bool(len(tracks)) and bool(tracks["drum_kit"].notna().all())
    drums = is_drum(stem.category) or kits
    start = content.starts[name]
    return {
        "audio_rendered": True,
        "midi_saved": has_midi,
        "inst_class": class_of(stem.category, drums=drums),
        "is_drum": drums,
        "program_num": program_of(stem.category)[0],
        "midi_program_name": program_of(stem.category)[1],
        "plugin_name": "None",
        "integrated_loudness": None,
        "name": name,
        "instrument_category": stem.category,
        "tracks": [str(t) for t in tracks["track_name"]],
        "n_notes": len(mine),
        "labels_complete": name not in content.incomplete,
        "labels_unknown": content.unknown(name),
        "start_seconds": round(start.seconds, 6),
        "start_known_by": start.known_by,
        "start_doubt": start.doubt,
        "channels": list(stem.labels),
        "rms_dbfs": stem.row.get("rms_dbfs"),
        "warnings": list(stem.warnings),
    }


def _metadata(
    content: CueContent, chosen: Chosen, stems: Mapping[str, Any], gain: float
) -> dict[str, Any]:
    cue = content.cue
    standing = {str(s["name"]) for s in stems.values() if s["midi_saved"]}
    tracks = content.tracks
    unheard = tracks[(tracks["n_notes"] > 0) & ~tracks["stem"].isin(standing)]
    return {
        "UUID": str(uuid.uuid5(_NAMESPACE, cue.key)),
        "audio_dir": "stems",
        "midi_dir": "MIDI",
        "lmd_midi_dir": None,
        "normalized": False,
        "normalization_factor": None,
        "overall_gain": gain,
        "target_peak": None,
        "cue_key": cue.key,
        "project": cue.project,
        "split": chosen.split,
        "duration_seconds": round(content.seconds, 6),
        "final_mix": None if content.mix is None else content.mix.name,
        "final_mix_start_seconds": None if content.mix is None else content.mix_start.seconds,
        "final_mix_start_known_by": None if content.mix is None else content.mix_start.known_by,
        "final_mix_start_doubt": None if content.mix is None else content.mix_start.doubt,
        "tracks_in_no_stem": [str(t) for t in unheard["track_name"]],
        "data_versions": dict(sorted(chosen.data_versions.items())),
        "stems": dict(stems),
    }


# The end, and what comes after it


def _finish(
    export: Unfinished, request: Request, selection: Selection, log: RowLog, rate: int
) -> Mapping[str, Any]:
    hours, notes = Hours(), 0
    for row in log:
        hours.add(row["instrument_category"], row["split"], row["seconds"], row["labels_complete"])
        notes += row["notes"]
    log.write_csv(export.folder / "index.csv", list(INDEX_COLUMNS))
    counts = {"cues": len(selection.chosen), "stems": hours.stems, "notes": notes}
    settings = {"sample_rate": rate, "channels": 1, "subtype": "PCM_24"}
    account = Account.of(
        "slakh", request, selection, counts, settings, hours,
        (notes, "notes in `MIDI/`, each in every stem in which it is heard (once in "
         "`all_src.mid`)"),
    )  # fmt: skip
    records = [RecordSet("stems", "index.csv", INDEX_COLUMNS)]
    layout = _LAYOUT.replace("{track}", next((row["track"] for row in log), "Track00001"))
    write_cards(export.folder, account, layout=layout, record_sets=records)
    export.finish("slakh", account.description())
    return counts


def _track_faults(
    folder: Path, out: Path, library: Library | None, rate: int
) -> tuple[list[str], int]:
    """Return what is wrong with a track, and how many notes it has."""
    import soundfile as sf

    name = folder.relative_to(out).as_posix()
    faults = []
    lengths = {path: sf.info(path).frames for path in sorted(folder.rglob("*.flac"))}
    if len(set(lengths.values())) > 1:
        faults.append(f"{name}: its files are of {sorted(set(lengths.values()))} samples, not one.")
    found = {p.stem: read_notes(p) for p in sorted((folder / "MIDI").glob("*.mid"))}
    if library is not None:
        faults += _against_tables(folder, name, found, library, rate)
    return faults, sum(len(notes) for notes in found.values())


def _against_tables(
    folder: Path, name: str, found: Mapping[str, Any], library: Library, rate: int
) -> list[str]:
    text = (folder / "metadata.yaml").read_text(encoding="utf-8")
    key = json.loads(re.findall(r"^cue_key: (.*)$", text, re.MULTILINE)[0])
    gain = float(re.findall(r"^overall_gain: (.*)$", text, re.MULTILINE)[0])
    if key not in library:
        return [f"{name}: its cue '{key}' is not in the tables."]
    content = CueContent(library[key])
    faults = []
    for i, stem in enumerate(content.cue.stems):
        written = np.array(found.get(f"S{i:02}", ())).reshape(-1, 4)
        mine = content.notes[content.notes["stem"] == stem].sort_values(["start", "end", "note"])
        expected = mine[["start", "note", "velocity"]].to_numpy(np.float64)
        if not _same_notes(written[:, [0, 2, 3]], expected):
            faults.append(f"{name}/MIDI/S{i:02}.mid: its notes are not those of '{stem}' now.")
        faults += _sound_faults(folder, name, i, content, stem, gain, rate)
    return faults


def _same_notes(written: Array, expected: Array) -> bool:
    """Whether notes agree, to a tick in time."""
    if len(written) != len(expected):
        return False
    if not len(written):
        return True
    order = [np.lexsort((v[:, 2], np.rint(v[:, 0] * 1e3), v[:, 1])) for v in (written, expected)]
    a, b = written[order[0]], expected[order[1]]
    pitches = bool((a[:, 1] == b[:, 1]).all())
    return pitches and bool(np.abs(np.sort(a[:, 0]) - np.sort(b[:, 0])).max() < 1e-3)


def _sound_faults(
    folder: Path, name: str, i: int, content: CueContent, stem: str, gain: float, rate: int
) -> list[str]:
    """Hold a second in the middle of a stem's file against the stem."""
    import soundfile as sf

    there = placed(content.cue.stems[stem], content.starts[stem].seconds, rate)
    path = folder / "stems" / f"S{i:02}.flac"
    count = min(rate, there.count)
    first = there.first + (there.count - count) // 2
    with sf.SoundFile(path) as file:
        file.seek(min(first, file.frames))
        written = file.read(count, dtype="float32")
    expected = block_of(there, first, count, rate) * np.float32(gain)
    if len(written) != count or np.abs(written - expected).max(initial=0.0) > 2.0**-15:
        return [f"{name}/stems/S{i:02}.flac: its sound is not that of '{stem}' now."]
    return []


def yaml(value: Mapping[str, Any]) -> str:
    """Return a mapping of plain values as YAML: text is quoted as in JSON, which YAML includes."""
    return "\n".join(_yaml_lines(value, "")) + "\n"


def _yaml_lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield f"{indent}{key}:"
            yield from _yaml_lines(item, indent + "  ")
        else:
            yield f"{indent}{key}: {_scalar(item)}"


def _scalar(item: Any) -> str:
    if isinstance(item, float) and "e" in repr(item):
        return f"{item:.17e}"  # YAML 1.1 knows an exponent by the point before it
    text = json.dumps(item, ensure_ascii=False, allow_nan=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
