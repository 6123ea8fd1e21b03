"""Frames of many stored features at a time, as fast as the engine gives them.

SQLite reads them by incremental blob access, which copies the bytes that are wanted and no more;
PostgreSQL by one binary COPY for all. Each batch is read in one transaction, with the ledger's
word on every feature that is touched.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from cue_pipeline.errors import NotReadyError, WarehouseError
from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.engine import connect
from cue_pipeline.warehouse.features import MEL_ASSETS
from cue_pipeline.warehouse.frames import copy_out
from cue_pipeline.warehouse.transaction import driver_failures, reading
from cue_pipeline.warehouse.types import Timestamp
from cue_pipeline.warehouse.vouched import not_ready

if TYPE_CHECKING:
    from cue_pipeline.warehouse.store import Store

_OF_PARENT: list[Any] = []
"""Readers whose connections a fork has copied: not to be used here, nor closed."""

ASSET = MEL_ASSETS["stem"]


@dataclass(frozen=True, slots=True)
class Feature:
    """A stored feature of a stem, and the write of the ledger that vouches for it."""

    cue_key: str
    cue_id: int
    id: int
    frame_bytes: int
    written_at: datetime
    asset: str = ASSET


@dataclass(frozen=True, slots=True)
class Wanted:
    """Frames that are to be read, ``first <= frame < last``, and where to."""

    feature: Feature
    first: int
    last: int
    out: memoryview


class FrameBatches:
    """Reads frames of stems' features in batches; from any thread and after a fork.

    Parameters
    ----------
    store : Store
        The warehouse, opened for reading.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._local = threading.local()

    def read(self, wanted: Sequence[Wanted]) -> None:
        """Read frames into what each of them names; all are of one kind.

        Raises
        ------
        NotReadyError
            If one of the features was made again since, is being made, or failed.
        WarehouseError
            If chunks are lacking.
        """
        held: tuple[_Reader, int] | None = getattr(self._local, "held", None)
        if held is None or held[1] != os.getpid():
            _OF_PARENT.append(held)
            held = self._local.held = (_reader(self._store), os.getpid())
        held[0].read(wanted)


class _Reader(Protocol):
    def read(self, wanted: Sequence[Wanted]) -> None: ...


def _reader(store: Store) -> _Reader:
    if store.engine.dialect.name == "sqlite":
        return _Blobs(store.engine)
    return _Copied(store.engine)


