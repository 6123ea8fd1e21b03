"""A library of cues, opened by the URL of its database."""

from __future__ import annotations

import os
import unicodedata
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cue_pipeline.errors import CueError, UnknownNameError, closest_names
from cue_pipeline.reading.one_cue import Cue
from cue_pipeline.warehouse.engine import describe
from cue_pipeline.warehouse.opening import open_for_reading
from cue_pipeline.warehouse.vouched import asset_names, asset_states

if TYPE_CHECKING:
    from cue_pipeline.warehouse.store import CueRow

CueState = Literal["ready", "incomplete", "present", "missing"]


def open_library(url: str, root: str | os.PathLike[str] | None = None) -> Library:
    """Open what `cue-pipeline process` has written, to read it.

    Nothing is created, upgraded or written.

    Parameters
    ----------
    url : str
        Of the database, as ``DATABASE_URL`` takes it: ``sqlite:///cue_pipeline.db``,
        ``postgresql://…``.
    root : str or path, optional
        Where the cues' folders are now, if the library has moved since it was scanned. Only
        samples are read from there.

    Returns
    -------
    Library

    Raises
    ------
    WarehouseError
        If there is no such database, it cannot be reached, or its schema is older or newer than
        this program's; says what to do.
    CueError
        If ``root`` is no folder.
    """
    return Library(url, root)


class Library(Mapping[str, Cue]):
    """The cues of a library by key, in natural order. Made by :func:`open_library`.

    It, and all that comes from it, may be handed to other processes, forked or spawned: each has
    its own connections.

    Attributes
    ----------
    root : Path or None
        Where the cues' folders are, if told; otherwise where each was scanned.
    store : Store
        The tables, read-only.
    """

    def __init__(self, url: str, root: str | os.PathLike[str] | None = None) -> None:
        self._url = url
        self.root = None if root is None else Path(root).expanduser().absolute()
        if self.root is not None and not self.root.is_dir():
            raise CueError(
                f"The library's root '{self.root}' is not a folder. Give the folder below which "
                "the cues are now, or leave `root` out to read from where they were scanned."
            )
        self.store = open_for_reading(url)
        _forget_after_fork(self)

    @property
    def database(self) -> str:
        """The database's URL, without its password."""
        return describe(self._url)

    def cues(self, *, project: str | None = None, state: CueState | None = None) -> list[Cue]:
        """Return cues, in natural order of their keys.

        Parameters
        ----------
        project : str, optional
            Only those of this project, as the folders' names say.
        state : {"ready", "incomplete", "present", "missing"}, optional
            ``ready``: present, and the ledger vouches for all assets. ``incomplete``: present, and
            it does not. ``present``, ``missing``: whether the last scan found the folder.

        Raises
        ------
        UnknownNameError
            If there is no such project or state.
        """
        if state not in (None, "ready", "incomplete", "present", "missing"):
            raise UnknownNameError(
                f"No state {state!r}: there are 'ready', 'incomplete', 'present' and 'missing'."
            )
        rows = self._rows()
        projects = {row.project for row in rows if row.project is not None}
        if project is not None and project not in projects:
            raise UnknownNameError(
                f"No project {project!r} in {self.database}. "
                + (f"Did you mean {closest_names(project, projects)}?" if projects else "The names "
                   "of its folders say no project.")
            )  # fmt: skip
        rows = [row for row in rows if project in (None, row.project)]
        if state in ("present", "missing"):
            rows = [row for row in rows if row.state == state]
        elif state is not None:
            whole = self._whole()
            rows = [
                row
                for row in rows
                if row.state == "present" and (row.cue_key in whole) is (state == "ready")
            ]
        return [self._cue(row) for row in rows]

    def splits(self) -> dict[str, str]:
        """Return ``train``, ``validation`` or ``test`` of every cue that has a split, by its key.

        `cue-pipeline splits make` draws them; a cue that came later has none until then.
        """
        from cue_pipeline.warehouse.split_rows import read_splits

        return {key: row.split for key, row in read_splits(self.store.engine).items()}

    def __getitem__(self, key: str) -> Cue:
        row = self.store.cue(unicodedata.normalize("NFC", key))
        if row is None:
            raise self._unknown(key)
        return self._cue(row)

    def __iter__(self) -> Iterator[str]:
        return iter([row.cue_key for row in self._rows()])

    def __len__(self) -> int:
        return len(self.store.cues())

    def __repr__(self) -> str:
        return f"<Library of {len(self)} cues in {self.database}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return open_library, (self._url, self.root)

    def _cue(self, row: CueRow) -> Cue:
        return Cue(self, row)

    def _rows(self) -> list[CueRow]:
        from cue_pipeline.cue.numbering import natural_key

        return sorted(self.store.cues(), key=lambda row: natural_key(row.cue_key))

    def _whole(self) -> set[str]:
        needed = asset_names()
        return {
            key
            for key, states in asset_states(self.store).items()
            if all(states.get(asset) == "ready" for asset in needed)
        }

    def _unknown(self, key: str) -> UnknownNameError:
        keys = list(self)
        if not keys:
            return UnknownNameError(
                f"No cue {key!r}: {self.database} holds no cues yet. Run `cue-pipeline process "
                "BASE_DIR`, or open the database that you mean."
            )
        return UnknownNameError(
            f"No cue {key!r} among the {len(keys)} in {self.database}. Did you mean "
            f"{closest_names(key, keys)}?"
        )


def _forget_after_fork(library: Library) -> None:
    """Have a forked process make connections of its own; two cannot share one."""
    known = weakref.ref(library)

    def forget() -> None:
        opened = known()
        if opened is not None:
            opened.store.engine.dispose(close=False)

    os.register_at_fork(after_in_child=forget)
