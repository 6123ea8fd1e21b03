"""A data set as Parquet tables: an index of cues, stems, mixes and tracks, and their events.

::

    notes/train-00000.parquet

One folder a table; files by split (``all`` where no splits were made) and number. A shard is the
same cues in all tables. Rows are in the order of cue, stem and time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.errors import ExportError
from cue_pipeline.training.exports.card import Account, Hours, RecordSet, write_cards
from cue_pipeline.training.exports.cue_content import CueContent
from cue_pipeline.training.exports.formats import Request
from cue_pipeline.training.exports.manifest import read_manifest
from cue_pipeline.training.exports.row_log import flush
from cue_pipeline.training.exports.selection import Chosen, Selection, leaving_out, select
from cue_pipeline.training.exports.unfinished import Unfinished

if TYPE_CHECKING:
    import pandas as pd

    from cue_pipeline.reading import Library

SHARD_ROWS: Final = 500_000
"""Rows of all tables after which a shard is closed."""

NO_SPLIT: Final = "all"
_BUFFERED_ROWS: Final = 64_000

_CUE = {"cue_id": "int64", "cue_key": "string"}
_PLACED = {
    "stem_id": "int64", "start_seconds": "double", "end_seconds": "double",
    "sounds_until_seconds": "double",
}  # fmt: skip
_EVENT = {
    "cue_id": "int64", "track_id": "int64", "event_index": "int64", "channel": "int16",
}  # fmt: skip
_SCORE = {"score_seconds": "double", "bar": "int32", "beat": "double"}
_SOUND = {
    "name": "string", "layout": "string", "channels": "list<string>", "sample_rate": "int32",
    "frames": "int64", "duration_seconds": "double", "start_seconds": "double",
}  # fmt: skip
_LEVELS = {"peak_dbfs": "double", "rms_dbfs": "double", "content_hash": "string",
           "warnings": "list<string>"}  # fmt: skip

TABLES: Final[dict[str, dict[str, str]]] = {
    "cues": {
        **_CUE, "split": "string", "project": "string", "reel": "int32", "cue_number": "int32",
        "title": "string", "version": "string", "work_id": "int64", "is_latest": "bool",
        "duplicate_of": "string", "duration_seconds": "double",
    },
    "stems": {
        "stem_id": "int64", **_CUE, **_SOUND, "start_known_by": "string",
        "start_doubt": "string", "instrument_category": "string", "labels_complete": "bool",
        "n_notes": "int64", **_LEVELS,
    },
    "mixes": {
        "mix_id": "int64", **_CUE, **_SOUND, "role": "string", **_LEVELS,
    },
    "tracks": {
        "track_id": "int64", **_CUE, "file_path": "string", "track_index": "int32",
        "track_name": "string", "drum_kit": "string", "instrument_category": "string",
        "stem_id": "int64", "stem": "string", "state": "string", "confidence": "double",
        "n_notes": "int64",
    },
    "notes": {
        **_EVENT, **_PLACED, "note": "int16", "velocity": "int16", "start_tick": "int64",
        "end_tick": "int64", **_SCORE, "score_duration": "double", "flags": "int16",
    },
    "controllers": {**_EVENT, **_SCORE, "controller": "int16", "value": "int16"},
    "pitch_bends": {**_EVENT, **_SCORE, "value": "int16"},
    "aftertouch": {**_EVENT, **_SCORE, "note": "int16", "value": "int16"},
}  # fmt: skip
"""Table → column → type, as pyarrow names it."""

_EVENTS: Final = {
    "controllers": ("midi_cc", {"cc_number": "controller", "cc_value": "value"}),
    "pitch_bends": ("midi_pitch_bends", {}),
    "aftertouch": ("midi_aftertouch", {}),
}
_CROISSANT: Final = {"int16": "integer", "int32": "integer", "int64": "integer",
                     "double": "float", "bool": "boolean", "string": "text"}  # fmt: skip

_LAYOUT: Final = """
One folder a table; files by split and number; a shard is the same cues in all tables.