class _Blobs:
    """SQLite: a connection of its own, whose chunks' rows are known as long as nobody writes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._connection = connect(engine)
        self._url = engine.url
        driver: Any = self._connection.connection.driver_connection
        self._driver = driver
        self._version: int | None = None
        self._chunks: dict[int, list[tuple[int, int, int]]] = {}
        self._written: dict[tuple[int, str], tuple[str, str | None, datetime | None]] = {}

    def read(self, wanted: Sequence[Wanted]) -> None:
        with driver_failures(self._url):
            self._driver.execute("BEGIN")  # one state of the database for the batch
            try:
                self._forget_if_written()
                for one in wanted:
                    self._vouch(one.feature)
                    self._read(one)
            finally:
                self._driver.execute("COMMIT")

    def _forget_if_written(self) -> None:
        (version,) = self._driver.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._chunks.clear()
            self._written.clear()
            self._version = version

    def _vouch(self, feature: Feature) -> None:
        at = feature.cue_id, feature.asset
        if at not in self._written:
            row = self._driver.execute(
                "SELECT state, error, finished_at FROM cue_assets WHERE cue_id = ? AND asset = ?",
                at,
            ).fetchone()
            state, error, finished_at = row or ("", None, None)
            self._written[at] = (state, error, _moment(finished_at))
        _refuse(feature, *self._written[at])

    def _read(self, one: Wanted) -> None:
        size, at = one.feature.frame_bytes, one.first
        for row, first, n_frames in self._chunks_of(one.feature.id):
            end = min(one.last, first + n_frames)
            if first > at or end <= at:
                continue
            blob = self._driver.blobopen("audio_feature_chunks", "data", row, readonly=True)
            try:
                blob.seek((at - first) * size)
                data = blob.read((end - at) * size)
            finally:
                blob.close()
            one.out[(at - one.first) * size : (at - one.first) * size + len(data)] = data
            at = end
            if at >= one.last:
                return
        if at < one.last:
            raise _lacking(one, at)

    def _chunks_of(self, feature: int) -> list[tuple[int, int, int]]:
        found = self._chunks.get(feature)
        if found is None:
            query = (
                "SELECT rowid, first_frame, n_frames FROM audio_feature_chunks "
                "WHERE audio_feature_id = ? ORDER BY chunk_index"
            )
            found = self._chunks[feature] = self._driver.execute(query, (feature,)).fetchall()
        return found


class _Copied:
    """PostgreSQL and Aurora DSQL: all frames of a batch in one statement."""

    _ROW = struct.Struct(">hiiiii")  # 3 fields: place, from which frame, and the bytes' length

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def read(self, wanted: Sequence[Wanted]) -> None:
        cues = {one.feature.cue_id for one in wanted}
        ledger = t.cue_assets.c
        states = sa.select(ledger.cue_id, ledger.state, ledger.error, ledger.finished_at).where(
            ledger.asset == wanted[0].feature.asset, ledger.cue_id.in_(cues)
        )
        with reading(self._engine) as connection:
            found = {row.cue_id: row for row in connection.execute(states)}
            for one in wanted:
                row = found.get(one.feature.cue_id)
                told = ("", None, None) if row is None else (row.state, row.error, row.finished_at)
                _refuse(one.feature, *told)
            self._fill(wanted, self._rows(connection, _frames_query(wanted)))

    def _rows(self, connection: sa.Connection, query: str) -> Iterable[tuple[int, int, Any]]:
        if connection.dialect.name != "postgresql":  # Aurora DSQL does not COPY out
            for place, first, data in connection.exec_driver_sql(query):
                yield place, first, bytes(data)
            return
        body, at = copy_out(connection, query), 0
        while at < len(body):
            _, _, place, _, first, length = self._ROW.unpack_from(body, at)
            at += self._ROW.size
            yield place, first, body[at : at + length]
            at += length

    def _fill(self, wanted: Sequence[Wanted], rows: Iterable[tuple[int, int, Any]]) -> None:
        reached = [one.first for one in wanted]
        for place, first, data in rows:
            one, size = wanted[place], wanted[place].feature.frame_bytes
            if first != reached[place]:
                raise _lacking(one, reached[place])
            one.out[(first - one.first) * size : (first - one.first) * size + len(data)] = data
            reached[place] = first + len(data) // size
        for one, at in zip(wanted, reached, strict=True):
            if at != one.last:
                raise _lacking(one, at)


def _frames_query(wanted: Sequence[Wanted]) -> str:
    """Return what reads the frames, place by place; it holds nothing but integers."""
    size = wanted[0].feature.frame_bytes
    values = ", ".join(
        f"({place:d}, {one.feature.id:d}::bigint, {one.first:d}, {one.last:d})"
        for place, one in enumerate(wanted)
    )
    first = "greatest(w.first, c.first_frame)"
    frames = f"(least(w.last, c.first_frame + c.n_frames) - {first})"
    return (  # integers only
        f"SELECT w.place, {first}, "  # noqa: S608
        f"substr(c.data, ({first} - c.first_frame) * {size:d} + 1, {frames} * {size:d}) "
        f"FROM (VALUES {values}) AS w (place, feature, first, last) "
        "JOIN audio_feature_chunks AS c ON c.audio_feature_id = w.feature "
        "AND c.first_frame < w.last AND c.first_frame + c.n_frames > w.first "
        "ORDER BY w.place, c.chunk_index"
    )


def _moment(text: str | None) -> datetime | None:
    found: datetime | None = Timestamp().process_result_value(text, None)  # type: ignore[arg-type]
    return found


def _refuse(feature: Feature, state: str, error: str | None, finished_at: datetime | None) -> None:
    if state != "ready":
        raise not_ready(feature.cue_key, feature.asset, state or None, error)
    if finished_at != feature.written_at:
        what = "mel spectrograms" if feature.asset == ASSET else f"'{feature.asset}'"
        raise NotReadyError(
            f"The {what} of cue '{feature.cue_key}' were made again since these windows "
            "were opened. Open them anew; a pack stays as it is."
        )


def _lacking(one: Wanted, at: int) -> WarehouseError:
    return WarehouseError(
        f"Chunks of feature {one.feature.id} of cue '{one.feature.cue_key}' lack frame {at}; "
        f"frames {one.first} to {one.last} were asked for. Materialise "
        f"{one.feature.asset} of the cue again."
    )
