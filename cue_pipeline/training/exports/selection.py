"""Which cues an export takes, which it leaves out and why, and of which data it is made."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cue_pipeline.errors import CuePipelineError, ExportError, WarehouseAwayError

if TYPE_CHECKING:
    from cue_pipeline.reading import Cue, Library

SPLITS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class Chosen:
    """One cue of an export.

    Attributes
    ----------
    cue : Cue
    split : str or None
        None: no splits were made.
    data_versions : mapping of str to str
        Of each asset that every library has, and of the features beside them that are exported.
    """

    cue: Cue
    split: str | None
    data_versions: Mapping[str, str]


@dataclass(frozen=True)
class Selection:
    """The cues of an export.

    Attributes
    ----------
    chosen : tuple of Chosen
        In natural order of their keys.
    left_out : dict of str to str
        Key → why, of all others.
    code_versions : dict of str to list of str
        Asset → the code versions that made the rows.
    doubts : tuple of str
        What is not known of cues that are in it.
    """

    chosen: tuple[Chosen, ...]
    left_out: dict[str, str]
    code_versions: dict[str, list[str]]
    doubts: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The same as long as the same data would be exported."""
        told = [(c.cue.key, c.split, sorted(c.data_versions.items())) for c in self.chosen]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    @property
    def keys(self) -> frozenset[str]:
        """The keys of its cues."""
        return frozenset(c.cue.key for c in self.chosen)

    def of(self, keys: Collection[str]) -> Selection:
        """Return the same with no other cues than those of some keys."""
        return replace(self, chosen=tuple(c for c in self.chosen if c.cue.key in keys))

    def without(self, unread: Mapping[str, str]) -> Selection:
        """Return the same less cues that could not be read, and why.

        Raises
        ------
        ExportError
            If none is left.
        """
        chosen = tuple(c for c in self.chosen if c.cue.key not in unread)
        if not chosen:
            raise ExportError(f"No cue could be read. The first: {next(iter(unread.values()))}")
        return replace(self, chosen=chosen, left_out={**self.left_out, **unread})

    def left_out_by_reason(self) -> dict[str, list[str]]:
        """Return the keys of cues that are left out, by why."""
        found: dict[str, list[str]] = {}
        for key, why in self.left_out.items():
            found.setdefault(why, []).append(key)
        return found


def select(library: Library, split: str | None, features: Collection[str] = ()) -> Selection:
    """Return which cues of a library are to be exported.

    Cues count whose folder is there and all of whose assets are ready; where splits were made,
    those that have one.

    Parameters
    ----------
    library : Library
    split : str or None
        Only these; None: all.
    features : collection of str
        Assets of chosen kinds of features that are exported too: what others there are makes no
        difference to the data.

    Raises
    ------
    ExportError
        If there is no such split, or no cue is left.
    """
    from cue_pipeline.library.graph import GRAPH
    from cue_pipeline.library.made_of import of_other_files, told_mixed
    from cue_pipeline.warehouse.cue_contents import read_last

    splits = library.splits()
    _require_split(split, splits)
    whole = {cue.key: cue for cue in library.cues(state="ready")}
    present = {cue.key for cue in library.cues(state="present")}
    ledger: dict[str, dict[str, Any]] = {}
    for row in library.store.ledger():
        ledger.setdefault(row.cue_key, {})[row.asset] = row
    last_read = read_last(library.store.engine)
    left_out: dict[str, str] = {}
    chosen = []
    for key in library:
        rows = ledger.get(key, {})
        why = _why_not(key, rows, key in whole, key in present, splits, split)
        if why is None:
            prints = {asset: row.fingerprint for asset, row in rows.items()}
            mixed = of_other_files(prints, last_read.get(key, {}))
            why = None if mixed is None else told_mixed(mixed)
        if why is not None:
            left_out[key] = why
            continue
        versions = {a: str(rows[a].data_version) for a in (*GRAPH, *features) if a in rows}
        chosen.append(Chosen(whole[key], splits.get(key), versions))
    if not chosen:
        told = "; ".join(f"{n} {why}" for why, n in Counter(left_out.values()).most_common(3))
        raise ExportError(
            f"No cue of {library.database} can be exported: {told or 'it holds none'}. Run "
            "`cue-pipeline process BASE_DIR`; `cue-pipeline status` shows what is lacking."
        )
    made: dict[str, set[str]] = {}
    for c in chosen:
        for asset in c.data_versions:
            made.setdefault(asset, set()).add(str(ledger[c.cue.key][asset].code_version))
    code_versions = {asset: sorted(made[asset]) for asset in sorted(made)}
    return Selection(tuple(chosen), left_out, code_versions)


