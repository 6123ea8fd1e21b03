"""What a data set says of itself: ``README.md`` for people, ``croissant.json`` for programs.

References
----------
Akhtar, M. et al. Croissant: a metadata format for ML-ready datasets. NeurIPS 2024, D&B; format
specification 1.0, MLCommons.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.mapping.decision.result import STANDING
from cue_pipeline.training.exports.manifest import sha256_of

if TYPE_CHECKING:
    from cue_pipeline.reading import Library
    from cue_pipeline.training.exports.formats import Request
    from cue_pipeline.training.exports.selection import Selection

README: Final = "README.md"
CROISSANT: Final = "croissant.json"
UNDECIDED: Final = "undecided"

_MOST_NAMED: Final = 20  # of the cues that were left out for one reason
_CONFORMS: Final = "http://mlcommons.org/croissant/1.0"
_TYPES: Final = {"text": "sc:Text", "integer": "sc:Integer", "float": "sc:Float",
                 "boolean": "sc:Boolean"}  # fmt: skip
_MEDIA: Final = {".csv": "text/csv", ".parquet": "application/x-parquet",
                 ".tar": "application/x-tar", ".json": "application/json"}  # fmt: skip


@dataclass(frozen=True)
class RecordSet:
    """Rows that a program can read out of a data set's files.

    Attributes
    ----------
    name : str
    file : str
        Path of a file below the data set's folder, or a pattern of paths.
    columns : mapping of str to str
        Column → ``text``, ``integer``, ``float`` or ``boolean``.
    """

    name: str
    file: str
    columns: Mapping[str, str]


@dataclass
class Hours:
    """How much sound there is, by category and split."""

    seconds: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    incomplete: int = 0
    stems: int = 0

    def add(self, category: str | None, split: str | None, seconds: float, complete: bool) -> None:
        """Count a stem."""
        self.seconds[category or UNDECIDED, split or ""] += seconds
        self.stems += 1
        self.incomplete += not complete

    def by_category(self) -> dict[str, dict[str, float]]:
        """Return hours by category, the most first, and split."""
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for (category, split), seconds in sorted(self.seconds.items()):
            found[category][split] = seconds / 3600
        return dict(sorted(found.items(), key=lambda item: (-sum(item[1].values()), item[0])))


@dataclass(frozen=True)
class LabelCount:
    """How the labels of a data set come of the notes of its cues' scores.

    Attributes
    ----------
    count : int
    counted : str
        What counts as one.
    score : mapping of str to int
        Notes of the score, each once, as :func:`cue_pipeline.warehouse.note_counts.count_notes`
        has them.
    """

    count: int
    counted: str
    score: Mapping[str, int]

    @classmethod
    def of(cls, count: int, counted: str, library: Library, keys: Collection[str]) -> LabelCount:
        """Return how so many labels come of the scores of some cues."""
        from cue_pipeline.warehouse.note_counts import count_notes

        return cls(count, counted, count_notes(library.store.engine, keys))


@dataclass(frozen=True)
class Account:
    """All that is to be said of a data set.

    Attributes
    ----------
    format, name, license : str
    split : str or None
    counts : mapping of str to int
        ``cues``, ``stems``, ``notes``, ….
    settings : mapping
        What shaped it.
    hours : Hours
    labels : LabelCount
    code_versions : mapping of str to list of str
        Asset → the code versions that made the rows.
    data : str
        Digest over the versions of the data.
    left_out : mapping of str to list of str
        Why → keys of cues, and names of stems.
    doubts : sequence of str
        What is not known of cues that are in it.
    """

    format: str
    name: str
    license: str
    split: str | None
    counts: Mapping[str, int]
    settings: Mapping[str, Any]
    hours: Hours
    labels: LabelCount
    code_versions: Mapping[str, Sequence[str]]
    data: str
    left_out: Mapping[str, Sequence[str]]
    doubts: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        form: str,
        request: Request,
        selection: Selection,
        counts: Mapping[str, int],
        settings: Mapping[str, Any],
        hours: Hours,
        labels: tuple[int, str],
    ) -> Account:
        """Return the account of the cues of a selection, with so many labels, counted so."""
        keys = [c.cue.key for c in selection.chosen]
        return cls(
            form, request.out.name, request.license, request.split, counts, settings, hours,
            LabelCount.of(*labels, request.library, keys), selection.code_versions,
            selection.digest, selection.left_out_by_reason(), selection.doubts,
        )  # fmt: skip

    def description(self) -> dict[str, Any]:
        """Return it as the manifest holds it: the same, as long as the data are."""
        return {
            "license": self.license,
            "program": f"cue-pipeline {version('cue-pipeline')}",
            "split": self.split,
            "counts": dict(self.counts),
            "settings": dict(self.settings),
            "code_versions": dict(self.code_versions),
            "data": self.data,
            "left_out": {why: list(names) for why, names in self.left_out.items()},
            "doubts": list(self.doubts),
        }


def write_cards(
    folder: Path,
    account: Account,
    *,
    layout: str,
    record_sets: Sequence[RecordSet] = (),
    described: Sequence[str] = (),
    front_matter: str = "",
) -> None:
    """Write both cards of a data set.

    Parameters
    ----------
    folder : Path
        Where its files are, but for the manifest.
    account : Account
    layout : str
        What its files are, as Markdown.
    record_sets : sequence of RecordSet
    described : sequence of str
        Paths of files that ``croissant.json`` names without rows.
    front_matter : str
        More lines of YAML for the head of the README, as dataset viewers read it.
    """
    (folder / README).write_text(
        readme(account, layout=layout, front_matter=front_matter), encoding="utf-8"
    )
    told = croissant(folder, account, record_sets, described)
    text = json.dumps(told, indent=1, ensure_ascii=False)
    (folder / CROISSANT).write_text(text + "\n", encoding="utf-8")


def readme(account: Account, *, layout: str, front_matter: str = "") -> str:
    """Return the card for people."""
    parts = [
        f"---\nlicense: other\nlicense_name: {json.dumps(account.license)}\n{front_matter}---",
        f"# {account.name}",
        _what(account),
        f"Licence: {_plain(account.license)}",
        "## Sound by category\n\n" + _hours_table(account.hours),
        "## Labels\n\n" + _labels(account.labels),
        _doubt(account.hours),
        "## What is where\n\n" + layout.strip(),
        "## Settings\n\n" + _lines(account.settings),
        "## Data versions\n\n"
        + _lines({name: ", ".join(v) for name, v in account.code_versions.items()})
        + f"\n\nDigest over the data versions of all cues: `{account.data}`.",
        "## What was left out, and why\n\n" + _left_out(account.left_out),
        *(["## What is not known\n\n" + _points(account.doubts)] if account.doubts else []),
        "## Is it whole?\n\n`cue-pipeline export verify FOLDER` holds every file against its "
        "SHA-256 in `manifest.json`; with `--against-tables`, what they say against the library.",
    ]
    return "\n\n".join(parts) + "\n"


def _what(account: Account) -> str:
    counts = ", ".join(f"{n:,} {what}" for what, n in account.counts.items())
    split = f", split `{account.split}`" if account.split else ""
    made_by = account.description()["program"]
    return (
        f"Film-scoring sessions as training data, format `{account.format}`{split}: {counts}. "
        f"Made by {made_by}. Notes are the composer's MIDI, put where they are heard in the "
        "recording; labels are those of tracks whose stem is decided (`auto`, `confirmed`)."
    )


def _of_others(state: str) -> str:
    from cue_pipeline.warehouse.note_counts import REPEATS, UNMAPPED

    told = {
        "review": "tracks in `review`, which wait for a person",
        "unmatched": "tracks that are known to be in no stem (`unmatched`)",
        REPEATS: "MIDI files that repeat another one of their cue",
        UNMAPPED: "tracks that are not mapped",
    }
    return told.get(state, f"tracks in state `{state}`")


def _labels(labels: LabelCount) -> str:
    standing = sum(labels.score.get(state, 0) for state in STANDING)
    others = {state: n for state, n in labels.score.items() if state not in STANDING}
    lines = [
        f"{labels.count:,} {labels.counted}. The score of these cues has "
        f"{sum(labels.score.values()):,} notes, each counted once here:",
        "",
        "| notes | of | labels? |",
        "|---|---|---|",
        f"| {standing:,} | tracks whose stem is decided (`auto`, `confirmed`) | yes, in each stem "
        "in which they are heard, but where they lie outside its recording or no sound confirms "
        "its clock |",
    ]
    for state, n in sorted(others.items()):
        lines.append(f"| {n:,} | {_of_others(state)} | no |")
    return "\n".join(lines)


def _doubt(hours: Hours) -> str:
    return (
        f"In {hours.incomplete:,} of {hours.stems:,} stems notes may sound that are not among the "
        "labels, of tracks in review or of no stem: `labels_complete` is false there. Do not take "
        "silence in their labels for silence in their sound."
    )


def _hours_table(hours: Hours) -> str:
    table = hours.by_category()
    splits = sorted({split for row in table.values() for split in row}, key=_split_order)
    unit, per_hour, digits = unit_of(sum(sum(row.values()) for row in table.values()))
    heads = [f"{split or 'all'}, {unit}" for split in splits]
    lines = [f"| category | {' | '.join(heads)} |", "|---" * (len(splits) + 1) + "|"]
    for category, row in table.items():
        cells = (f"{row.get(split, 0.0) * per_hour:.{digits}f}" for split in splits)
        lines.append(f"| {category} | {' | '.join(cells)} |")
    return "\n".join(lines)


def unit_of(hours: float) -> tuple[str, float, int]:
    """Return the unit that so much sound is told in, how many make an hour, and its decimals."""
    if hours >= 10.0:
        return "hours", 1.0, 2
    return ("minutes", 60.0, 1) if hours >= 1 / 6 else ("seconds", 3600.0, 1)


def _split_order(split: str) -> tuple[int, str]:
    order = ("train", "validation", "test")
    return (order.index(split) if split in order else len(order), split)


def _lines(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {_plain(str(value))}" for name, value in values.items())


def _left_out(reasons: Mapping[str, Sequence[str]]) -> str:
    if not reasons:
        return "Nothing: every cue of the library is in it."
    lines = []
    for why, keys in sorted(reasons.items()):
        named = ", ".join(f"`{_plain(key)}`" for key in keys[:_MOST_NAMED])
        more = f" and {len(keys) - _MOST_NAMED:,} more" if len(keys) > _MOST_NAMED else ""
        lines.append(f"- {len(keys):,} {why}: {named}{more}")
    return "\n".join(lines)


def _points(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_plain(line)}" for line in lines)


def _plain(text: str) -> str:
    """Return people's text as one line that Markdown takes for text."""
    line = " ".join(text.split()).replace("`", "'")
    return "".join(f"\\{c}" if c in "\\<>|[]*_#" else c for c in line)


