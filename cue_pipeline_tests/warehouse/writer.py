"""Writers in processes of their own, forked so that they start at once."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from cue_pipeline.warehouse import batched
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.migrations import ensure_schema
from cue_pipeline.warehouse.store import Store
from cue_pipeline_tests.warehouse.synthetic import ASSETS, SyntheticCue, load, replace

_forked = multiprocessing.get_context("fork")


class Writer:
    """A process that runs ``task(url, say, *arguments)``; ``say`` speaks to this one.

    It inherits the listeners that hold engines to Aurora DSQL's limits.
    """

    def __init__(self, task: Callable[..., None], url: str, *arguments: Any) -> None:
        self._heard, say = _forked.Pipe(duplex=False)
        self._process = _forked.Process(target=_run, args=(task, url, say, *arguments))
        self._process.start()
        say.close()

    def hear(self) -> Any:
        return self._heard.recv()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def wait(self) -> str:
        """Wait for its end; return what went wrong, or nothing."""
        self._process.join(100)
        assert self._process.exitcode is not None, "the writer hangs"
        return self.hear() if self._process.exitcode else ""


def _run(task: Callable[..., None], url: str, say: Connection, *arguments: Any) -> None:
    try:
        task(url, say, *arguments)
    except BaseException as e:  # noqa: BLE001
        say.send(f"{type(e).__name__}: {e}")
        raise SystemExit(1) from None


def cue_of(seed: int) -> SyntheticCue:
    """Return one of two cues with the same tracks and groups, and nothing else in common."""
    return SyntheticCue(
        n_tracks=3, n_notes=100 + 10 * seed, n_cc=300 + 50 * seed, n_groups=2, n_frames=500,
        seed=seed,
    )  # fmt: skip


def load_one(url: str, say: Connection, seed: int, lease_seconds: float = 60.0) -> None:
    batched.LEASE_SECONDS = lease_seconds
    store = Store(create_engine(url))
    store.cues()  # from here on it loads
    say.send("ready")
    for asset in ASSETS:
        replace(store, cue_of(seed), asset)


def load_many(url: str, _say: Connection, worker: int, n_cues: int) -> None:
    store = Store(create_engine(url))
    for i in range(n_cues):
        load(store, SyntheticCue(key=f"Reel {worker}/{worker}m{i:02d}"))


def make_schema(url: str, _say: Connection) -> None:
    engine = create_engine(url)
    ensure_schema(engine)
    Store(engine).cues()
