"""The mapping of one cue as rows: what the asset stores and what people read."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pandas import DataFrame

MAPPING_COLUMNS: Final = (
    "midi_track_id",
    "audio_file_id",
    "instrument_category",
    "category_confidence",
    "state",
    "method",
    "confidence",
    "name_score",
    "evidence_score",
    "evidence_margin",
    "model",
    "prompt_sha256",
    "reason",
    "candidates",
)
STANDING: Final = ("auto", "confirmed")
"""The states of a mapping whose stem is decided."""
NO_NOTES: Final = "the track has no notes"
"""The reason for which a track that plays nothing has no stem."""
CALL_COLUMNS: Final = (
    "prompt_sha256",
    "model",
    "prompt_version",
    "request",
    "response",
    "prompt_tokens",
    "completion_tokens",
)
_NUMBERS: Final = (
    "category_confidence",
    "confidence",
    "name_score",
    "evidence_score",
    "evidence_margin",
)
_TEXTS: Final = ("instrument_category", "state", "method", "model", "prompt_sha256", "reason")


@dataclass(frozen=True, slots=True)
class TrackMapping:
    """One row of ``track_mappings``, with names for people.

    Attributes
    ----------
    place : str
        The track's index as a person types it: ``#3``, ``#3 ch10``.
    track_name : str
        As people are shown it: a part's with its channel.
    confidence : float
        Of the group, or of 'no group' where there is none, 0…1.
    evidence_margin : float or None
        The group's evidence score less its best rival's.
    candidates : list of dict
        The likeliest groups with their scores, best first: what a person chooses from.
    """

    midi_track_id: int
    place: str
    track_name: str
    audio_file_id: int | None
    canonical_name: str | None
    instrument_category: str | None
    category_confidence: float | None
    state: str
    method: str | None
    confidence: float
    name_score: float | None
    evidence_score: float | None
    evidence_margin: float | None
    model: str | None
    prompt_sha256: str | None
    reason: str
    candidates: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CueMapping:
    """The mapping of one cue.

    Attributes
    ----------
    tracks : tuple of TrackMapping
        One for every track, in the order given.
    group_categories : dict of int to (str or None)
        By ``audio_files.id``.
    calls : tuple of dict
        Rows of ``llm_calls``, those answered from the cache as well.
    summary : dict
        JSON values for logs and metadata: ``states`` and ``methods`` (counts), ``decided_by``,
        ``model``, ``calls``, ``cached_calls``, ``prompt_tokens``, ``completion_tokens``,
        ``cost_usd`` (None: price unknown), ``note`` (a sentence) and ``warnings``.
    stems : DataFrame
        Rows of ``track_stems``.
    """

    tracks: tuple[TrackMapping, ...]
    group_categories: dict[int, str | None]
    calls: tuple[dict[str, Any], ...]
    summary: dict[str, Any]
    stems: "DataFrame"

    def tables(self) -> "dict[str, DataFrame]":
        """Return the rows that the asset owns, by table."""
        import pandas as pd

        rows = pd.DataFrame(
            [{c: getattr(t, c) for c in MAPPING_COLUMNS} for t in self.tracks],
            columns=list(MAPPING_COLUMNS),
        )
        rows["midi_track_id"] = rows["midi_track_id"].astype("int64")
        rows["audio_file_id"] = _nullable_ids([t.audio_file_id for t in self.tracks])
        for column in _NUMBERS:
            rows[column] = rows[column].astype("float64")
        for column in _TEXTS:
            rows[column] = _texts([getattr(t, column) for t in self.tracks])
        midi_tracks = pd.DataFrame(
            {
                "id": rows["midi_track_id"],
                "instrument_category": rows["instrument_category"],
                "assigned_audio_file_id": rows["audio_file_id"],
            }
        )
        audio_files = pd.DataFrame(
            {
                "id": pd.Series(list(self.group_categories), dtype="int64"),
                "instrument_category": _texts(list(self.group_categories.values())),
            }
        )
        return {
            "track_mappings": rows,
            "track_stems": self.stems,
            "midi_tracks": midi_tracks,
            "audio_files": audio_files,
            "llm_calls": _calls_table(self.calls),
        }

    @property
    def table(self) -> "DataFrame":
        """The mapping for people: `#`, track, stem, category, state, confidence, reason."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "#": t.place,
                    "track": t.track_name,
                    "stem": t.canonical_name,
                    "category": t.instrument_category,
                    "state": t.state,
                    "method": t.method,
                    "confidence": round(t.confidence, 3),
                    "reason": t.reason,
                }
                for t in self.tracks
            ],
            columns=["#", "track", "stem", "category", "state", "method", "confidence", "reason"],
        )


def _nullable_ids(values: list[int | None]) -> Any:
    """Return ids as Int64: by way of float64 they would lose their last bits."""
    import pandas as pd

    return pd.array([pd.NA if v is None else v for v in values], dtype="Int64")


def _texts(values: list[str | None]) -> Any:
    import pandas as pd

    return pd.Series(values, dtype="object")


def _calls_table(calls: tuple[dict[str, Any], ...]) -> "DataFrame":
    import pandas as pd

    table = pd.DataFrame(list(calls), columns=list(CALL_COLUMNS))
    for column in ("prompt_tokens", "completion_tokens"):
        table[column] = _nullable_ids([call.get(column) for call in calls])
    return table