def croissant(
    folder: Path,
    account: Account,
    record_sets: Sequence[RecordSet] = (),
    described: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the card for programs, by the Croissant format 1.0."""
    patterns = [*described, *(one.file for one in record_sets)]
    files = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    counts = ", ".join(f"{n} {what}" for what, n in account.counts.items())
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": account.name,
        "description": f"Film-scoring sessions as training data, {account.format}: {counts}.",
        "conformsTo": _CONFORMS,
        "license": account.license,
        "url": "https://schema.org/Dataset",
        "version": "1.0.0",
        "datePublished": f"{datetime.now(UTC):%Y-%m-%d}",
        "citeAs": f"{account.name}, data {account.data}",
        "distribution": [_file_object(folder, path) for path in files],
        "recordSet": [_record_set(folder, one) for one in record_sets],
    }


def _file_object(folder: Path, path: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": _MEDIA[path.suffix],
        "contentSize": f"{path.stat().st_size} B",
        "sha256": sha256_of(path),
    }


def _record_set(folder: Path, one: RecordSet) -> dict[str, Any]:
    file = sorted(folder.glob(one.file))[0].relative_to(folder).as_posix()
    return {
        "@type": "cr:RecordSet",
        "@id": one.name,
        "name": one.name,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{one.name}/{column}",
                "name": column,
                "dataType": _TYPES[kind],
                "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
            }
            for column, kind in one.columns.items()
        ],
    }


_CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