| table | a row for |
|---|---|
| `cues` | each cue: split, project, work, what it repeats |
| `stems`, `mixes` | each: layout, length, levels, where it begins on the cue's clock |
| `tracks` | each part of the score, with its stem and how sure that is (`state`, `confidence`) |
| `notes` | each note, by track; of one that is heard in several stems, each of them |
| `controllers`, `pitch_bends`, `aftertouch` | each message |

`start_seconds` and `end_seconds` of `notes` are where it is heard, on the clock that all audio \
of its cue shares; less the stem's `start_seconds` they are seconds from the stem's first sample. \
`end_seconds` is the key's, `sounds_until_seconds` has pedals counted. \
They and `stem_id` are NULL for notes that are no labels: of tracks in review or of no stem, or \
outside the recording. `score_seconds` are of the MIDI file, bars and beats count from 1.
"""


class Parquet:
    """Writes and verifies the format ``parquet``."""

    compared = "every row of every table"

    def write(self, request: Request) -> Mapping[str, Any]:
        """Write a data set; return counts."""
        _require_pyarrow()
        selection = select(request.library, request.split)
        settings = {
            "format": "parquet",
            "license": request.license,
            "split": request.split,
            "data": selection.digest,
        }
        export = Unfinished(request.out, settings, resume=request.resume)
        shards = list(export.progress.get("shards", []))
        ordered = in_order(selection.chosen)
        done = int(export.progress.get("cues", 0))
        unread: dict[str, str] = dict(export.progress.get("left_out", {}))
        _remove_unnoted(export.folder, shards)
        while done < len(ordered):
            split = ordered[done].split or NO_SPLIT
            number = sum(shard["split"] == split for shard in shards)
            shard = _Shard(export.folder, split, number)
            for chosen in ordered[done:]:
                if (chosen.split or NO_SPLIT) != split or shard.rows >= SHARD_ROWS:
                    break
                request.say(f"{chosen.cue.key} → {shard.name}")
                with leaving_out(chosen, unread, request.say):
                    shard.add(tables_of(chosen))
                done += 1
            shards.append(shard.close())
            export.keep({"shards": shards, "cues": done, "left_out": unread})
        return _finish(export, request, selection.without(unread), shards)

    def faults(self, out: Path, library: Library | None) -> list[str]:
        """Return what is wrong with a data set whose files are those of its manifest."""
        _require_pyarrow()
        import pyarrow.parquet as pq

        counts = read_manifest(out)["description"]["counts"]
        faults = []
        for table, columns in TABLES.items():
            rows = 0
            for file in sorted((out / table).glob("*.parquet")):
                rows += pq.read_metadata(file).num_rows
                if pq.read_schema(file).names != list(columns):
                    faults.append(f"{table}/{file.name}: its columns are not those of {table}.")
            if rows != counts[table]:
                faults.append(f"{table}/: {rows} rows are there; {counts[table]} were written.")
        if library is not None and not faults:
            for file in sorted((out / "cues").glob("*.parquet")):
                faults += _shard_faults(out, file.name, library)
        return faults

    def notes(self, out: Path) -> list[str]:
        """Return nothing: see `Format.notes`."""
        del out
        return []


def _require_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ExportError(
            "Parquet files are written by pyarrow, which is not installed. Install its extra, in "
            "the folder of cue-pipeline: `.venv/bin/pip install -e '.[parquet]'`."
        ) from None


def in_order(chosen: Sequence[Chosen]) -> list[Chosen]:
    """Return cues by split, and within one as they were."""
    return sorted(chosen, key=lambda c: c.split or NO_SPLIT)


def schema_of(table: str) -> Any:
    """Return the schema of a table."""
    import pyarrow as pa

    kinds = {"list<string>": pa.list_(pa.string()), "double": pa.float64(), "bool": pa.bool_()}
    return pa.schema(
        [(name, kinds.get(kind) or getattr(pa, kind)()) for name, kind in TABLES[table].items()]
    )


class _Shard:
    """The files of some cues, one a table."""

    def __init__(self, folder: Path, split: str, number: int) -> None:
        import pyarrow.parquet as pq

        self.name, self.rows = f"{split}-{number:05}.parquet", 0
        self._split = split
        self._files = {table: folder / table / self.name for table in TABLES}
        for path in self._files.values():
            path.parent.mkdir(exist_ok=True)
        self._writers = {
            table: pq.ParquetWriter(path, schema_of(table), compression="zstd")
            for table, path in self._files.items()
        }
        self._waiting: dict[str, list[Any]] = {table: [] for table in TABLES}
        self._counts = dict.fromkeys(TABLES, 0)
        self._hours = Hours()
        self._labels = 0

    def add(self, tables: Mapping[str, Any]) -> None:
        """Append a cue's rows."""
        for name, table in tables.items():
            self._counts[name] += table.num_rows
            self.rows += table.num_rows
            self._waiting[name].append(table)
            if sum(t.num_rows for t in self._waiting[name]) >= _BUFFERED_ROWS:
                self._write(name)
        self._labels += tables["notes"].num_rows - tables["notes"]["stem_id"].null_count
        columns = ("instrument_category", "duration_seconds", "labels_complete")
        for row in tables["stems"].select(columns).to_pylist():
            split = "" if self._split == NO_SPLIT else self._split
            self._hours.add(row[columns[0]], split, row[columns[1]], row[columns[2]])

    def _write(self, name: str) -> None:
        import pyarrow as pa

        if self._waiting[name]:
            self._writers[name].write_table(pa.concat_tables(self._waiting[name]))
            self._waiting[name] = []

    def close(self) -> dict[str, Any]:
        """Have the files on the disk; return what is to be noted of them."""
        for name, writer in self._writers.items():
            self._write(name)
            writer.close()
            flush(self._files[name])
        told = [[*key, seconds] for key, seconds in self._hours.seconds.items()]
        return {
            "name": self.name,
            "split": self._split,
            "counts": self._counts,
            "labels": self._labels,
            "hours": told,
            "stems": [self._hours.stems, self._hours.incomplete],
        }


