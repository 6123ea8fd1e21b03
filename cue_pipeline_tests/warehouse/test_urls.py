import pytest

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse.engine import create_engine
from cue_pipeline.warehouse.urls import describe, dsql_region, normalise_url

PG, DSQL, SQLITE = "postgresql+psycopg2", "auroradsql+psycopg2", "sqlite+pysqlite"

# What is pasted: driver, user, password, host, port, database, query. Expected values are libpq's
# reading (PostgreSQL documentation, "Connection URIs") and, for what it refuses, common sense.
PASTED = {
    "postgresql://user:pw@host:5432/db?sslmode=require": (
        PG, "user", "pw", "host", 5432, "db", {"sslmode": "require"},
    ),
    "postgres://user:pw@host/db": (PG, "user", "pw", "host", None, "db", {}),
    "postgresql+psycopg://u:p@h/d": (PG, "u", "p", "h", None, "d", {}),
    "postgres://u:p%40ss%2Fw%23%25@h/d": (PG, "u", "p@ss/w#%", "h", None, "d", {}),
    "postgres://u:p@ss/w#?d@h:6432/d": (PG, "u", "p@ss/w#?d", "h", 6432, "d", {}),
    "postgres://u:100%@h/d": (PG, "u", "100%", "h", None, "d", {}),
    "postgres://u:a:b:c@h/d": (PG, "u", "a:b:c", "h", None, "d", {}),
    "postgres://u:p+q@h/d": (PG, "u", "p+q", "h", None, "d", {}),
    "postgresql://u:p@[::1]:5433/d": (PG, "u", "p", "::1", 5433, "d", {}),
    "postgresql://u:p@[2001:db8::1]/d": (
        PG, "u", "p", "2001:db8::1", None, "d", {},
    ),
    "postgresql:///d?host=/var/run/postgresql": (
        PG, None, None, None, None, "d", {"host": "/var/run/postgresql"},
    ),
    "postgresql://u@%2Fvar%2Frun%2Fpostgresql/d": (
        PG, "u", None, None, None, "d", {"host": "/var/run/postgresql"},
    ),
    "postgresql://u:p@h/d?options=-csearch_path=cues": (
        PG, "u", "p", "h", None, "d", {"options": "-csearch_path=cues"},
    ),
    "postgresql://u:p@h/d?options=-csearch_path%3Dcues%20-c%20geqo%3Doff&application_name=a+b": (
        PG, "u", "p", "h", None, "d",
        {"options": "-csearch_path=cues -c geqo=off", "application_name": "a+b"},
    ),
    "postgresql://h/d?user=me@corp&password=se@cret": (
        PG, "me@corp", "se@cret", "h", None, "d", {},
    ),
    "postgresql://u:p@a:1,b:2/d?target_session_attrs=read-write": (
        PG, "u", "p", None, None, "d",
        {"host": "a,b", "port": "1,2", "target_session_attrs": "read-write"},
    ),
    " psql 'postgres://u:p@h/d' ": None,
    "DATABASE_URL=postgres://u:p@h/d": (PG, "u", "p", "h", None, "d", {}),
    "postgres://u%40t:p@pool.example.com:6543/d?sslmode=verify-full&sslrootcert=/ca.pem": (
        PG, "u@t", "p", "pool.example.com", 6543, "d",
        {"sslmode": "verify-full", "sslrootcert": "/ca.pem"},
    ),
    "abc123.dsql.us-east-1.on.aws": (
        DSQL, "admin", None, "abc123.dsql.us-east-1.on.aws", None, "postgres", {},
    ),
    "postgresql://abc123.dsql.us-east-1.on.aws": (
        DSQL, "admin", None, "abc123.dsql.us-east-1.on.aws", None, "postgres", {},
    ),
    "postgres://cues@abc123.dsql.eu-west-1.on.aws:5432/postgres": (
        DSQL, "cues", None, "abc123.dsql.eu-west-1.on.aws", 5432, "postgres", {},
    ),
    "sqlite:///cues.db": (SQLITE, None, None, None, None, "cues.db", {}),
    "sqlite:////data/my%20cues.db": (
        SQLITE, None, None, None, None, "/data/my cues.db", {},
    ),
    "sqlite://": (SQLITE, None, None, None, None, None, {}),
}  # fmt: skip


@pytest.mark.parametrize("pasted", [p for p in PASTED if PASTED[p]])
def test_a_url_means_what_libpq_reads_in_it(pasted):
    url = normalise_url(pasted)
    assert (
        url.drivername, url.username, url.password, url.host, url.port, url.database,
        dict(url.query),
    ) == PASTED[pasted]  # fmt: skip


def test_a_whole_psql_command_may_be_pasted():
    assert normalise_url(" psql 'postgres://u:p@h/d' ") == normalise_url("postgres://u:p@h/d")


@pytest.mark.parametrize(
    ("pasted", "message"),
    [
        ("", "DATABASE_URL is empty. Set it to sqlite:///"),
        ("cues.db", "has no scheme.*sqlite:///path/to/file.db"),
        ("mysql://u:secret@h/d", "begins with 'mysql://', which is not supported"),
        ("sqlite://cues.db", "two slashes.*Write sqlite:///cues.db"),
        ("postgres://u:secret@::1/d", r"An IPv6 host stands in brackets: \[::1\]"),
        ("postgres://u:secret@h:port/d", "port 'port' is not a number"),
        ("postgres://u:secret@h:99999/d", "port '99999' is not a number from 1 to 65535"),
    ],
)
def test_what_is_no_url_of_ours_is_refused_with_the_cure(pasted, message):
    with pytest.raises(WarehouseError, match=message) as caught:
        create_engine(pasted)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "pasted",
    [
        "postgres://me:hush@h/d",
        "postgres://h/d?user=me&password=hush",
        "postgres://me@h/d?sslpassword=hush",
        "postgres://me:h@u/s#hush@h/d",
        "me:hush@nowhere",
        "mysql://me:hush@h/d",
    ],
)
def test_a_description_holds_no_secret(pasted):
    assert "hush" not in describe(pasted)
    assert "***" not in describe(pasted)


def test_a_description_names_the_place():
    url = "postgres://me:hush@h:5433/d?sslmode=require"
    assert describe(url) == "postgresql://me@h:5433/d?sslmode=require"
    assert describe("sqlite:///a/b.db") == "sqlite:///a/b.db"


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("abc.dsql.us-east-1.on.aws", "us-east-1"),
        ("ABC.dsql.ap-northeast-2.on.aws", "ap-northeast-2"),
        ("abc.dsql-gamma.eu-west-2.on.aws", "eu-west-2"),
        ("abc.rds.us-east-1.amazonaws.com", None),
    ],
)
def test_the_region_is_in_the_endpoint(host, region):
    assert dsql_region(host) == region


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(WarehouseError, match=r"folder that does not exist: .*nowhere"):
        create_engine(f"sqlite:///{tmp_path}/nowhere/cues.db")
