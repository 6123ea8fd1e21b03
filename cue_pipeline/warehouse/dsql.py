"""Aurora DSQL: tokens instead of passwords, and transactions that may have to be repeated.

References
----------
Amazon Aurora DSQL User Guide: "Generating authentication tokens", "Cluster quotas and database
limits", "Concurrency control".
"""

import logging
import random
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from cue_pipeline.errors import WarehouseAwayError, WarehouseError
from cue_pipeline.warehouse.urls import dsql_region

T = TypeVar("T")

TOKEN_SECONDS = 900
"""Life of a token; it is checked when a connection is opened and never again."""

RECYCLE_SECONDS = 3_000
"""Connections are closed before DSQL closes them, at 60 minutes."""

BATCH_ROWS = 2_500
"""Rows modified in one transaction; the limit is 3,000."""

BATCH_BYTES = 4 * 1024 * 1024
"""Bytes modified in one transaction; the limit is 10 MiB, and bytea travels twice as long."""

CONFLICT = "40001"
"""SQLSTATE of a transaction that lost against another (OC000: data, OC001: catalogue)."""

_log = logging.getLogger(__name__)


def auth_token(host: str, username: str, region: str | None = None) -> str:
    """Return a fresh IAM token, which is the password of one new connection.

    Signed here with the AWS credentials of the environment; nothing is sent.

    Parameters
    ----------
    host : str
        The cluster's endpoint.
    username : str
        ``admin``, or a custom role; the two need different permissions
        (``dsql:DbConnectAdmin``, ``dsql:DbConnect``).
    region : str, optional
        AWS region; taken from ``host`` otherwise.

    Raises
    ------
    WarehouseError
        If there are no AWS credentials, or no region.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, NoCredentialsError

    region = region or dsql_region(host)
    if region is None:
        raise WarehouseError(
            f"Aurora DSQL host '{host}' names no AWS region. It needs the form "
            "cluster.dsql.region.on.aws; or add ?region=… to DATABASE_URL."
        )
    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            raise NoCredentialsError()  # the client would sign with nothing, and not say so
        client = session.client("dsql", region_name=region)
        sign = (
            client.generate_db_connect_admin_auth_token
            if username == "admin"
            else client.generate_db_connect_auth_token
        )
        return str(sign(Hostname=host, Region=region, ExpiresIn=TOKEN_SECONDS))
    except BotoCoreError as e:
        raise WarehouseError(
            f"No IAM token for Aurora DSQL at '{host}' could be signed: {e}. It needs AWS "
            "credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run "
            "where a role is attached."
        ) from None


def connect_arguments(url: sa.URL) -> dict[str, Any]:
    """Return libpq options for an Aurora DSQL URL; what the URL says itself wins."""
    import psycopg2.extensions

    arguments: dict[str, Any] = {
        "sslmode": "verify-full",
        "application_name": "cue-pipeline",
        "connect_timeout": 10,
    }
    if url.query.get("sslmode", "verify-full") == "verify-full":
        arguments["sslrootcert"] = root_certificates()
        if psycopg2.extensions.libpq_version() >= 170_000:
            arguments["sslnegotiation"] = "direct"  # saves a round trip
    return {k: v for k, v in arguments.items() if k not in url.query}


def root_certificates() -> str:
    """Return a file of certificate authorities: the system's, else the one that botocore brings.

    Not libpq's ``system``: the driver's wheel holds an OpenSSL that looks for it in a folder of the
    machine that built it.
    """
    system = ssl.get_default_verify_paths().cafile
    if system is not None and Path(system).is_file():
        return system
    import botocore

    return str(Path(botocore.__file__).with_name("cacert.pem"))


def sqlstate(error: BaseException) -> str | None:
    """Return the SQLSTATE of a database error, SQLAlchemy's wrapping taken off."""
    origin = getattr(error, "orig", None) or error
    return getattr(origin, "pgcode", None)


def repeat_on_conflict(
    work: Callable[[], T], *, attempts: int = 12, first_wait_seconds: float = 0.05
) -> T:
    """Run one transaction, again from its beginning where it lost against another.

    Parameters
    ----------
    work : callable
        One whole transaction, which may run several times.
    attempts : int
        Tries in all.
    first_wait_seconds : float
        Longest wait before the second try; doubles each time, up to 5 s, and is drawn at random
        below that so that two writers do not meet again.

    Raises
    ------
    WarehouseAwayError
        If every try lost.
    """
    wait = first_wait_seconds
    for attempt in range(1, attempts + 1):
        try:
            return work()
        except sa.exc.DBAPIError as e:
            if not _repeatable(e):
                raise
            if attempt == attempts:
                raise WarehouseAwayError(
                    f"Aurora DSQL refused a transaction {attempts} times because others changed "
                    f"the same rows ({sqlstate(e)}). Run fewer writers at once (--jobs), then "
                    "process again."
                ) from None
            _log.debug("transaction repeated, attempt %d: %s", attempt, e.orig)
        time.sleep(random.uniform(0, wait))
        wait = min(wait * 2, 5.0)
    raise AssertionError("unreachable")


def _repeatable(error: sa.exc.DBAPIError) -> bool:
    """Tell whether a transaction may be run again: it conflicted, or its end is unknown.

    Every transaction of a load may run twice: deletes and updates are idempotent, inserts do
    nothing on conflict.
    """
    return sqlstate(error) == CONFLICT or error.connection_invalidated
