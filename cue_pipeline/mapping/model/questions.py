"""What is said to the model about a cue, in parts that any model's context holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.mapping.categories import program_category
from cue_pipeline.mapping.tracks import is_missing

if TYPE_CHECKING:
    from pandas import DataFrame

# An answer of about 30 tokens a track and 15 a group stays under gpt-3.5-turbo's 4,096.
MOST_TRACKS: Final = 64
MOST_GROUPS: Final = 96
# Tracks asked about in two parts: where the parts disagree, the model does not know.
OVERLAP: Final = 6
_LONGEST_NAME: Final = 160
_PITCHES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True, slots=True)
class Question:
    """The tracks and groups of one request: JSON values, by their index in the cue."""

    tracks: dict[int, dict[str, Any]]
    groups: dict[int, dict[str, Any]]

    @property
    def track_names(self) -> dict[int, str]:
        """Names by index, as the model was told them."""
        return {index: str(track["name"]) for index, track in self.tracks.items()}

    @property
    def group_names(self) -> dict[int, str]:
        """Names by index, as the model was told them."""
        return {index: str(group["name"]) for index, group in self.groups.items()}

    def halves(self) -> "tuple[Question, Question]":
        """Return the question in two, by tracks; the groups stay."""
        indices = list(self.tracks)
        middle = len(indices) // 2
        first, second = indices[:middle], indices[middle:]
        return (
            Question({i: self.tracks[i] for i in first}, self.groups),
            Question({i: self.tracks[i] for i in second}, self.groups),
        )


def questions(tracks: "DataFrame", groups: "DataFrame") -> list[Question]:
    """Return the requests that a cue takes: one, unless it is very large.

    Parameters
    ----------
    tracks : DataFrame
        As :func:`~cue_pipeline.mapping.tracks.track_summary` returns it; tracks without notes are
        not asked about.
    groups : DataFrame
        Columns ``canonical_name``, ``layout``, ``duration_seconds``.
    """
    told_tracks = {
        i: _track(i, row) for i, row in enumerate(tracks.to_dict("records")) if row["n_notes"] > 0
    }
    told_groups = {i: _group(i, row) for i, row in enumerate(groups.to_dict("records"))}
    if not told_tracks or not told_groups:
        return []
    return [
        Question({i: told_tracks[i] for i in some}, {g: told_groups[g] for g in part})
        for part in _windows(list(told_groups), MOST_GROUPS, 0)
        for some in _windows(list(told_tracks), MOST_TRACKS, OVERLAP)
    ]


def _windows(indices: list[int], most: int, overlap: int) -> Iterator[list[int]]:
    """Yield even stretches of at most `most`, each beginning in the last one's end."""
    if len(indices) <= most:
        yield indices
        return
    n = -(-(len(indices) - overlap) // (most - overlap))
    step = -(-(len(indices) - overlap) // n)
    for start in range(0, len(indices) - overlap, step):
        yield indices[start : start + step + overlap]


def _name(value: Any) -> str:
    text = "" if is_missing(value) else str(value)
    # A file name that is no UTF-8 holds lone surrogates, which no JSON may.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _pitch(note: int) -> str:
    return f"{_PITCHES[note % 12]}{note // 12 - 1}"


def _track(index: int, row: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"index": index, "name": _name(row["track_name"])}
    if not is_missing(row.get("program")) and 0 <= int(row["program"]) <= 127:
        told["program"] = f"{int(row['program']) + 1} ({program_category(int(row['program']))[0]})"
    if row.get("is_drum") is True or str(row.get("is_drum")) == "True":
        told["drum_channel"] = True
    if not is_missing(row.get("lowest_note")) and not is_missing(row.get("highest_note")):
        told["range"] = f"{_pitch(int(row['lowest_note']))}-{_pitch(int(row['highest_note']))}"
    told["notes"] = int(row["n_notes"])
    return told


def _group(index: int, row: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"index": index, "name": _name(row["canonical_name"])}
    if not is_missing(row.get("layout")):
        told["layout"] = str(row["layout"])
    return told
