"""What the commands begin with: the settings, the store, and a cue that there is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cue_pipeline.cli.saying import say
from cue_pipeline.errors import SettingsError, closest_names

if TYPE_CHECKING:
    from cue_pipeline.library.plan import CuePlan
    from cue_pipeline.library.progress import CueOutcome, Event
    from cue_pipeline.processes.fork_client import ForkServer
    from cue_pipeline.settings import Settings
    from cue_pipeline.warehouse.store import Store


def configured() -> Settings:
    """Return the settings, and tell which names in the environment look like one and are none."""
    from cue_pipeline.settings import read_settings, unknown_settings

    settings = read_settings()
    for name, close in unknown_settings().items():
        hint = f"did you mean {close}?" if close else ".env.example lists those there are."
        say(f"Note: {name} is no setting and has no effect; {hint}", err=True)
    return settings


def fork_server(*, start: bool = True) -> ForkServer:
    """Return where this command's workers come from; it ends with the command.

    Started first of all, it imports Dagster while the command looks what there is to do.
    """
    from cue_pipeline.defs.runs import PRELOAD
    from cue_pipeline.processes.fork_client import ForkServer

    server = ForkServer(PRELOAD)
    click.get_current_context().call_on_close(server.close)
    if start:
        with suppress(OSError):  # what is wrong, the first worker says
            server.start()
    return server


def run_here(
    plans: Sequence[CuePlan],
    store: Store,
    server: ForkServer,
    *,
    jobs: int,
    watch: Callable[[Event], None],
) -> list[CueOutcome]:
    """Run what the plans say on this machine, in this folder's instance of Dagster."""
    from cue_pipeline.defs.runs import RECORD_ENDS, WORK
    from cue_pipeline.library.pool import run_plans

    return run_plans(
        plans,
        store,
        server,
        work=WORK,
        record_ends=RECORD_ENDS,
        jobs=jobs,
        watch=watch,
        working_directory=Path.cwd(),
    )


def open_store(settings: Settings, *, create: bool = False) -> Store:
    """Return the store of the database that `settings` name.

    Raises
    ------
    WarehouseError
        If there is no such database, unless it is to be created.
    """
    from cue_pipeline.warehouse import opening

    url = settings.database_url.get_secret_value()
    if not create:
        opening.require_database(url)
    return opening.open_store(url)


def open_for_planning(settings: Settings) -> Store:
    """Return the store of the database that `settings` name, or an empty one if there is none yet.

    Raises
    ------
    WarehouseError
        If the database cannot be reached, or the folder of its file does not exist.
    """
    from tempfile import TemporaryDirectory

    from cue_pipeline.warehouse import opening
    from cue_pipeline.warehouse.engine import create_engine

    url = settings.database_url.get_secret_value()
    if opening.missing_file(url) is None:
        return opening.open_store(url)
    create_engine(url)  # refuses a folder that does not exist; connects at first use only
    say(f"Note: there is no database {shown_database(settings)} yet; none is made.", err=True)
    empty = TemporaryDirectory(prefix="cue-pipeline-")
    click.get_current_context().call_on_close(empty.cleanup)
    return opening.open_store(f"sqlite:///{empty.name}/empty.db")


def busy_here(keys: Collection[str]) -> frozenset[str]:
    """Return those of some cues of which Dagster's instance here has a run under way.

    Runs whose process is gone are recorded as ended first.
    """
    from cue_pipeline.defs.busy import busy_cues
    from cue_pipeline.defs.instance import open_instance
    from cue_pipeline.defs.runs.ending import record_dead_runs

    with open_instance(Path.cwd()) as instance:
        record_dead_runs(instance)
        return busy_cues(instance, list(keys))


def shown_database(settings: Settings) -> str:
    """Return the database as it may be shown: without its password."""
    from cue_pipeline.warehouse.engine import describe

    return describe(settings.database_url.get_secret_value())


def known_cue(store: Store, settings: Settings, cue_key: str) -> str:
    """Return `cue_key` as it is.

    Raises
    ------
    SettingsError
        If the store has no such cue; with the keys closest to it, and the database looked in.
    """
    if store.cue(cue_key) is not None:
        return cue_key
    keys = [cue.cue_key for cue in store.cues()]
    if not keys:
        raise SettingsError(
            f"No cue {cue_key!r}: {shown_database(settings)} holds no cues yet. Run `cue-pipeline "
            "process BASE_DIR`, or this command in the folder whose database you mean."
        )
    raise SettingsError(
        f"No cue {cue_key!r} among the {len(keys)} in {shown_database(settings)}. Did you mean "
        f"{closest_names(cue_key, keys)}?"
    )
