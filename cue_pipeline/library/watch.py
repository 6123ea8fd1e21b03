"""What a look at the library asks for: which cues are new, changed, being copied, or gone.

Dagster is not imported here. The sensor looks, asks :func:`decide`, and does what it says.

Conventions
-----------
*Quiet*: nothing in the cue's folder is younger than the settling time, by the file system's own
clock (``st_ctime``, which ``cp -p`` and ``rsync -t`` cannot set back).
*Settled*: quiet, and the same in two looks running. Only settled cues are run.
*Asked*: a run was asked for this state of this cue. It is asked for once; whether it then fails
is for ``status`` and the UI to tell.

The sensor acts on files, never on settings: an asset that is stale because a model or a parameter
changed waits for a person, since making it again may cost money.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.library import graph
from cue_pipeline.library.status import AssetStatus, cue_status
from cue_pipeline.library.verdicts import changed_verdicts

if TYPE_CHECKING:
    from cue_pipeline.cue.scan import CueScan
    from cue_pipeline.warehouse.store import CueRow, LedgerRow

RUNS_PER_LOOK = 100
"""Runs that one look asks for at most: making one takes the daemon some tenths of a second."""

REMEMBERED = 500
"""Unsettled cues that are remembered between two looks at most, so that the cursor stays small."""

CLOCK_TRUST_SECONDS = 86_400.0
"""A file dated further in the future than this has a wrong date, not a fresh one."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one look leaves to the next: the sensor's cursor.

    Attributes
    ----------
    seen : mapping of str to str
        Cues that were quiet but seen in this state for the first time → their state.
    asked : mapping of str to str
        Cues of which a run was asked that has not made them ready → their state then.
    told : str
        Digest of what the log was told last, so that it is told once.
    epoch : str
        Part of every run key; renewed when the cursor is reset or the warehouse is empty, so that
        Dagster, which never runs a run key twice, does not refuse what is to be made anew.
    works : str
        Digest of what cues were last compared by.
    """

    seen: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    told: str = ""
    epoch: str = ""
    works: str = ""

    def as_cursor(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_cursor(cls, text: str | None) -> Memory:
        """Return what a cursor says; nothing where a person has reset or mangled it."""
        try:
            stored = json.loads(text or "{}")
            return cls(
                dict(stored["seen"]),
                dict(stored["asked"]),
                str(stored["told"]),
                str(stored["epoch"]),
                str(stored.get("works", "")),
            )
        except (ValueError, KeyError, TypeError):
            return cls()


@dataclass(frozen=True, slots=True)
class CueRequest:
    """A run to ask for."""

    folder: CueFolder
    assets: tuple[str, ...]
    state: str
    """Digest of the cue's files and of what was there before; the same is never run twice."""

    def run_key(self, epoch: str) -> str:
        """Return what Dagster knows the request by."""
        return f"{self.folder.key}:{self.state}:{epoch}"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found, and what is to be done.

    Attributes
    ----------
    requests : tuple of CueRequest
        Runs to ask for now.
    register : tuple of CueFolder
        Cues whose row in the warehouse is to be renewed; those of ``requests`` are among them.
    gone : tuple of str
        Cues to mark as missing.
    copying : tuple of str
        Cues that wait because something in them is younger than the settling time.
    unsettled : int
        Cues that are quiet and wait for a second look.
    left : int
        Cues that wait for room.
    busy : tuple of str
        Settled cues that wait because a run of them is under way.
    blocked : tuple of str
        Cues of which an asset failed on the files as they are now: not run again.
    verdicts : mapping of str to str
        Cues that have become up to date, or have ceased to be, or for another reason.
    """

    requests: tuple[CueRequest, ...] = ()
    register: tuple[CueFolder, ...] = ()
    gone: tuple[str, ...] = ()
    copying: tuple[str, ...] = ()
    unsettled: int = 0
    left: int = 0
    busy: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class Known:
    """What the warehouse knows.

    Attributes
    ----------
    cues : mapping of str to CueRow
        By key.
    ledger : mapping of str to mapping of str to LedgerRow
        By key and asset.
    versions : mapping of str to str
        Current code versions, by asset.
    decided : mapping of str to mapping of str to str
        What people decided, by key and table, as :meth:`Store.decisions` has it.
    """

    cues: Mapping[str, CueRow]
    ledger: Mapping[str, Mapping[str, LedgerRow]]
    versions: Mapping[str, str]
    decided: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def decide(
    scan: CueScan,
    root: Path,
    known: Known,
    memory: Memory,
    *,
    is_quiet: Callable[[CueFolder], bool],
    busy_among: Callable[[Sequence[str]], Collection[str]],
    room: int,
    new_epoch: str,
    below: Path | None = None,
    undecided: Collection[str] = (),
) -> Look:
    """Return what is to be done after a look at the library.

    Parameters
    ----------
    scan : CueScan
        What is on disk; not empty (see :func:`vanished`).
    root : Path
        The library's base folder.
    known : Known
        What the warehouse knows.
    memory : Memory
        What the last look left.
    is_quiet : callable
        Whether nothing in a cue's folder is younger than the settling time. Asked only of cues
        that have something to do.
    busy_among : callable
        Of some cue keys, those of which a run is under way.
    room : int
        Runs that may be asked for now.
    new_epoch : str
        Taken where a new epoch begins; different at each look.
    below : Path, optional
        The part of the library that was looked at.
    undecided : collection of str
        Cues of which nobody knows yet which they are: nothing is done about them.
    """
    if not memory.epoch or not known.cues:
        memory = replace(memory, asked={}, epoch=new_epoch)
    statuses = {
        folder.key: cue_status(
            folder,
            known.ledger.get(folder.key, {}),
            known.versions,
            known.decided.get(folder.key, graph.NOTHING_DECIDED),
        )
        for folder in scan.cues
    }
    pending, blocked = _pending(scan, known, statuses)
    pending = {key: request for key, request in pending.items() if key not in undecided}
    asked = {key: s for key, s in memory.asked.items() if key in pending}
    copying: list[str] = []
    settled: list[CueRequest] = []
    seen: dict[str, str] = {}
    unsettled = left = 0
    for key, request in pending.items():
        if asked.get(key) == request.state:
            continue
        asked.pop(key, None)
        if len(seen) >= REMEMBERED and key not in memory.seen:
            left += 1  # it could not be remembered for the next look, so this one passes it by
        elif not is_quiet(request.folder):
            copying.append(key)
        elif memory.seen.get(key) == request.state:
            settled.append(request)
        else:
            unsettled += 1
            if len(seen) < REMEMBERED:
                seen[key] = request.state
    busy = set(busy_among([r.folder.key for r in settled])) if settled else set()
    free = [r for r in settled if r.folder.key not in busy]
    requests = free[: min(room, RUNS_PER_LOOK)]
    chosen = {r.folder.key for r in requests}
    for request in settled:
        if request.folder.key not in chosen and len(seen) < REMEMBERED:
            seen[request.folder.key] = request.state
    asked |= {r.folder.key: r.state for r in requests}
    return Look(
        requests=tuple(requests),
        register=_to_register(scan, root, known, requests),
        gone=tuple(k for k in gone_cues(scan, root, known.cues, below) if k not in undecided),
        copying=tuple(copying),
        unsettled=unsettled,
        left=left + len(free) - len(requests),
        busy=tuple(r.folder.key for r in settled if r.folder.key in busy),
        blocked=tuple(blocked),
        verdicts=changed_verdicts(
            {
                key: states
                for key, states in statuses.items()
                if key in known.ledger and key not in asked and key not in undecided
            },
            known.cues,
            busy_among,
        ),
        memory=replace(memory, seen=seen, asked=asked),
    )


def vanished(root: Path, known: Mapping[str, CueRow]) -> int:
    """Return how many cues were there under ``root`` when it was last looked at."""
    return sum(row.root == str(root) and row.state == "present" for row in known.values())


def wanted(
    folder: CueFolder, statuses: Sequence[AssetStatus], ledger: Mapping[str, LedgerRow]
) -> tuple[list[str], list[str]]:
    """Return the assets of a cue that its files ask for, and those that failed on these files.

    An asset is asked for if it was never made, or was made from other files than those that are
    there now, or failed on others. What stands on an asset that failed on these very files waits,
    if it does not go without it.
    """
    ask: list[str] = []
    stuck: set[str] = set()
    for status in statuses:
        asset, row = status.asset, ledger.get(status.asset)
        if status.state == "ready":
            continue
        node = graph.node(asset)
        waits = bool(stuck.intersection(node.upstream) - node.goes_without)
        if waits or (
            status.state == "failed" and row and not _failed_on_other_input(folder, row, ledger)
        ):
            stuck.add(asset)
        elif (
            row is None
            or status.state in ("failed", "loading")
            or row.fingerprint != graph.fingerprint(asset, folder)
        ):
            ask.append(asset)
    return ask, [s.asset for s in statuses if s.asset in stuck and s.state == "failed"]


def youngest_moment(folder: CueFolder) -> float:
    """Return when anything in a cue's folders was last written, renamed or moved in.

    Returns
    -------
    float
        Seconds since the epoch by the file system's clock; 0.0 where nothing can be read.

    Notes
    -----
    Copies under way often have hidden names, so every entry counts, not only media files.
    """
    places = {folder.path, folder.path / "PT"}
    places |= {(folder.path / path).parent for path in folder.midi_paths + folder.audio_paths}
    latest = 0.0
    for place in places:
        try:
            latest = max(latest, place.stat().st_ctime)
            with os.scandir(place) as entries:
                for entry in entries:
                    latest = max(latest, entry.stat(follow_symlinks=False).st_ctime)
        except OSError:  # gone between the scan and now: the next look sees it
            continue
    return latest


def quiet(folder: CueFolder, now: float, settle_seconds: float) -> bool:
    """Whether nothing in a cue's folders is younger than ``settle_seconds``."""
    age = now - youngest_moment(folder)
    return age >= settle_seconds or age < -CLOCK_TRUST_SECONDS


