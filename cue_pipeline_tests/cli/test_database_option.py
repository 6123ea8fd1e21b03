"""Every command works on the database that ``--database-url`` names."""

import os
from collections.abc import Iterator

import click
import pytest

from cue_pipeline.cli.commands import cli
from cue_pipeline_tests.cues import write_cue
from cue_pipeline_tests.workspace import clean_environment, said_here

WITHOUT_DATABASE = {("demo",), ("categorise",), ("export", "verify")}
NEEDED = {
    ("mappings", "set"): ("--group", "x"),
    ("align", "set"): ("--lag", "1"),
    ("export", "pack"): ("--license", "x"),
    ("export", "parquet"): ("--license", "x"),
    ("export", "slakh"): ("--license", "x"),
    ("export", "webdataset"): ("--license", "x"),
}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every command of the command line, groups among them."""
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def command_at(path: tuple[str, ...]) -> click.Command:
    found: click.Command = cli
    for name in path:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    return found


EVERY = list(commands(cli))
LEAVES = [path for path in EVERY if not isinstance(command_at(path), click.Group)]


def required_by(path: tuple[str, ...]) -> list[str]:
    """Return some value for each argument that a command requires."""
    return [
        param.type.choices[0] if isinstance(param.type, click.Choice) else "x"
        for param in command_at(path).params
        if isinstance(param, click.Argument) and param.required
    ]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in an empty folder, whose environment names a database that nothing may touch."""
    monkeypatch.chdir(tmp_path)
    clean_environment(monkeypatch)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///of the environment.db")
    return tmp_path


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_the_option(path):
    options = {name for param in command_at(path).params for name in param.opts}
    assert "--database-url" in options


@pytest.mark.parametrize("path", [p for p in LEAVES if p not in WITHOUT_DATABASE], ids=" ".join)
def test_every_command_opens_the_database_of_the_option(path, here):
    said = said_here(
        (
            *path,
            *required_by(path),
            *NEEDED.get(path, ()),
            "--database-url",
            "sqlite:////no/such/place.db",
        ),
        expect=2,
    )
    assert "/no/such/place.db'" in said
    assert "does not exist" in said
    assert not list(here.iterdir())
    assert os.environ["DATABASE_URL"] == "sqlite:///of the environment.db"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--database-url", "sqlite:///told.db", "db", "current"),
        ("db", "--database-url", "sqlite:///told.db", "current"),
        ("--database-url", "sqlite:///first.db", "db", "current", "--database-url", "sqlite:///told.db"),
    ],
    ids=["before the group", "before the command", "twice, the last holds"],
)  # fmt: skip
def test_the_option_may_stand_before_the_command_too(arguments, here):
    assert "There is no database sqlite:///told.db" in said_here(arguments, expect=2)


def test_mappings_of_a_cue_are_those_of_the_option_wherever_it_stands(here):
    for arguments in (
        ("mappings", "1m01", "--database-url", "sqlite:///told.db"),
        ("mappings", "--database-url", "sqlite:///told.db", "1m01"),
    ):
        assert "There is no database sqlite:///told.db" in said_here(arguments, expect=2)


CREATING = {("process",), ("db", "upgrade")}


@pytest.mark.parametrize(
    "path", [p for p in LEAVES if p not in WITHOUT_DATABASE | CREATING], ids=" ".join
)
def test_a_command_makes_no_database_where_there_is_none(path, here):
    told = ("--database-url", f"sqlite:///{here / 'mistyped.db'}")
    said = said_here((*path, *required_by(path), *NEEDED.get(path, ()), *told), expect=2)
    assert "mistyped.db' does not exist" in said
    assert not list(here.iterdir())


def test_a_dry_run_without_a_database_plans_as_if_it_were_empty_and_makes_none(here):
    write_cue(here / "library", "1m01")
    told = ("--database-url", f"sqlite:///{here / 'new.db'}")
    before = sorted(here.rglob("*"))
    said = said_here(("process", "library", "--dry-run", *told), expect=0)
    assert "1m01" in said
    assert "new.db yet; none is made" in said
    assert sorted(here.rglob("*")) == before


def test_a_dry_run_refuses_a_database_in_a_folder_that_does_not_exist(here):
    told = ("--database-url", f"sqlite:///{here / 'no' / 'new.db'}")
    said = said_here(("process", "x", "--dry-run", *told), expect=2)
    assert "lies in a folder that does not exist" in said


def test_the_revision_of_a_database_without_tables_is_that_there_is_none(here):
    (here / "empty.db").touch()
    told = ("--database-url", "sqlite:///empty.db")
    assert "sqlite:///empty.db: no schema yet" in said_here(("db", "current", *told), expect=0)
