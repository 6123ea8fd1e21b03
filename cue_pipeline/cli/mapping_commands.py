"""The group ``cue-pipeline mappings``, with ``batch``: its commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cue_pipeline.cli.context import configured, fork_server, known_cue, open_store
from cue_pipeline.cli.database_option import DatabaseGroup
from cue_pipeline.cli.display import print_mappings
from cue_pipeline.cli.saying import say, say_json


class _ShowByDefault(DatabaseGroup):
    """``mappings CUE_KEY`` reads; ``mappings set …`` writes."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args.insert(0, "show")
        return super().resolve_command(ctx, args)


@click.group(cls=_ShowByDefault)
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