def _remove_unnoted(folder: Path, shards: Sequence[Mapping[str, Any]]) -> None:
    noted = {shard["name"] for shard in shards}
    for file in folder.glob("*/*.parquet"):
        if file.name not in noted:
            file.unlink()


def tables_of(chosen: Chosen) -> dict[str, Any]:
    """Return the rows of one cue, by table, as pyarrow's tables."""
    import pyarrow as pa

    content = CueContent(chosen.cue)
    rows = {
        "cues": [_cue_row(content, chosen)],
        "stems": list(_stem_rows(content)),
        "mixes": list(_mix_rows(content)),
    }
    found = {
        name: pa.Table.from_pylist(list(some), schema=schema_of(name))
        for name, some in rows.items()
    }
    frames = {"tracks": _tracks(content), "notes": _notes(content)}
    for name, (table, names) in _EVENTS.items():
        frames[name] = content.score(table).rename(
            columns={"midi_track_id": "track_id", "time": "score_seconds", **names}
        )
    for name, frame in frames.items():
        frame["cue_id"], frame["cue_key"] = content.cue.id, content.cue.key
        found[name] = pa.Table.from_pandas(
            frame[list(TABLES[name])], schema=schema_of(name), preserve_index=False
        )
    return found


def _cue_row(content: CueContent, chosen: Chosen) -> dict[str, Any]:
    (row,) = content.cue.table("cues").astype(object).to_dict("records")
    told = {name: _plain(row[name]) for name in TABLES["cues"] if name in row}
    return {
        **told,
        "cue_id": int(row["id"]),
        "split": chosen.split,
        "duration_seconds": content.seconds,
    }


def _plain(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, list):
        return value
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _stem_rows(content: CueContent) -> Iterator[dict[str, Any]]:
    counts = content.notes.groupby("stem").size().to_dict()
    for name, stem in content.cue.stems.items():
        start = content.starts[name]
        yield {
            **{c: stem.row.get(c) for c in TABLES["stems"]},
            "stem_id": stem.id,
            "cue_id": content.cue.id,
            "cue_key": content.cue.key,
            "name": name,
            "channels": list(stem.labels),
            "start_seconds": start.seconds,
            "start_known_by": start.known_by,
            "start_doubt": start.doubt,
            "labels_complete": name not in content.incomplete,
            "n_notes": counts.get(name, 0),
        }


