"""What goes wrong between the program and its database, said in one line."""

import os
import socket
import stat
import threading
import time
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from cue_pipeline.errors import SchemaError, WarehouseAwayError, WarehouseError
from cue_pipeline.warehouse import migrations
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.failures import warehouse_error
from cue_pipeline.warehouse.store import Store
from cue_pipeline.warehouse.urls import normalise_url
from cue_pipeline_tests.warehouse.synthetic import SyntheticCue, everything, load, replace


def failure(url: str) -> str:
    engine = create_engine(url)
    with pytest.raises(WarehouseError) as caught:
        migrations.ensure_schema(engine)
    engine.dispose()
    text = str(caught.value)
    assert "\n" not in text
    assert "hush" not in text
    return text


def test_a_database_that_does_not_exist_is_named(postgres_url):
    name = sa.make_url(postgres_url).database
    said = failure(postgres_url.replace(f"/{name}?", "/nowhere?"))
    assert "no such database ('nowhere')" in said
    assert "createdb" in said


def test_a_user_that_does_not_exist_is_named(postgres_url):
    said = failure(postgres_url.replace("postgres:@", "nobody:hush@"))
    assert "no such user ('nobody')" in said


def test_nothing_listening_is_said():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "nothing listens there" in failure(f"postgres://u:hush@127.0.0.1:{port}/d")


def test_a_missing_socket_is_said(tmp_path):
    assert "nothing listens there" in failure(f"postgresql://u:hush@/d?host={tmp_path}")


def test_a_server_that_closes_at_once_is_said():
    with socket.create_server(("127.0.0.1", 0)) as server:
        closing = threading.Thread(target=lambda: [server.accept()[0].close() for _ in range(2)])
        closing.start()
        said = failure(f"postgres://u:hush@127.0.0.1:{server.getsockname()[1]}/d?sslmode=disable")
        with socket.create_connection(server.getsockname()):
            closing.join()
    assert "the connection was lost" in said


