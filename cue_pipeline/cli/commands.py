"""The commands, their options and their exit codes.

Nothing heavy is imported until a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cue_pipeline.cli.context import (
    configured,
    fork_server,
    known_cue,
    open_store,
    run_here,
    shown_database,
)
from cue_pipeline.cli.database_option import DatabaseGroup
from cue_pipeline.cli.display import (
    live_display,
    print_mappings,
    print_outcomes,
    print_plan,
    print_status,
)
from cue_pipeline.cli.saying import say, say_json, say_lines
from cue_pipeline.errors import CuePipelineError, SettingsError

if TYPE_CHECKING:
    from cue_pipeline.library.plan import LibraryPlan
    from cue_pipeline.library.progress import CueOutcome
    from cue_pipeline.processes.fork_client import ForkServer
    from cue_pipeline.warehouse.store import Store


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2."""
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

    from cue_pipeline.library.graph import GRAPH

    for name in names:
        if name not in GRAPH:
            close = get_close_matches(name, GRAPH, n=2)
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise SettingsError(f"There is no asset {name!r}.{hint} Assets are {', '.join(GRAPH)}.")
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
    store = open_store(settings)

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
@click.option("--json", "as_json", is_flag=True, help="One JSON object per cue × asset, in a list.")
def status(as_json: bool) -> None:
    """Show the state of every cue × asset, and why.

    ready: rows are those of today's files and settings. stale: they are of an older state.
    missing: never made. failed: the last run failed. loading: being written now.
    """
    settings = configured()
    from cue_pipeline.library.status import read_status

    store = open_store(settings)
    statuses = read_status(store, settings)
    if as_json:
        rows = [
            {"cue_key": s.cue_key, "asset": s.asset, "state": s.state, "reason": s.reason}
            for s in statuses
        ]
        say_json(rows)
        return
    from cue_pipeline.cli.cues import cues_told

    gone = [cue.cue_key for cue in store.cues() if cue.state == "missing"]
    print_status(statuses, shown_database(settings), gone, store.ledger(), cues_told(store))


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


@cli.group()
def cues() -> None:
    """Show, move or forget the cues of the library."""


