"""Rows on their way into the engines: checked, packed, and the same again when they are read."""

import os
import struct
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cue_pipeline.errors import WarehouseError
from cue_pipeline.warehouse.copying import ByteReader, copy_stream
from cue_pipeline.warehouse.encode import encode_rows, json_text
from cue_pipeline.warehouse.frames import read_frame
from cue_pipeline.warehouse.statements import insert_rows, update_rows, upsert_rows
from cue_pipeline.warehouse.types import Json, Timestamp

EXAMPLES = int(os.environ.get("CUE_TEST_EXAMPLES", "25"))
table = sa.Table(
    "trial",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("small", sa.SmallInteger),
    sa.Column("medium", sa.Integer),
    sa.Column("big", sa.BigInteger),
    sa.Column("real", sa.Double),
    sa.Column("text", sa.Text),
    sa.Column("data", sa.LargeBinary),
    sa.Column("json", Json),
    sa.Column("moment", Timestamp),
)
numbers = [c for c in table.c if c.name in {"id", "small", "medium", "big", "real"}]


def integers(bits: int):
    return st.none() | st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | plain_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
    max_leaves=8,
)
values = st.fixed_dictionaries(
    {
        "small": integers(16),
        "medium": integers(32),
        "big": integers(64),
        "real": st.none() | st.floats(allow_nan=False),
        "text": st.none() | plain_text,
        "data": st.none() | st.binary(max_size=64),
        "json": st.none() | st.lists(json_values, max_size=3),
        "moment": st.none()
        | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    }
)


def frame_of(rows: list[dict], columns=None) -> pd.DataFrame:
    frame = pd.DataFrame({"id": np.arange(len(rows), dtype=np.int64)})
    for name in [c.name for c in columns or table.c][1:]:
        frame[name] = pd.Series([r[name] for r in rows], dtype=object)
    return frame


def same(one: object, other: object) -> bool:
    if one is None or one is pd.NA or one is pd.NaT or (isinstance(one, float) and one != one):
        return other is None
    return one == other


@pytest.fixture
def trial(postgres_url, request):
    engines = {
        "sqlite": sa.create_engine("sqlite://", poolclass=sa.StaticPool),
        "postgresql": sa.create_engine(postgres_url.replace("sql:", "sql+psycopg2:")),
    }
    for engine in engines.values():
        table.create(engine)
    yield engines
    for engine in engines.values():
        engine.dispose()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(values, max_size=6), only_numbers=st.booleans())
def test_what_goes_in_comes_out_on_every_engine(trial, rows, only_numbers):
    columns = numbers if only_numbers else list(table.c)
    frame = frame_of(rows, columns)
    for name, engine in trial.items():
        with engine.begin() as connection:
            connection.execute(sa.delete(table))
            encoded = encode_rows(frame, table, columns)
            assert insert_rows(connection, table, [encoded]) == len(rows)
            found = read_frame(connection, table, columns, sa.true())
        for column in columns[1:]:
            got = found[column.name].astype(object).tolist()
            for given_, read in zip((r[column.name] for r in rows), got, strict=True):
                if column.name == "moment" and read is not None and read is not pd.NaT:
                    read = read.to_pydatetime()
                assert same(read, given_), f"{name}: {column.name}"


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(before=st.lists(values, max_size=4), after=st.lists(values, max_size=4))
def test_upserts_and_updates_leave_the_new_values(trial, before, after):
    """The statements over arrays, which Aurora DSQL is loaded by, against executemany."""
    found = {}
    for name, engine in trial.items():
        with engine.begin() as connection:
            connection.execute(sa.delete(table))
            upsert_rows(connection, encode_rows(frame_of(before), table, list(table.c)))
            upsert_rows(connection, encode_rows(frame_of(after), table, list(table.c)))
            halves = encode_rows(frame_of(before, numbers), table, numbers)
            assert update_rows(connection, halves) == len(before)
            read = read_frame(connection, table, list(table.c), sa.true())
        found[name] = read.astype(object).where(read.notna(), None).to_numpy().tolist()
    assert found["sqlite"] == found["postgresql"]
    assert len(found["sqlite"]) == max(len(before), len(after))


