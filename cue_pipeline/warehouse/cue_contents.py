"""What a cue's files hold: rows of ``cue_contents``, and dates that say nothing new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import sqlalchemy as sa

from cue_pipeline.warehouse import tables as t
from cue_pipeline.warehouse.ledger import upsert
from cue_pipeline.warehouse.registry import both_fingerprints
from cue_pipeline.warehouse.scope import cue_id
from cue_pipeline.warehouse.statements import in_parts
from cue_pipeline.warehouse.transaction import reading, write

Kind = Literal["midi", "audio"]
KINDS: tuple[Kind, ...] = ("midi", "audio")

FileContent = tuple[str, int, int, int, str | None]
"""Path, bytes, modification time in ns, inode, and a hash; None: not read."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of one kind of a cue.

    Attributes
    ----------
    fingerprint : str
        By which the ledger knows this content.
    files : tuple of (str, int, int, int, str or None)
        Path in NFC, bytes, modification time in ns, inode, hash.
    """

    fingerprint: str
    files: tuple[FileContent, ...]


def read_contents(engine: sa.Engine, keys: Sequence[str]) -> dict[str, dict[Kind, Contents]]:
    """Return what is known of some cues' files, by key and kind."""
    found: dict[str, dict[Kind, Contents]] = {}
    query = sa.select(
        t.cues.c.cue_key,
        t.cue_contents.c.kind,
        t.cue_contents.c.fingerprint,
        t.cue_contents.c.files,
    ).join_from(t.cue_contents, t.cues, t.cues.c.id == t.cue_contents.c.cue_id)
    with reading(engine) as connection:
        for part in in_parts(keys):
            for key, kind, fingerprint, files in connection.execute(
                query.where(t.cues.c.cue_key.in_(part))
            ):
                read = tuple((p, s, m, i, h) for p, s, m, i, h in files)
                found.setdefault(key, {})[kind] = Contents(fingerprint, read)
    return found


def read_fingerprints(connection: sa.Connection) -> dict[str, dict[Kind, str]]:
    """Return the fingerprints of the files that were last read, by cue key and kind."""
    query = sa.select(
        t.cues.c.cue_key, t.cue_contents.c.kind, t.cue_contents.c.fingerprint
    ).join_from(t.cue_contents, t.cues, t.cues.c.id == t.cue_contents.c.cue_id)
    found: dict[str, dict[Kind, str]] = {}
    for key, kind, fingerprint in connection.execute(query):
        found.setdefault(key, {})[kind] = fingerprint
    return found


def read_last(engine: sa.Engine) -> dict[str, dict[Kind, str]]:
    """Return :func:`read_fingerprints` of all cues as they are now."""
    with reading(engine) as connection:
        return read_fingerprints(connection)


def note_contents(
    engine: sa.Engine,
    cue_key: str,
    kind: Kind,
    fingerprint: str,
    files: Sequence[tuple[str, int, int, int]],
    hashes: Mapping[str, str],
) -> None:
    """Note what a cue's files are, with the hashes of those that were read.

    Hashes that are known of the same content stay.

    Parameters
    ----------
    fingerprint : str
        Of the files when they were listed.
    files : sequence of (str, int, int, int)
        Path, bytes, modification time and inode.
    hashes : mapping of str to str
        By path.
    """

    def note(connection: sa.Connection) -> None:
        row = connection.execute(
            sa.select(t.cue_contents).where(
                t.cue_contents.c.cue_id == cue_id(cue_key), t.cue_contents.c.kind == kind
            )
        ).one_or_none()
        known = {} if row is None or row.fingerprint != fingerprint else _hashes(row.files)
        values = {
            "cue_id": connection.scalar(sa.select(cue_id(cue_key))),
            "kind": kind,
            "fingerprint": fingerprint,
            "files": [[*file, {**known, **hashes}.get(file[0])] for file in files],
        }
        upsert(connection, t.cue_contents, values, ["fingerprint", "files"])

    write(engine, note)


def _hashes(files: Iterable[Sequence[object]]) -> dict[str, str]:
    return {str(path): str(digest) for path, _, _, _, digest in files if digest is not None}


def note_progress(engine: sa.Engine, cue_key: str, kind: Kind, so_far: Contents) -> None:
    """Note files' dates of today of those that were found to hold what they held."""

    def note(connection: sa.Connection) -> None:
        connection.execute(
            sa.update(t.cue_contents)
            .where(
                t.cue_contents.c.cue_id == cue_id(cue_key),
                t.cue_contents.c.kind == kind,
                t.cue_contents.c.fingerprint == so_far.fingerprint,
            )
            .values(files=[list(file) for file in so_far.files])
        )

    write(engine, note)


def note_same(
    engine: sa.Engine,
    cue_key: str,
    kind: Kind,
    seen: str,
    contents: Contents,
) -> None:
    """Note that a cue's files hold what they held before, under other dates.

    Parameters
    ----------
    seen : str
        The files' fingerprint by their dates of today.
    contents : Contents
        The fingerprint by which the ledger knows them; the files with their dates of today.
    """
    write(engine, partial(_note_same, cue_key, kind, seen, contents))


def _note_same(
    cue_key: str, kind: Kind, seen: str, contents: Contents, connection: sa.Connection
) -> None:
    cue = connection.execute(sa.select(t.cues).where(t.cues.c.cue_key == cue_key)).one_or_none()
    if cue is None:
        return
    both = {"midi": cue.midi_fingerprint, "audio": cue.audio_fingerprint}
    both[kind] = contents.fingerprint
    connection.execute(
        sa.update(t.cues)
        .where(t.cues.c.id == cue.id)
        .values(
            {
                f"{kind}_fingerprint": contents.fingerprint,
                f"{kind}_seen": seen,
                "fingerprint": both_fingerprints(both["midi"], both["audio"]),
            }
        )
    )
    upsert(
        connection,
        t.cue_contents,
        {
            "cue_id": cue.id,
            "kind": kind,
            "fingerprint": contents.fingerprint,
            "files": [list(file) for file in contents.files],
        },
        ["fingerprint", "files"],
    )