def _mix_rows(content: CueContent) -> Iterator[dict[str, Any]]:
    for name, mix in content.cue.mixes.items():
        yield {
            **{c: mix.row.get(c) for c in TABLES["mixes"]},
            "mix_id": mix.id,
            "cue_id": content.cue.id,
            "cue_key": content.cue.key,
            "name": name,
            "channels": list(mix.labels),
            "start_seconds": content.mix_start.seconds
            if content.mix is mix
            else mix.start_offset_seconds,
        }


def _tracks(content: CueContent) -> pd.DataFrame:
    return content.tracks.rename(columns={"id": "track_id", "audio_file_id": "stem_id"})


def _notes(content: CueContent) -> pd.DataFrame:
    import pandas as pd

    ids = {name: stem.id for name, stem in content.cue.stems.items()}
    names = ["midi_track_id", "event_index", "stem", "start", "end", "sounds_until"]
    heard = content.notes[names]
    keys = ["midi_track_id", "event_index"]
    notes = content.score("midi_notes").merge(heard, on=keys, how="left")
    # Not `Series.map`: where some have no stem it makes floats, which hold 53 bits of an id's 63.
    notes["stem_id"] = pd.array([ids.get(stem) for stem in notes["stem"]], "Int64")
    return notes.rename(
        columns={
            "midi_track_id": "track_id",
            "start": "start_seconds",
            "end": "end_seconds",
            "sounds_until": "sounds_until_seconds",
            "start_time": "score_seconds",
            "duration": "score_duration",
        }
    )


def _finish(
    export: Unfinished, request: Request, selection: Selection, shards: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    hours = Hours()
    for shard in shards:
        for category, split, seconds in shard["hours"]:
            hours.seconds[category, split] += seconds
        hours.stems += shard["stems"][0]
        hours.incomplete += shard["stems"][1]
    counts = {name: sum(shard["counts"][name] for shard in shards) for name in TABLES}
    account = Account.of(
        "parquet", request, selection, counts, {"compression": "zstd"}, hours,
        (sum(shard["labels"] for shard in shards),
         "rows of `notes` are labels, with `stem_id` and `start_seconds`: a row for each stem in "
         "which a note is heard"),
    )  # fmt: skip
    write_cards(
        export.folder,
        account,
        layout=_LAYOUT,
        record_sets=list(_record_sets(shards)),
        front_matter=_configs(shards),
    )
    export.finish("parquet", account.description())
    return counts


def _record_sets(shards: Sequence[Mapping[str, Any]]) -> Iterator[RecordSet]:
    for shard in shards:
        for table, columns in TABLES.items():
            plain = {n: _CROISSANT[kind] for n, kind in columns.items() if kind in _CROISSANT}
            name = f"{table}-{shard['name'].partition('.')[0]}"
            yield RecordSet(name, f"{table}/{shard['name']}", plain)


def _configs(shards: Sequence[Mapping[str, Any]]) -> str:
    """Return which files are which split of which table, as Hugging Face's `datasets` reads it."""
    splits = list(dict.fromkeys(shard["split"] for shard in shards))
    lines = ["configs:"]
    for table in TABLES:
        lines += [f"- config_name: {table}", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {table}/{split}-*.parquet"]
    return "\n".join(lines) + "\n"


def _shard_faults(out: Path, name: str, library: Library) -> list[str]:
    """Hold a shard against the tables."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cues = pq.read_table(out / "cues" / name).to_pylist()
    if lacking := [row["cue_key"] for row in cues if row["cue_key"] not in library]:
        return [f"cues/{name}: its cue '{lacking[0]}' is not in the tables."]
    now = [tables_of(Chosen(library[row["cue_key"]], row["split"], {})) for row in cues]
    return [
        f"{table}/{name}: its rows are not those of the tables now."
        for table in TABLES
        if not pq.read_table(out / table / name).equals(pa.concat_tables([n[table] for n in now]))
    ]
