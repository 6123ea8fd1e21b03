"""What became of one cue: from its rows and the command's output, by none of the product's code."""

import json
import re
import sqlite3
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Finding:
    """One thing that must be so in a cue.

    Attributes
    ----------
    what : str
        The claim, as a person reads it.
    right : bool
        Whether the stored value is the true one.
    doubt : str
        Pattern (regular expression, any case) of what must be told where the value is not the true
        one. Empty: a wrong value is never excused.
    """

    what: str
    right: bool
    doubt: str = ""


class CueView:
    """The rows and the messages of one cue.

    Parameters
    ----------
    db : sqlite3.Connection
    key : str
        The cue's key.
    output : str
        What the command printed.
    """

    def __init__(self, db: sqlite3.Connection, key: str, output: str) -> None:
        db.row_factory = sqlite3.Row
        self.key, self._db = key, db
        lines = output.splitlines()
        # All cues here have the same few notes, which says nothing of any of them.
        about = (line for line in lines if not re.match(r"note: .* repeats ", line))
        self.lines = [line for line in about if key in line and not line.endswith("match_evidence")]

    def rows(self, sql: str) -> list[dict]:
        """Return rows of a query with the cue's key as ``:key``."""
        return [dict(row) for row in self._db.execute(sql, {"key": self.key})]

    def _of_cue(self, table: str) -> list[dict]:
        return self.rows(
            f"SELECT t.* FROM {table} t JOIN cues c ON c.id = t.cue_id WHERE c.cue_key = :key"
        )

    @cached_property
    def stems(self) -> dict[str, dict]:
        """Rows of ``audio_files`` by name."""
        return {row["canonical_name"]: row for row in self._of_cue("audio_files")}

    @cached_property
    def mixes(self) -> dict[str, dict]:
        """Rows of ``final_mixes`` by name."""
        return {row["canonical_name"]: row for row in self._of_cue("final_mixes")}

    @cached_property
    def files(self) -> dict[str, dict]:
        """Rows of ``midi_files`` by path below the MIDI folder."""
        rows = self._of_cue("midi_files")
        return {row["file_path"].removeprefix("MIDI/"): row for row in rows}

    @cached_property
    def tracks(self) -> list[dict]:
        """Parts of all MIDI files, each with its mapping and its number of notes."""
        return self.rows(
            """
            SELECT t.*, f.file_path, m.state, m.confidence, m.reason, m.method,
                   g.canonical_name AS stem,
                   (SELECT COUNT(*) FROM midi_notes n WHERE n.midi_track_id = t.id) AS notes
            FROM midi_tracks t
            JOIN midi_files f ON f.id = t.midi_file_id
            JOIN cues c ON c.id = f.cue_id
            LEFT JOIN track_mappings m ON m.midi_track_id = t.id
            LEFT JOIN audio_files g ON g.id = m.audio_file_id
            WHERE c.cue_key = :key
            ORDER BY f.file_path, t.track_index, t.part_channel
            """
        )

    @cached_property
    def sounding(self) -> list[dict]:
        """Parts that hold notes."""
        return [track for track in self.tracks if track["notes"]]

    @cached_property
    def ready(self) -> set[str]:
        """Assets that are ready."""
        sql = (
            "SELECT a.asset FROM cue_assets a JOIN cues c ON c.id = a.cue_id"
            " WHERE c.cue_key = :key AND a.state = 'ready'"
        )
        return {row["asset"] for row in self.rows(sql)}

    @cached_property
    def told(self) -> str:
        """All that is told of the cue: warnings in rows, reasons of doubt, the command's lines."""
        texts = [line for line in self.lines if re.match(r"(warning|failed|skipped|note)", line)]
        for row in [*self.stems.values(), *self.mixes.values(), *self.files.values()]:
            texts += json.loads(row["warnings"] or "[]")
        texts += [t["reason"] or "" for t in self.tracks if t["state"] in ("review", "unmatched")]
        return "\n".join(texts)

    def tells(self, pattern: str) -> bool:
        """Whether anything told matches."""
        return re.search(pattern, self.told, re.IGNORECASE) is not None

    def order(self, row: dict) -> str:
        """Return a group's channel labels in the order of its channels, by blanks."""
        return " ".join(channel["label"] for channel in json.loads(row["channels"]))

    def file_warnings(self, row: dict) -> list[str]:
        """Return the warnings of one row."""
        return list(json.loads(row["warnings"] or "[]"))

    def events(self, track: dict) -> list[dict]:
        """Return the notes of a part in their order."""
        return self.rows(
            f"SELECT * FROM midi_notes WHERE midi_track_id = {int(track['id'])}"
            " ORDER BY start_tick, event_index"
        )


def verdict(findings: list[Finding], view: CueView) -> str:
    """Return 'right', 'said' (wrong somewhere, and told so) or 'silent wrong'."""
    wrong = [f for f in findings if not f.right]
    if not wrong:
        return "right"
    if all(f.doubt and view.tells(f.doubt) for f in wrong):
        return "said"
    return "silent wrong"