def test_a_server_without_tls_is_said():
    """The protocol's answer to a request for TLS is one byte: N."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(8)
            connection.sendall(b"N")
            connection.recv(1)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        said = failure(f"postgres://u:hush@127.0.0.1:{server.getsockname()[1]}/d?sslmode=require")
        thread.join()
    assert "the server cannot encrypt, and sslmode asks for it" in said


def test_an_option_that_libpq_does_not_know_is_named(postgres_url):
    said = failure(postgres_url + "&pgbouncer=true")
    assert "option that PostgreSQL does not know ('pgbouncer')" in said


# Messages of servers that are not here: of PostgreSQL 16, libpq 17 and Amazon's documentation.
SAID = {
    'FATAL:  password authentication failed for user "me"': "refused the user or the password",
    "fe_sendauth: no password supplied": "refused the user or the password",
    "FATAL:  unable to accept connection, access denied": "the IAM token was refused",
    'FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "me", database "d", no encryption': (
        "Add ?sslmode=require"
    ),
    'FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "me", database "d", SSL encryption': (
        "lets this user, from this machine, not into"
    ),
    'could not translate host name "hh" to address: Name or service not known': "no host of that",
    "SSL error: certificate verify failed": "certificate could not be verified",
    'server certificate for "a" does not match host name "b"': "certificate could not be verified",
    "FATAL:  sorry, too many clients already": "no connection left",
    "timeout expired": "the host does not answer",
    'could not extend file "base/1/2": No space left on device': "the disk is full",
    "cannot execute INSERT in a read-only transaction": "may be read but not written",
    "permission denied for table cues": "the user lacks a right",
    "database disk image is malformed": "the file is damaged",
    "canceling statement due to lock timeout": "has been writing the same cue for long",
}


@pytest.mark.parametrize("said", SAID)
def test_what_servers_say_is_put_plainly(said):
    url = normalise_url("postgres://me:hush@h/d")
    error = sa.exc.OperationalError("SELECT 1", {}, psycopg2.OperationalError(said))
    assert SAID[said] in str(warehouse_error(error, url))


# What the same servers say that a restart, or the end of another writer, may cure, …
MAY_PASS = (
    "FATAL:  the database system is starting up",
    "FATAL:  terminating connection due to administrator command",
    "server closed the connection unexpectedly",
    'connection to server at "h", port 5432 failed: Connection refused',
    "FATAL:  sorry, too many clients already",
    "canceling statement due to lock timeout",
    "deadlock detected\nDETAIL:  Process 7 waits for ShareLock on transaction 8",
)
# … and what nothing but a person cures.
LASTS = (
    'could not extend file "base/1/2": No space left on device',
    "permission denied for table cues",
    "cannot execute INSERT in a read-only transaction",
    'FATAL:  password authentication failed for user "me"',
    'relation "cues" does not exist\nLINE 1: SELECT',
)


@pytest.mark.parametrize("said", MAY_PASS + LASTS)
def test_only_what_may_pass_is_called_away(said):
    error = sa.exc.OperationalError("SELECT 1", {}, psycopg2.OperationalError(said))
    found = warehouse_error(error, normalise_url("postgres://me:hush@h/d"))
    assert isinstance(found, WarehouseAwayError) == (said in MAY_PASS)


@pytest.mark.parametrize("kind", ["DataError", "IntegrityError", "ProgrammingError"])
def test_a_server_that_refuses_what_it_was_asked_is_not_away(kind):
    error = getattr(sa.exc, kind)("SELECT 1", {}, getattr(psycopg2, kind)("odd"))
    found = warehouse_error(error, normalise_url("postgres://me:hush@h/d"))
    assert not isinstance(found, WarehouseAwayError)


# What SQLite 3.40 and PostgreSQL 16 say.
LACKING = {
    "table midi_notes has no column named beat": "midi_notes.beat",
    'column "beat" of relation "midi_notes" does not exist\nLINE 1: INSERT': "midi_notes.beat",
    "no such column: midi_notes.beat": "midi_notes.beat",
    "column midi_notes.beat does not exist": "midi_notes.beat",
    "no such table: cues": "cues",
    'relation "cues" does not exist\nLINE 1: SELECT': "cues",
    'column "role" does not exist': "role",
}


@pytest.mark.parametrize("said", LACKING)
def test_what_the_schema_lacks_is_named_with_the_cure(said):
    error = sa.exc.OperationalError("SELECT 1", {}, psycopg2.OperationalError(said))
    found = warehouse_error(error, normalise_url("postgres://me:hush@h/d"))
    assert isinstance(found, SchemaError)
    assert f"lacks '{LACKING[said]}', which" in str(found)
    assert "cue-pipeline db upgrade" in str(found)


def test_an_unknown_message_is_passed_on_without_the_password():
    url = normalise_url("postgres://me:hush@h/d")
    error = warehouse_error(psycopg2.OperationalError("odd: hush\nDETAIL: more"), url)
    assert str(error) == "Database postgresql://me@h/d: odd: ***."


def test_a_wrong_password_is_said(postgres_server, postgres_admin, postgres_url):
    """Against a server that asks for one: its first rule is for this user, and taken out again."""
    with postgres_admin.connect() as connection:
        hba = Path(connection.exec_driver_sql("SHOW hba_file").scalar_one())
        connection.exec_driver_sql("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    before = hba.read_text()
    try:
        hba.write_text("local all guarded scram-sha-256\n" + before)
        reload(postgres_admin)
        url = postgres_url.replace("postgres:@", "guarded:{}@")
        with create_engine(url.format("right")).connect():
            pass
        assert "refused the user or the password" in failure(url.format("hush"))
        assert "refused the user or the password" in failure(url.replace(":{}", ""))
        no_right = failure(url.format("right") + "&options=-csearch_path=public")
        assert "the user lacks a right" in no_right
    finally:
        hba.write_text(before)
        reload(postgres_admin)
        with postgres_admin.connect() as connection:
            connection.exec_driver_sql("DROP ROLE guarded")


def reload(admin: sa.Engine) -> None:
    with admin.connect() as connection:
        loaded = connection.exec_driver_sql("SELECT pg_conf_load_time()").scalar_one()
        connection.exec_driver_sql("SELECT pg_reload_conf()")
        for _ in range(100):
            if connection.exec_driver_sql("SELECT pg_conf_load_time()").scalar_one() != loaded:
                break
            time.sleep(0.05)
    time.sleep(0.1)


def test_a_read_only_postgresql_is_said(postgres_url):
    engine = create_engine(postgres_url)
    migrations.ensure_schema(engine)
    read_only = create_engine(postgres_url + "&options=-cdefault_transaction_read_only=on")
    assert Store(read_only).cues() == []
    with pytest.raises(WarehouseError, match="may be read but not written"):
        Store(read_only).register_cues([SyntheticCue().folder()])


def test_a_file_that_is_no_database_is_said(tmp_path):
    (tmp_path / "notes.txt").write_text("no database " * 1000)
    assert "is no SQLite database" in failure(f"sqlite:///{tmp_path}/notes.txt")


def test_a_read_only_file_is_read_and_said(tmp_path):
    """Opened read-only, because root may write to any file."""
    load(Store(prepared(f"sqlite:///{tmp_path}/cues.db")), SyntheticCue())
    store = Store(create_engine(f"sqlite:///file:{tmp_path}/cues.db?mode=ro&uri=true"))
    assert len(store.cues()) == 1
    with pytest.raises(WarehouseError, match=r"may be read but not written.*Make the file"):
        store.mark_missing([SyntheticCue().key])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert "cannot be opened" in failure(f"sqlite:///{tmp_path}/cues.db")


def prepared(url: str) -> sa.Engine:
    engine = create_engine(url)
    migrations.ensure_schema(engine)
    return engine


def test_a_full_disk_is_said_and_the_cue_stays_as_it_was(tmp_path):
    engine = prepared(f"sqlite:///{tmp_path}/cues.db")
    store, cue = Store(engine), SyntheticCue()
    load(store, cue)
    before = everything(store, cue)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    sa.event.listen(
        engine, "begin", lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    )
    with pytest.raises(WarehouseError, match=r"the disk is full\. Free space, then process again"):
        replace(store, SyntheticCue(n_notes=20_000, seed=1), "midi_events")
    assert everything(store, cue) == before