@cues.command(name="list", short_help="List the cues.")
@click.option("--project", metavar="NAME", help="Only those of this project.")
@click.option("--state", type=click.Choice(["present", "missing"]), help="Only those.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def list_cues(project: str | None, state: str | None, as_json: bool) -> None:
    """List the cues that were ever found, and whether their folders are there."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.list_cues(store, shown_database(settings), project, state, as_json=as_json)


@cues.command(name="show", short_help="Show what is known of one cue.")
@click.argument("cue_key")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def show_cue(cue_key: str, as_json: bool) -> None:
    """Show where CUE_KEY is, was, and what of it is made and decided."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    pattern = settings.project_pattern
    key = known_cue(store, settings, cue_key)
    library.show_cue(store, key, project_pattern=pattern, as_json=as_json)


@cues.command(name="move", short_help="Say that the cue OLD is the folder NEW now.")
@click.argument("old")
@click.argument("new")
def move_cue(old: str, new: str) -> None:
    """Give the cue OLD the key NEW: its rows and decisions go with it.

    NEW is a folder's path below the library's root. `process` moves a cue by itself where its
    folder was renamed or moved and holds what it held; this is for where files changed on the way.
    What was made of NEW as a cue of its own is made from OLD's rows then, as far as files changed.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.move_cue(store, settings, known_cue(store, settings, old), new)


@cues.command(short_help="Say that the library lies in NEW_ROOT now.")
@click.argument("new_root", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "old_root",
    type=click.Path(path_type=Path),
    metavar="OLD_ROOT",
    help="The library that is meant, where there are several.",
)
def adopt(new_root: Path, old_root: Path | None) -> None:
    """Have the library's cues looked for below NEW_ROOT from now on.

    For a library that was moved or copied elsewhere, keys stay. Where NEW_ROOT lies above or below
    the folder from which the cues were registered, keys become longer or shorter, and rows and
    decisions go with them. Nothing is made again.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.adopt(store, settings, new_root, old_root)


@cues.command(short_help="Remove a cue from the tables and from Dagster.")
@click.argument("cue_key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--runs", is_flag=True, help="Remove Dagster's runs of it too.")
@click.option(
    "--export",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where its decisions go, for `cues restore`.  [default: KEY.decisions.json]",
)
def forget(cue_key: str, yes: bool, runs: bool, file: Path | None) -> None:
    """Remove all rows of CUE_KEY, its partition and, with --runs, its runs; files stay.

    What people decided about it is written to FILE first.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.forget(store, known_cue(store, settings, cue_key), file, yes=yes, runs=runs)


@cues.command(short_help="Store the decisions of FILE again.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--cue", "cue_key", metavar="KEY", help="As decisions about this cue.")
def restore(file: Path, cue_key: str | None) -> None:
    """Store again what people had decided about a cue that was forgotten, from FILE."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import cues as library

    library.restore(store, settings, file, cue_key)


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
    from cue_pipeline.warehouse import engine, migrations

    url = configured().database_url.get_secret_value()
    opened = engine.create_engine(url)
    revision = migrations.current(opened)
    if revision == migrations.HEAD:
        migrations.require_whole(opened)
    say(f"{engine.describe(url)}: {revision or 'no schema yet; run cue-pipeline db upgrade'}")


class _ShowByDefault(DatabaseGroup):
    """``mappings CUE_KEY`` reads; ``mappings set …`` writes."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args.insert(0, "show")
        return super().resolve_command(ctx, args)


@cli.group(cls=_ShowByDefault)
def mappings() -> None:
    """Show or decide which MIDI track is which stem.

    `cue-pipeline mappings CUE_KEY [--review] [--json]` shows them. A cue whose key is a command's
    name is shown by `mappings show KEY`.
    """


@mappings.command(short_help="Show which track of CUE_KEY is which stem.")
@click.argument("cue_key")
@click.option("--review", is_flag=True, help="Only those that need a person.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def show(cue_key: str, review: bool, as_json: bool) -> None:
    """Show the tracks of CUE_KEY, their stems, categories, scores and states."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.library.decisions import read_mappings

    cue_key = known_cue(store, settings, cue_key)
    rows = read_mappings(store, cue_key)
    if review:
        rows = [row for row in rows if row["state"] in ("review", "unmatched")]
    if as_json:
        say_json(rows)
    elif review and not rows:
        say(f"{cue_key}: no track needs a person.")
    else:
        print_mappings(cue_key, rows)
    from cue_pipeline.cli.mappings import print_unfit

    print_unfit(store, cue_key)


@mappings.command(name="set")
@click.argument("cue_key")
@click.argument("track")
@click.option("--stem", "--group", "stem", metavar="NAME", help="The stem; '' or '-': it has none.")
@click.option("--category", metavar="NAME", help="One of the 28 instrument categories.")
@click.option("--note", default="", help="Why, for those who read it later.")
@click.option("--all", "every", is_flag=True, help="All tracks that TRACK may mean.")
def set_mapping(
    cue_key: str, track: str, stem: str | None, category: str | None, note: str, every: bool
) -> None:
    """Decide the stem and the category of TRACK; later runs keep it.

    TRACK is a name, #INDEX (the column '#' of `mappings CUE_KEY`), or FILE.mid#INDEX. The cue's
    mappings are made again at once, and nothing else; a model's stored answer is used, it is not
    asked again.
    """
    if stem is None and category is None:
        raise click.UsageError("Give --stem, --category, or both.")
    server = fork_server()
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings as decisions

    decisions.set_mapping(
        store, settings, server, known_cue(store, settings, cue_key), track,
        group=stem, category=category, note=note, every=every,
    )  # fmt: skip


@mappings.command(name="unset", short_help="Take back what was decided about TRACK.")
@click.argument("cue_key")
@click.argument("track")
def unset_mapping(cue_key: str, track: str) -> None:
    """Take back what was decided about TRACK: a name, #INDEX, or FILE.mid#INDEX."""
    server = fork_server()
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings as decisions

    decisions.unset_mapping(store, settings, server, known_cue(store, settings, cue_key), track)


@mappings.command(name="undo", short_help="Take the last change of TRACK back.")
@click.argument("cue_key")
@click.argument("track")
def undo_mapping(cue_key: str, track: str) -> None:
    """Take the last change of what was decided about TRACK back; again: the one before it."""
    server = fork_server()
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings as decisions

    decisions.undo_mapping(store, settings, server, known_cue(store, settings, cue_key), track)


@mappings.command(name="log", short_help="Show who decided what about CUE_KEY, and when.")
@click.argument("cue_key")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def mapping_log(cue_key: str, as_json: bool) -> None:
    """Show every decision about CUE_KEY, the oldest first: when, who, what, and what was before."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings as decisions

    decisions.print_log(store, known_cue(store, settings, cue_key), as_json=as_json)


@mappings.command(name="export", short_help="Write the library's mappings to FILE, a CSV.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--review", is_flag=True, help="Only those that need a person.")
@click.option("--cue", "keys", multiple=True, metavar="KEY", help="Only this cue. Repeatable.")
def export_mappings(file: Path, review: bool, keys: tuple[str, ...]) -> None:
    """Write the mappings of the whole library to FILE, a CSV for a spreadsheet.

    Change canonical_name (empty: no stem) or instrument_category there, or write 'confirmed' as
    the state of a line that is right as it stands, and give the file to `mappings import`.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings as decisions

    known = [known_cue(store, settings, key) for key in keys]
    decisions.export_mappings(store, file, known, review=review)


@mappings.command(name="import", short_help="Keep what people changed in FILE.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Say what would be decided; store nothing.")
@click.option("--skip-bad", is_flag=True, help="Import the other lines where some are bad.")
def import_mappings(file: Path, dry_run: bool, skip_bad: bool) -> None:
    """Keep as decisions what people changed in FILE; unchanged lines decide nothing.

    Exit code: 0 all good, 1 lines were skipped or a cue failed, 2 bad lines and nothing imported.
    """
    server = fork_server(start=not dry_run)
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings as decisions

    decisions.import_mappings(store, settings, server, file, dry_run=dry_run, skip_bad=skip_bad)


@mappings.group(short_help="Ask the model in batches, at half the price.")
def batch() -> None:
    """Ask the model for a whole library in batches: answers within a day, at half the price.

    `submit` sends what is due, `collect` stores the answers; then `cue-pipeline process BASE_DIR`
    makes the mappings, and finds each answer in the store.
    """


@batch.command(name="submit", short_help="Send the questions of all cues whose mapping is due.")
@click.option("--cue", "keys", multiple=True, metavar="KEY", help="Only this cue. Repeatable.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N questions.")
@click.option("--dry-run", is_flag=True, help="Say how much would be asked; send nothing.")
def submit_batch(keys: tuple[str, ...], limit: int | None, dry_run: bool) -> None:
    """Send the questions of all cues whose mapping is due and whose tracks and stems are known.

    What was answered before, or waits in another batch, is not sent again.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings_batch as batches

    known = [known_cue(store, settings, key) for key in keys]
    batches.submit(store, settings, known, limit, dry_run=dry_run)


@batch.command(name="status", short_help="Show how far the batches are.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def batch_status(as_json: bool) -> None:
    """Show how far the batches are that are not collected."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings_batch as batches

    batches.show_status(store, settings, as_json=as_json)


@batch.command(name="collect", short_help="Store the answers of the batches that are done.")
def collect_batches() -> None:
    """Store the answers of the batches that are done; say what has none, which is due again.

    Exit code: 0 every question is answered, 1 some go on waiting or have no answer.
    """
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings_batch as batches

    batches.collect(store, settings)


@batch.command(name="cancel", short_help="Have a batch stopped.")
@click.argument("batch_id")
@click.option("--forget", is_flag=True, help="Nor wait for what it has answered: all is due again.")
def cancel_batch(batch_id: str, forget: bool) -> None:
    """Have the server stop BATCH_ID; `collect` then stores what it has answered by then."""
    settings = configured()
    store = open_store(settings)
    from cue_pipeline.cli import mappings_batch as batches

    batches.cancel(store, settings, batch_id, forget=forget)


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
