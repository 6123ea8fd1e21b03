"""What state each asset of each cue is in, and why."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cue_pipeline.cue.folder import CueFolder
from cue_pipeline.library import graph
from cue_pipeline.settings import Settings
from cue_pipeline.warehouse.store import CueRow, LedgerRow, Store

State = Literal["ready", "stale", "missing", "failed", "loading"]
_DECIDED_SINCE = " changed since: people decided"
FILES_CHANGED = " files changed since"
COMPARING_SECONDS = 5.0
"""How long ``status`` reads files whose dates are new; longer is for a run."""
_OVERTAKEN = "overtaken"  # by what, is looked up only where nothing plainer explains it


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """State of one asset of one cue, with the reason in a sentence."""

    cue_key: str
    asset: str
    state: State
    reason: str


def read_status(
    store: Store,
    settings: Settings,
    cues: Sequence[CueRow] | None = None,
    entries: Sequence[LedgerRow] | None = None,
) -> list[AssetStatus]:
    """Return the state of every registered cue × asset, held against the folders as they are now.

    A cue whose folder cannot be found is held against what was last seen of it.

    Parameters
    ----------
    store : Store
    settings : Settings
    cues, entries : sequence of CueRow, of LedgerRow, optional
        All cues and the whole ledger, where they were read already.
    """
    versions, decided = graph.code_versions(settings), store.decisions()
    ledger: dict[str, dict[str, LedgerRow]] = {}
    for row in store.ledger() if entries is None else entries:
        ledger.setdefault(row.cue_key, {})[row.asset] = row
    found: list[AssetStatus] = []
    for folder, compared in _folders(store, store.cues() if cues is None else cues):
        rows = ledger.get(folder.key, {})
        states = cue_status(folder, rows, versions, decided.get(folder.key, graph.NOTHING_DECIDED))
        found += states if compared else [_uncompared(status) for status in states]
    return found


def _folders(store: Store, rows: Sequence[CueRow]) -> Iterator[tuple[CueFolder, bool]]:
    """Yield each cue's folder as it is now, and whether files with other dates were compared."""
    from cue_pipeline.cue.scan import CueScan
    from cue_pipeline.errors import CueError
    from cue_pipeline.library.recognition import read_folder, recognise

    cues = {cue.cue_key: cue for cue in rows}
    there: dict[str, CueFolder] = {}
    for key, cue in cues.items():
        with contextlib.suppress(CueError):
            there[key] = read_folder(cue)
    scan = CueScan(tuple(there.values()), ())
    # Of all cues at once: what is read of files is paid from one purse.
    read = recognise(scan, cues, store, gone=(), seconds=COMPARING_SECONDS)
    there = {folder.key: folder for folder in read.scan.cues}
    for key, cue in cues.items():
        yield there.get(key) or last_seen(cue), key not in read.left


def without_folder(cues: Iterable[CueRow]) -> tuple[list[str], dict[str, int]]:
    """Return the cues whose folders are not there, and base folders that are not, with their cues.

    A base folder that is not there is a volume that is not mounted, or a library that has moved:
    its cues are counted, and not called gone.
    """
    gone: list[str] = []
    away: dict[str, int] = {}
    here: dict[str, bool] = {}
    for cue in cues:
        if cue.root not in here:
            here[cue.root] = Path(cue.root).is_dir()
        if not here[cue.root]:
            away[cue.root] = away.get(cue.root, 0) + 1
        elif cue.state == "missing" or not cue.path.is_dir():
            gone.append(cue.cue_key)
    return gone, away


def _uncompared(status: AssetStatus) -> AssetStatus:
    """Return a state that is not known: files have other dates, and were not read."""
    if status.state != "stale" or not status.reason.endswith(FILES_CHANGED):
        return status
    kinds = status.reason.removesuffix(FILES_CHANGED)
    return replace(
        status,
        reason=f"{kinds} files have other dates; whether they hold anything else is not compared "
        "here, since that takes long: `cue-pipeline process` does",
    )


def last_seen(cue: CueRow) -> CueFolder:
    """Return what the warehouse remembers of a cue whose folder is not there."""
    return CueFolder(
        key=cue.cue_key,
        root=Path(cue.root),
        path=cue.path,
        midi_paths=(),
        audio_paths=(),
        midi_fingerprint=cue.midi_fingerprint,
        audio_fingerprint=cue.audio_fingerprint,
    )