def _pending(
    scan: CueScan, known: Known, statuses: Mapping[str, Sequence[AssetStatus]]
) -> tuple[dict[str, CueRequest], list[str]]:
    pending: dict[str, CueRequest] = {}
    blocked: list[str] = []
    for folder in scan.cues:
        ledger = known.ledger.get(folder.key, {})
        ask, failed = wanted(folder, statuses[folder.key], ledger)
        if failed:
            blocked.append(folder.key)
        if ask:
            pending[folder.key] = CueRequest(folder, tuple(ask), _state(folder, ask, ledger))
    return pending, blocked


def _failed_on_other_input(
    folder: CueFolder, row: LedgerRow, ledger: Mapping[str, LedgerRow]
) -> bool:
    """Whether a failed asset would see something else today than when it failed."""
    # A run that could not read the folder at all, or died, has left no fingerprint.
    if row.fingerprint and row.fingerprint != graph.fingerprint(row.asset, folder):
        return True
    upstream = [ledger.get(up) for up in graph.node(row.asset).upstream]
    return any(
        up is not None
        and up.state == "ready"
        and up.finished_at
        and up.finished_at > row.started_at
        for up in upstream
    )


def _state(folder: CueFolder, ask: Sequence[str], ledger: Mapping[str, LedgerRow]) -> str:
    """Return a digest of the cue's files, what is asked for, and what was there before.

    With what was there before, a cue that goes back to an older state of its files is run again.
    """
    before = [ledger[asset].data_version if asset in ledger else None for asset in ask]
    text = json.dumps([folder.fingerprint, ask, before])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _to_register(
    scan: CueScan, root: Path, known: Known, requests: Sequence[CueRequest]
) -> tuple[CueFolder, ...]:
    asked = {request.folder.key for request in requests}
    register = []
    for folder in scan.cues:
        row = known.cues.get(folder.key)
        seen = ("present", str(root), folder.folder)
        back = row is not None and (row.state, row.root, row.folder) != seen
        if back or folder.key in asked:
            register.append(folder)
    return tuple(register)


def gone_cues(
    scan: CueScan, root: Path, known: Mapping[str, CueRow], below: Path | None = None
) -> tuple[str, ...]:
    """Return the keys of cues that were under ``root`` and are no longer.

    Parameters
    ----------
    below : Path, optional
        Only here was looked.
    """
    here = {folder.key for folder in scan.cues}
    # What cannot be read just now, or is half copied, is not gone.
    unclear = [unicodedata.normalize("NFC", str(problem.path)) for problem in scan.problems]
    return tuple(
        key
        for key, row in known.items()
        if row.root == str(root) and row.state == "present" and key not in here
        if below is None or _within(str(row.path), str(below))
        if not any(_within(unicodedata.normalize("NFC", f"{root}/{key}"), u) for u in unclear)
    )


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")
