"""The commands, their options and their exit codes.

Nothing heavy is imported until a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cue_pipeline.cli.align_commands import align
from cue_pipeline.cli.context import (
    busy_here,
    configured,
    fork_server,
    known_cue,
    open_for_planning,
    open_store,
    run_here,
    shown_database,
)
from cue_pipeline.cli.cue_commands import cues
from cue_pipeline.cli.database_option import DatabaseGroup
from cue_pipeline.cli.dataset_commands import dataset
from cue_pipeline.cli.display import (
    live_display,
    print_outcomes,
    print_plan,
)
from cue_pipeline.cli.export_commands import export
from cue_pipeline.cli.mapping_commands import mappings
from cue_pipeline.cli.saying import say, say_json, say_lines
from cue_pipeline.cli.search_commands import search
from cue_pipeline.cli.split_commands import splits
from cue_pipeline.errors import CuePipelineError, SettingsError

if TYPE_CHECKING:
    from cue_pipeline.library.plan import LibraryPlan
    from cue_pipeline.library.progress import CueOutcome
    from cue_pipeline.processes.fork_client import ForkServer
    from cue_pipeline.warehouse.store import Store


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2."""
    # The last search for garbage would go through all that was imported: most of a second on a busy
    # machine, for which a command that was interrupted would live on.
    atexit.register(gc.freeze)
    try:
        cli()
    except CuePipelineError as e:
        say_lines(f"cue-pipeline: {e}", err=True)
        sys.exit(2)