def cue_status(
    folder: CueFolder,
    ledger: Mapping[str, LedgerRow],
    versions: Mapping[str, str],
    decided: Mapping[str, str] = graph.NOTHING_DECIDED,
) -> list[AssetStatus]:
    """Return the state of each asset of one cue.

    Parameters
    ----------
    folder : CueFolder
        The cue as it is now.
    ledger : mapping of str to LedgerRow
        What the warehouse says of it, by asset.
    versions : mapping of str to str
        Current code versions, by asset.
    decided : mapping of str to str
        What people decided for the cue, by table, as :meth:`Store.decisions` has it.
    """
    expected = graph.expected_data_versions(folder, versions, decided)
    undecided = graph.expected_data_versions(folder, versions) if decided else expected
    found: dict[str, AssetStatus] = {}
    for asset in versions:
        state, reason = _state(asset, folder, ledger.get(asset), versions[asset], expected, found)
        if reason == _OVERTAKEN:
            reason = _what_overtook(asset, ledger, undecided[asset])
        found[asset] = AssetStatus(folder.key, asset, state, reason)
    return list(found.values())


def stems_only(ledger: Iterable[LedgerRow]) -> list[str]:
    """Return the cues in which stems were found, and no final mix of any role."""
    return _with_one_alone(ledger, "channel_groups", "final_mix_features")


def mixes_only(ledger: Iterable[LedgerRow]) -> list[str]:
    """Return the cues in which final mixes were found, and no stem."""
    return _with_one_alone(ledger, "final_mix_features", "channel_groups")


def _with_one_alone(ledger: Iterable[LedgerRow], some: str, none: str) -> list[str]:
    """Return the cues of which one asset has rows, and another is ready without any."""
    rows = {(row.cue_key, row.asset): row.row_count for row in ledger if row.state == "ready"}
    return [key for key, asset in rows if asset == some and rows[key, some]
            and rows.get((key, none)) == 0]  # fmt: skip


def decided_since(asset: str) -> str:
    """Return why rows are stale that nothing but a person's decision has overtaken."""
    return f"{graph.node(asset).obeys}{_DECIDED_SINCE}"


def to_do(statuses: Iterable[AssetStatus]) -> list[str]:
    """Return the assets that are not ready, upstream first."""
    wanted = {status.asset for status in statuses if status.state != "ready"}
    return graph.ordered(wanted)


def _state(
    asset: str,
    folder: CueFolder,
    row: LedgerRow | None,
    code_version: str,
    expected: Mapping[str, str],
    upstream: Mapping[str, AssetStatus],
) -> tuple[State, str]:
    node = graph.node(asset)
    failed_upstream = [
        up
        for up in node.upstream
        if up not in node.goes_without and upstream[up].state in ("failed", "missing")
    ]
    if row is None:
        if failed_upstream:
            return (
                "missing",
                f"waits for {failed_upstream[0]}, {upstream[failed_upstream[0]].state}",
            )
        return "missing", "never materialised"
    if row.state == "loading":
        return "loading", f"being loaded since {row.started_at:%Y-%m-%d %H:%M:%S} UTC"
    if row.state == "failed":
        return "failed", row.error or "no reason was recorded"
    # Without a fingerprint the asset has lost rows that hung on rows of another one.
    if row.data_version == expected[asset] and row.fingerprint is not None:
        return "ready", ""
    if row.fingerprint != graph.fingerprint(asset, folder):
        kinds = " or ".join(sorted(graph.sources(asset)))
        return "stale", f"{kinds}{FILES_CHANGED}"
    if row.code_version != code_version:
        return "stale", graph.what_changed(asset, row.code_version or "", code_version)
    newer = [up for up in graph.node(asset).upstream if upstream[up].state != "ready"]
    return "stale", f"{' and '.join(newer)} changed since" if newer else _OVERTAKEN


def _what_overtook(asset: str, ledger: Mapping[str, LedgerRow], undecided: str) -> str:
    """Return why rows are stale whose upstream assets are ready: made again, or people decided.

    Parameters
    ----------
    asset : str
        The asset.
    ledger : mapping of str to LedgerRow
        Of the cue; the asset has a row.
    undecided : str
        The data version that the asset would have had nobody decided anything.
    """
    node, row = graph.node(asset), ledger[asset]
    if node.obeys and row.data_version == undecided:
        return decided_since(asset)
    made_since = [up for up in node.upstream if _finished_after(ledger.get(up), row)]
    if made_since:
        return f"{' and '.join(made_since)} changed since"
    return decided_since(asset) if node.obeys else "an upstream asset changed since"


def _finished_after(upstream: LedgerRow | None, row: LedgerRow) -> bool:
    if upstream is None or upstream.finished_at is None or row.started_at is None:
        return False
    return upstream.finished_at > row.started_at
