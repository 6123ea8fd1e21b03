"""Databases of other versions of the program, and what stands before a database."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from benchmarks.trial_hostile.limited_site import (
    SECONDS,
    Cases,
    NotTriedError,
    Site,
    needed,
    same,
    within,
)
from cue_pipeline.warehouse.migrations import VERSION_TABLE
from cue_pipeline_tests.cues import write_cue


def earlier_revisions(site: Site) -> str:
    from cue_pipeline.warehouse import migrations
    from cue_pipeline.warehouse.engine import create_engine

    write_cue(site.base, "1m01")
    write_cue(site.base, "1m02", base_hz=330.0)
    site.run("process", "library")
    site.run("mappings", "set", "1m01", "Violins I", "--group", "1m01 FHN_01")
    tried = []
    for revision in _revisions():
        older = replace(site, url=_empty_like(site, f"old_{revision}"))
        engine = create_engine(older.url)
        migrations.upgrade(engine, revision)
        with site.engine() as whole:
            _copy_rows(whole, engine)
        before = _counts(engine)
        engine.dispose()
        older.run("db", "upgrade")
        older.run("status")
        with older.engine() as engine:
            after = _counts(engine)
        lost = {name: (n, after.get(name)) for name, n in before.items() if after.get(name) != n}
        needed(not lost, f"{revision}: rows lost: {lost}")
        older.run("process", "library")
        needed(set(older.states().values()) == {"ready"}, f"{revision}: {older.states()}")
        shown = older.run("mappings", "1m01")
        within(shown, "FHN", "confirmed")
        tried.append(revision)
        site.peak_bytes = max(site.peak_bytes, older.peak_bytes)
    return f"{tried[0]} … {tried[-1]}: every row and decision is kept, and all is made again"


def _revisions() -> list[str]:
    from alembic.script import ScriptDirectory

    import cue_pipeline.warehouse.migrations as here

    scripts = ScriptDirectory(str(Path(here.__file__).parent))
    return [script.revision for script in scripts.walk_revisions()][:0:-1]


def _empty_like(site: Site, name: str) -> str:
    if site.url.startswith("sqlite"):
        return f"sqlite:///{site.home}/{name}.db"
    with site.engine() as engine:
        admin = engine.execution_options(isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return sa.make_url(site.url).set(database=name).render_as_string(hide_password=False)


def _tables(engine: sa.Engine) -> dict[str, sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(engine)
    return {t.name: t for t in metadata.sorted_tables if t.name != VERSION_TABLE}


def _copy_rows(source: sa.Engine, target: sa.Engine) -> None:
    """Copy the rows of today into the columns that there were."""
    there = _tables(source)
    with source.connect() as reading, target.begin() as writing:
        for name, table in _tables(target).items():
            if name not in there:
                continue
            columns = [c.name for c in table.columns if c.name in there[name].c]
            rows = reading.execute(sa.select(*(there[name].c[c] for c in columns))).mappings()
            if rows := [dict(row) for row in rows]:
                writing.execute(table.insert(), rows)


def _counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in _tables(engine).items()
        }


def later_schema(site: Site) -> str:
    write_cue(site.base, "1m01")
    site.run("process", "library")
    before = site.frames()
    head = _set_schema(site, "9999")
    told = [site.run(*command, expect=2) for command in (
        ("process", "library"), ("status",), ("mappings", "1m01"), ("db", "upgrade"),
    )]  # fmt: skip
    for said in told:
        within(said, "9999")
        needed("Traceback" not in said, "a traceback is shown")
    _set_schema(site, head)
    same(before, site.frames())
    return "a schema of a later version is left alone by every command, with what to do"


def _set_schema(site: Site, revision: str) -> str:
    """Have the database say that its schema is of a revision; return of which it was."""
    with site.engine() as engine, engine.begin() as connection:
        before = connection.exec_driver_sql(f"select version_num from {VERSION_TABLE}").scalar()
        connection.exec_driver_sql(f"update {VERSION_TABLE} set version_num = '{revision}'")
    return str(before)


def two_versions(site: Site) -> str:
    for k in range(1, 5):
        write_cue(site.base, f"1m0{k}", base_hz=200.0 + 10 * k)
    site.run("process", "library")
    expected = site.frames()
    later = replace(site, env={"PYTHONPATH": str(_later_program(site.home / "later"))})
    needed("stale" in later.states().values(), "the later program takes the earlier one's rows")
    at_once = [program.start("process", "library", "--force") for program in (site, later)]
    ends = [process.communicate(timeout=SECONDS)[0] for process in at_once]
    needed([p.returncode for p in at_once] == [0, 0], f"one failed: {ends}")
    for program in (site, later, site):
        program.run("process", "library")
        states = program.states()
        needed(set(states.values()) == {"ready"}, f"not ready: {states}")
        same(expected, site.frames())
    needed("stale" in later.states().values(), "rows of the earlier program are taken for its own")
    return "two at one library at once: rows whole and equal, the other's are stale to each"


def _later_program(place: Path) -> Path:
    """Write a copy of the program that differs by the number of one algorithm; return where."""
    import cue_pipeline

    package = place / "cue_pipeline"
    shutil.copytree(Path(cue_pipeline.__file__).parent, package,
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    graph = package / "library" / "graph.py"
    earlier = graph.read_text()
    graph.write_text(
        re.sub(r"algorithm=(\d+)", lambda m: f"algorithm={int(m[1]) + 1}", earlier, count=2)
    )
    return place


def pgbouncer(site: Site) -> str:
    program = shutil.which("pgbouncer")
    if program is None or site.url.startswith("sqlite"):
        raise NotTriedError("needs pgbouncer, and --on postgresql")
    url = sa.make_url(site.url)
    host = str(url.query.get("host") or url.host)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = site.home / "bouncer"
    folder.mkdir()
    for path in (site.home, folder):
        path.chmod(0o777)
    (folder / "users.txt").write_text(f'"{url.username}" ""\n')
    (folder / "bouncer.ini").write_text(
        f"[databases]\n* = host={host} port={url.port or 5432} user={url.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        f"auth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = 4\n"
        f"unix_socket_dir =\nlogfile = {folder}/log\npidfile = {folder}/pid\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    # It refuses to run as root; whoever runs the server reaches its socket.
    as_user = ["runuser", "-u", Path(host).owner(), "--"] if os.getuid() == 0 else []
    bouncer = subprocess.Popen([*as_user, program, str(folder / "bouncer.ini")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        time.sleep(2)
        site.url = f"postgresql://{url.username}@127.0.0.1:{port}/{url.database}?sslmode=disable"
        for k in range(3):
            write_cue(site.base, f"1m0{k}", base_hz=200.0 + k)
        site.run("process", "library", "--jobs", "2")
        needed(set(site.states().values()) == {"ready"}, "not ready")
        expected = site.frames()
        site.run("process", "library", "--jobs", "2", "--force")
        same(expected, site.frames())
    finally:
        bouncer.terminate()
        bouncer.wait()
    return "processed twice through it, two at once: rows equal"


CASES: Cases = {
    "database: of each earlier revision, with rows": earlier_revisions,
    "database: of a later version of the program": later_schema,
    "database: two versions of the program at once": two_versions,
    "database: PgBouncer, pool_mode = transaction": pgbouncer,
}