def test_the_copy_stream_is_postgresqls_own(trial):
    """Byte for byte what the server sends of the same rows."""
    moment = datetime(2026, 11, 22, 20, 21, 25, 123, tzinfo=UTC)
    nulls: dict[str, object] = dict.fromkeys(c.name for c in list(table.c)[1:])
    rows = [
        {"small": -1, "medium": 2, "big": 3, "real": 0.5, "text": "日本"}
        | {"data": b"\0\1", "json": [1], "moment": moment},
        nulls | {"moment": datetime(1969, 7, 20, tzinfo=UTC)},
    ]
    ours = b"".join(copy_stream([encode_rows(frame_of(rows), table, list(table.c))]))
    with trial["postgresql"].begin() as connection:
        cursor = connection.connection.cursor()
        cursor.copy_expert("COPY trial FROM STDIN BINARY", ByteReader([ours]))
        received = bytearray()
        cursor.copy_expert("COPY trial TO STDOUT BINARY", Writes(received))
    assert bytes(received) == ours


class Writes:
    def __init__(self, into: bytearray) -> None:
        self.into = into

    def write(self, data: bytes) -> None:
        self.into += data


def test_a_reader_gives_any_piece_size_the_same_bytes():
    parts = [b"", b"abc", b"", b"defgh", b"i"]
    for size in (1, 2, 3, 100):
        reader = ByteReader(parts)
        taken = b"".join(iter(lambda r=reader, s=size: r.read(s), b""))
        assert taken == b"abcdefghi"


def encoded(name: str, given_: object, dtype: object = object):
    column = table.c[name]
    frame = pd.DataFrame({name: pd.Series(given_, dtype=dtype)})
    return encode_rows(frame, table, [column])


@pytest.mark.parametrize(
    ("name", "given_", "message"),
    [
        ("small", [1 << 15], "holds 16-bit integers; 32768 to 32768 was given"),
        ("medium", [-(1 << 31) - 1], "holds 32-bit integers"),
        ("big", [1 << 63], "cannot hold what was given"),
        ("medium", [1.5], "1.5 is not a whole number"),
        ("medium", ["seven"], "cannot hold what was given"),
        ("text", [7], "7 is not text"),
        ("data", ["text"], "str is not bytes"),
        ("json", [{1, 2}], "set cannot be stored as JSON"),
        ("moment", [datetime(2026, 1, 1)], "has no time zone"),
        ("id", [None], "'trial.id' needs a value in every row; row 0 of 1 has none"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_on_every_engine(name, given_, message):
    with pytest.raises(WarehouseError, match=message):
        encoded(name, given_)


@pytest.mark.parametrize(
    ("given_", "dtype"),
    [
        ([1, 2], "uint8"),
        ([1.0, 2.0], "float64"),
        ([1, 2], "Int64"),
        ([np.int32(1), 2.0], object),
        ([True, 2], object),
    ],
)
def test_whole_numbers_are_taken_in_any_form(given_, dtype):
    assert encoded("medium", given_, dtype)["medium"].tolist() == [1, 2]


@pytest.mark.parametrize(("given_", "dtype"), [([1.0, np.nan], "float64"), ([1, pd.NA], "Int64")])
def test_missing_numbers_are_null_in_any_form(given_, dtype):
    assert encoded("medium", given_, dtype)["medium"].tolist() == [1, None]


def test_json_that_engines_lack_becomes_null():
    assert (
        json_text([float("nan"), {"a": np.float32("inf")}, np.int64(3)]) == '[null, {"a": null}, 3]'
    )


def test_moments_sort_as_text_on_sqlite():
    moments = [
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=i * 333_333) for i in range(5)
    ]
    texts = [
        Timestamp().process_bind_param(m, sa.create_engine("sqlite://").dialect) for m in moments
    ]
    assert sorted(texts) == texts
    assert len({len(x) for x in texts}) == 1


def test_the_header_is_the_formats():
    """PostgreSQL documentation, COPY: signature, flags, length of the extension."""
    stream = b"".join(copy_stream([]))
    assert stream == b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0) + struct.pack(">h", -1)