def _assets(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of assets as they are; refuse one that there is not, with the closest."""
    if not names:
        return names
    from difflib import get_close_matches

    from cue_pipeline.library.graph import chosen
    from cue_pipeline.settings import read_settings

    assets = chosen(read_settings())
    for name in names:
        if name not in assets:
            close = get_close_matches(name, assets, n=2)
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise SettingsError(
                f"There is no asset {name!r}.{hint} Assets are {', '.join(assets)}; further ones "
                "come with CUE_FEATURES."
            )
    return names


_select = click.option(
    "--select",
    multiple=True,
    metavar="ASSET",
    callback=_assets,
    help="Only this asset. Repeatable.",
)


@click.group(
    cls=DatabaseGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="cue-pipeline")
def cli() -> None:
    """Turn film-scoring sessions into relational training data.

    A cue is a folder with MIDI/*.mid and PT/Audio Files/*. Settings come from the environment and
    from .env in the working directory; .env.example lists them.
    """


cli.add_command(align)
cli.add_command(cues)
cli.add_command(dataset)
cli.add_command(export)
cli.add_command(mappings)
cli.add_command(search)
cli.add_command(splits)


@cli.command()
@click.argument("base_dir", type=click.Path(path_type=Path))
@click.argument("sample_rate", type=click.IntRange(1_000, 768_000), required=False)
@click.option("--jobs", type=click.IntRange(1), help="Cues at once.  [default: processors]")
@click.option("--force", is_flag=True, help="Also what is up to date.")
@_select
@click.option("--cue", "keys", multiple=True, metavar="KEY", help="Only this cue. Repeatable.")
@click.option(
    "--ask-again", is_flag=True, help="Ask the model again where its answer could not be used."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and why; do nothing.")
def process(
    base_dir: Path,
    sample_rate: int | None,
    jobs: int | None,
    force: bool,
    select: tuple[str, ...],
    keys: tuple[str, ...],
    ask_again: bool,
    dry_run: bool,
) -> None:
    """Process every new or changed cue under BASE_DIR.

    Audio is brought to SAMPLE_RATE (Hz; default: CUE_SAMPLE_RATE, 48000) before features. Cues run
    side by side, each as a Dagster run of its partition. What is up to date is skipped. A cue that
    fails does not stop the others.

    Exit code: 0 all good, 1 some cue failed, or a folder cannot be read or does not say which
    audio is its own, 2 usage or configuration, which a folder without any cue is too.
    """
    server = fork_server(start=not dry_run)
    from cue_pipeline.settings import read_settings

    before = configured()
    if sample_rate and sample_rate != before.sample_rate:
        # The environment is how workers, and whatever they start, get the same settings.
        os.environ["CUE_SAMPLE_RATE"] = str(sample_rate)
        say(
            f"Note: SAMPLE_RATE {sample_rate} is not CUE_SAMPLE_RATE ({before.sample_rate}); "
            "set it in .env too, or `status` and the UI will call these features stale.",
            err=True,
        )
    if ask_again:
        os.environ["OPENAI_ASK_AGAIN"] = "true"
    settings = read_settings()
    store = open_for_planning(settings) if dry_run else open_store(settings, create=True)

    from cue_pipeline.library.plan import plan_library

    plan = plan_library(
        base_dir,
        store,
        settings,
        force=force,
        select=select,
        only=keys,
        dry_run=dry_run,
        ask_again=settings.openai_ask_again,
        busy_among=busy_here,
    )
    if dry_run:
        print_plan(plan)
        return
    if plan.moved or plan.gone or plan.returned:
        from cue_pipeline.cli.cues import follow_in_dagster

        follow_in_dagster(moved=plan.moved, gone=plan.gone, returned=plan.returned)
    outcomes = _run(plan, store, server, jobs or os.cpu_count() or 1)
    print_outcomes(plan, outcomes, store)
    from cue_pipeline.library.works import refresh_works

    for told in refresh_works(store):
        say(f"note: {told}.")
    say(f"Tables are in {shown_database(settings)}.")
    bad = plan.refused or any(problem.kind == "unread" for problem in plan.problems)
    bad = bad or any(o.result in ("failed", "interrupted") for o in outcomes)
    sys.exit(1 if bad else 2 if not plan.cues else 0)


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def demo(folder: Path) -> None:
    """Write small demonstration cues into DIR.

    They are synthesised here and now: music with tempo and meter changes, several MIDI files,
    stems from mono to 5.1, a 5.1 mix, a click track, tracks and stems without a partner.
    """
    from cue_pipeline.demo import write_demo

    for cue in write_demo(folder, progress=lambda text: say(text, err=True)):
        say(str(cue))


@cli.command()
@click.option("--all", "whole", is_flag=True, help="Every cue and asset, however many there are.")
@click.option(
    "--state",
    "wanted",
    multiple=True,
    type=click.Choice(["ready", "stale", "missing", "failed", "loading"]),
    help="Only cues with an asset in this state. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per cue × asset, in a list.")
def status(whole: bool, wanted: tuple[str, ...], as_json: bool) -> None:
    """Show the state of the library: of every cue × asset, and why.

    ready: rows are those of today's files and settings. stale: they are of an older state.
    missing: never made. failed: the last run failed. loading: being written now.

    A library of more than 100 cues is counted by project, each cue by the worst state of its
    assets, and the first 50 cues that need attention are named.
    """
    settings = configured()
    from cue_pipeline.library.status import read_status, without_folder

    store = open_store(settings)
    cues, ledger = store.cues(), store.ledger()
    statuses = read_status(store, settings, cues, ledger)
    there = {s.cue_key for s in statuses if not wanted or s.state in wanted}
    if wanted:
        if statuses and not there and not as_json:
            say(f"No asset of any cue is {' or '.join(wanted)}.")
            return
        statuses = [s for s in statuses if s.cue_key in there]
    if as_json:
        rows = [
            {"cue_key": s.cue_key, "asset": s.asset, "state": s.state, "reason": s.reason}
            for s in statuses
        ]
        say_json(rows)
        return
    from cue_pipeline.cli.cues import cues_told
    from cue_pipeline.cli.library_states import print_status

    gone, away = without_folder(cues)
    print_status(
        statuses,
        shown_database(settings),
        [key for key in gone if key in there],
        [] if wanted else ledger,
        [] if wanted else cues_told(store, cues),
        projects={cue.cue_key: cue.project for cue in cues},
        away={} if wanted else away,
        whole=whole,
    )


@cli.command(short_help="Ask Dagster's daemon for what is not ready.")
@click.option("--stale", is_flag=True, help="Assets whose files, code or parameters have changed.")
@click.option("--failed", is_flag=True, help="Assets that failed, and those that wait for them.")
@click.option("--missing", is_flag=True, help="Assets that were never made.")
@_select
@click.option("--cue", "keys", multiple=True, metavar="KEY", help="Only this cue. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked for, and why.")
def backfill(
    stale: bool,
    failed: bool,
    missing: bool,
    select: tuple[str, ...],
    keys: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Ask Dagster's daemon to make again what is stale, failed or missing.

    Without one of the three flags: all three. Only registered cues count; `process` or the sensor
    registers new ones. The daemon is that of `make ui`, or the service.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli.backfill import ask_for_backfill

    asked = {"stale": stale, "failed": failed, "missing": missing}
    kinds = [kind for kind, wanted in asked.items() if wanted]
    known = [known_cue(store, settings, key) for key in keys]
    ask_for_backfill(store, settings, kinds, select, known, dry_run=dry_run)


@cli.command(short_help="Serve the page on which people decide by eye and ear.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="H",
    help="Address to serve at; one that others reach is guarded by a token.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=3001, show_default=True)
@click.option("--token", metavar="T", help="Asked for once; made up where --host needs one.")
@click.option("--read-only", is_flag=True, help="A catalogue: nothing can be decided.")
@click.option(
    "--root",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Where the cues are now, if the library has moved.",
)
def review(host: str, port: int, token: str | None, read_only: bool, root: str | None) -> None:
    """Serve the page on which people decide by eye and ear which track is which stem.

    The notes of a track stand above the sound of the likeliest stems, and both are heard. Decisions
    are kept at once, and a cue's mappings made again when it is left.
    """
    server = None if read_only else fork_server(start=False)
    settings = configured()
    from cue_pipeline.cli.review import serve

    serve(settings, server, host=host, port=port, token=token, root=root)


@cli.group()
def db() -> None:
    """Manage the database schema."""


@db.command()
def upgrade() -> None:
    """Bring the database's schema to this program's version."""
    from cue_pipeline.warehouse import engine, migrations

    url = configured().database_url.get_secret_value()
    opened = engine.create_engine(url)
    before = migrations.current(opened)
    migrations.upgrade(opened)
    after = migrations.current(opened)
    migrations.require_whole(opened)
    where = engine.describe(url)
    same = f"{where} is at revision {after} already."
    say(same if before == after else f"{where}: {before or 'empty'} → {after}.")


@db.command()
def current() -> None:
    """Show the schema's revision."""
    from cue_pipeline.warehouse import engine, migrations, opening

    url = configured().database_url.get_secret_value()
    opening.require_database(url)
    opened = engine.create_engine(url)
    revision = migrations.current(opened)
    if revision == migrations.HEAD:
        migrations.require_whole(opened)
    say(f"{engine.describe(url)}: {revision or 'no schema yet; run cue-pipeline db upgrade'}")


@cli.command(short_help="Say which instrument category each NAME is.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def categorise(names: tuple[str, ...], as_json: bool) -> None:
    """Say which instrument category each NAME is, and why; names on standard input, one a line."""
    from cue_pipeline.cli.categorise import print_categories, read_names
    from cue_pipeline.mapping.names.parsing import categorise as categorise_name

    if not names and sys.stdin.isatty():
        raise click.UsageError("Give a NAME, or names on standard input, one a line.")
    found = [categorise_name(name) for name in names or read_names()]
    if as_json:
        rows = [
            {"name": f.name, "category": f.category, "confidence": f.confidence, "reason": f.reason}
            for f in found
        ]
        say_json(rows)
        return
    print_categories(found)


def _run(plan: LibraryPlan, store: Store, server: ForkServer, jobs: int) -> list[CueOutcome]:
    with live_display(plan.cues) as watch:
        return run_here(plan.cues, store, server, jobs=jobs, watch=watch)