def with_files_as_they_were(
    selection: Selection,
    library: Library,
    say: Callable[[str], None],
    *,
    include_changed: bool = False,
) -> Selection:
    """Return a selection less cues whose files are not those that their rows were made of.

    Labels and starts of such a cue are those of other sound, or other MIDI, than lies there now.

    Parameters
    ----------
    selection : Selection
    library : Library
    say : callable
        Takes a line for people of each such cue.
    include_changed : bool
        Take them all the same, as a doubt.

    Raises
    ------
    ExportError
        If no cue is left.
    """
    from cue_pipeline.library.made_of import CHANGED, split_changed

    keys = [c.cue.key for c in selection.chosen]
    changed, doubts = split_changed(
        library.store, keys, library.root, include_changed=include_changed
    )
    for key, which in changed.items():
        say(f"left out: {key}: {CHANGED}: {which}")
    for doubt in doubts:
        say(f"note: {doubt}")
    kept = tuple(c for c in selection.chosen if c.cue.key not in changed)
    if not kept:
        key, which = next(iter(changed.items()))
        raise ExportError(
            f"No cue is left whose files are those that its rows were made of. The first, {key!r}: "
            f"{which}. Run `cue-pipeline process BASE_DIR`, or take them by --include-changed."
        )
    left_out = {**selection.left_out, **dict.fromkeys(changed, CHANGED)}
    return replace(selection, chosen=kept, left_out=left_out, doubts=tuple(doubts))


@contextmanager
def leaving_out(
    chosen: Chosen, unread: dict[str, str], say: Callable[[str], None]
) -> Iterator[None]:
    """Have a cue that cannot be read leave the others alone: note why, and go on.

    Parameters
    ----------
    chosen : Chosen
    unread : dict of str to str
        Where the cue's key and the reason go.
    say : callable
        Takes a line for people.
    """
    try:
        yield
    except WarehouseAwayError:
        raise
    except CuePipelineError as e:
        unread[chosen.cue.key] = f"it cannot be read: {e}"
        say(f"left out: {chosen.cue.key}: {e}")


def _require_split(split: str | None, splits: Mapping[str, str]) -> None:
    if split is None:
        return
    if not splits:
        raise ExportError(
            "The library has no splits yet. Run `cue-pipeline splits make`, or export without "
            "--split."
        )
    if split not in splits.values():
        there = ", ".join(sorted(set(splits.values())))
        raise ExportError(f"No cue is in split {split!r}; there are {there}.")


def _why_not(
    key: str,
    rows: Mapping[str, Any],
    whole: bool,
    present: bool,
    splits: Mapping[str, str],
    split: str | None,
) -> str | None:
    """Return why a cue is left out; None where it is not."""
    if not present:
        return "its folder is gone"
    if not whole:
        lacking = sorted(asset for asset, row in rows.items() if row.state != "ready")
        return f"not ready: {', '.join(lacking) or 'not all of its assets were made'}"
    if splits and key not in splits:
        return "no split yet: `cue-pipeline splits make` draws one"
    if split is not None and splits[key] != split:
        return "of another split"
    return None
