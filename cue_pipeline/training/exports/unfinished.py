"""A data set while it is written: under another name until it is whole.

Everything is written into ``OUT.unfinished``, and that is renamed to ``OUT`` when its manifest is
there: whoever finds ``OUT`` finds all of it. What a killed export leaves is the folder under its
unfinished name, with which ``resume`` goes on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cue_pipeline.errors import ExportError
from cue_pipeline.training.exports.manifest import write_manifest

SUFFIX = ".unfinished"
ROWS = "rows.jsonl"
"""Where a format may keep rows of its index meanwhile."""

_PROGRESS = "progress.json"
_WORKING = (ROWS, _PROGRESS)


class Unfinished:
    """The folder of a data set that is being written.

    Parameters
    ----------
    out : Path
        Where the data set will be.
    settings : mapping
        JSON values that shape it. One that is resumed must have been begun with the same.
    resume : bool
        Go on with what is there.

    Attributes
    ----------
    folder : Path
        Where files are written meanwhile.
    progress : dict
        What was last given to :meth:`keep`; empty where nothing was.

    Raises
    ------
    ExportError
        If ``out`` is taken, or an unfinished one is there and not to be resumed, or was begun
        with other settings.
    """

    def __init__(self, out: Path, settings: Mapping[str, Any], *, resume: bool = False) -> None:
        self.out = out.expanduser().absolute()
        self.folder = self.out.with_name(self.out.name + SUFFIX)
        self._settings = json.loads(json.dumps(settings))
        self.progress: dict[str, Any] = {}
        _refuse_taken(self.out)
        if self.folder.exists():
            self.progress = self._left(resume=resume)
        else:
            self._create()

    def keep(self, progress: Mapping[str, Any]) -> None:
        """Note how far the export is: from here it goes on after a kill.

        Files that the note speaks of must be flushed to the disk before.
        """
        self.progress = dict(progress)
        text = json.dumps({"settings": self._settings, "progress": self.progress})
        path = self.folder / _PROGRESS
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)

    def finish(
        self,
        form: str,
        description: Mapping[str, Any],
        digests: Mapping[str, str] | None = None,
    ) -> None:
        """Write the manifest over all files, and give the folder its name.

        Parameters
        ----------
        form : str
            Name of the format.
        description : mapping
            JSON values: counts, settings, licence, data versions.
        digests : mapping of str to str, optional
            File → its SHA-256, of files that were hashed as they were written.
        """
        # What it can be gone on with stays until all else is done: hashing takes its time.
        write_manifest(self.folder, form, description, _WORKING, digests or {})
        for name in _WORKING:
            (self.folder / name).unlink(missing_ok=True)
        if self.out.exists():
            self.out.rmdir()  # empty, as was seen at the beginning
        self.folder.replace(self.out)

    def abandon(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self) -> None:
        try:
            self.folder.mkdir(parents=True)
        except OSError as e:
            raise ExportError(
                f"No data set can be written to '{self.out}': {e.strerror}. Give a folder in which "
                "you may write."
            ) from None
        self.keep({})

    def _left(self, *, resume: bool) -> dict[str, Any]:
        if not resume:
            raise ExportError(
                f"'{self.folder}' is what an export that did not end has left. Go on with it by "
                "--resume, or remove it."
            )
        try:
            left = json.loads((self.folder / _PROGRESS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise ExportError(
                f"'{self.folder}' does not say how far it is: its {_PROGRESS} is missing or cannot "
                "be read. Remove the folder and export anew."
            ) from None
        if left["settings"] != self._settings:
            other = sorted(
                name
                for name in {*left["settings"], *self._settings}
                if left["settings"].get(name) != self._settings.get(name)
            )
            raise ExportError(
                f"'{self.folder}' was begun with another {', '.join(other)} than is asked for "
                "now. Ask for the same, or remove the folder and export anew."
            )
        progress: dict[str, Any] = left["progress"]
        return progress


def _refuse_taken(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(
            f"'{out}' is there already, and is not an empty folder. Nothing is overwritten: give "
            "another name, or remove it."
        )
