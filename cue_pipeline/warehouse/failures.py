"""What a database's errors mean to the person who set DATABASE_URL."""

import re

import sqlalchemy as sa

from cue_pipeline.errors import SchemaError, WarehouseAwayError, WarehouseError
from cue_pipeline.warehouse.urls import describe

# What the drivers say of a table or a column that is not there.
_LACKING: tuple[str, ...] = (
    r"table (?P<table>\S+) has no column named (?P<column>\S+)",
    r"column \"?(?P<column>[^\" ]+)\"? of relation \"?(?P<table>[^\" ]+)\"? does not exist",
    r"no such (table|column): (?P<table>\S+)",
    r"(relation|column) \"?(?P<table>[^\" ]+)\"? does not exist",
)

# What the driver says, what it means, what to do. The first match counts. These stay until somebody
# does something about them …
_LASTING: tuple[tuple[str, str, str], ...] = (
    (
        r"access denied|unable to accept connection",
        "the IAM token was refused: it has expired, or the role may not connect",
        "Renew the AWS credentials (aws sso login, or new keys), and see that the role has "
        "dsql:DbConnectAdmin for user 'admin' or dsql:DbConnect for others; leave the password "
        "out of DATABASE_URL so that a fresh token is signed for every connection",
    ),
    (
        r"transaction (?P<what>row|size) limit exceeded",
        "one transaction would write more than Aurora DSQL allows",
        "Give fewer cues or decisions at once; what was asked for has not been done",
    ),
    (
        r"password authentication failed|no password supplied|SASL authentication failed",
        "the server refused the user or the password",
        "Correct them in DATABASE_URL",
    ),
    (
        r"database \"?(?P<what>[^\"]*)\"? does not exist",
        "the server has no such database",
        "Create it (createdb), or correct the name in DATABASE_URL",
    ),
    (
        r"role \"?(?P<what>[^\"]*)\"? does not exist",
        "the server has no such user",
        "Create it (createuser), or correct the name in DATABASE_URL",
    ),
    (
        r"no pg_hba.conf entry.*(no encryption|SSL off)|SSL connection is required"
        r"|requires? SSL|server only accepts SSL",
        "the server takes encrypted connections only",
        "Add ?sslmode=require to DATABASE_URL",
    ),
    (
        r"no pg_hba.conf entry",
        "the server lets this user, from this machine, not into this database",
        "Let it in (pg_hba.conf, or the provider's list of allowed addresses)",
    ),
    (
        r"server does not support SSL",
        "the server cannot encrypt, and sslmode asks for it",
        "Set up TLS on the server, or use ?sslmode=prefer on a network that you trust",
    ),
    (
        r"certificate verify failed|root certificate file|self.signed certificate"
        r"|does not match host name",
        "the server's certificate could not be verified",
        "Give the authority's certificate with &sslrootcert=/path/to/ca.pem, and use the host "
        "name that the certificate is for",
    ),
    (
        r"invalid connection option \"(?P<what>[^\"]*)\"|invalid URI query parameter",
        "DATABASE_URL has an option that PostgreSQL does not know",
        "Take it out of DATABASE_URL",
    ),
    (
        r"invalid (sslmode|port|integer|channel_binding).*|sslmode value",
        "DATABASE_URL has an option with a value that PostgreSQL does not know",
        "Correct it in DATABASE_URL",
    ),
    (
        r"duplicate key value|UNIQUE constraint failed",
        "rows with the same key were given twice",
        "Ids come from natural keys: two rows describe the same thing",
    ),
    (
        r"foreign key constraint",
        "a row refers to one that does not exist",
        "Materialise the assets that it is made of first",
    ),
    (
        r"readonly database|read-only transaction|read-only file system|cannot execute .* in a",
        "the database may be read but not written",
        "Make the file and its folder writable for this user, or connect to the primary server",
    ),
    (
        r"permission denied|must be owner|InsufficientPrivilege",
        "the user lacks a right",
        "Grant it, or connect as another user",
    ),
    (
        r"unable to open database file",
        "the file cannot be opened",
        "See that its folder exists and that this user may write there",
    ),
    (
        r"disk is full|disk full|No space left on device|could not extend file",
        "the disk is full",
        "Free space, then process again: nothing of the cue was left half-written",
    ),
    (
        r"file is not a database|malformed|disk I/O error",
        "the file is damaged, or is no SQLite database",
        "Set DATABASE_URL to another file, or restore this one from a copy",
    ),
)

# … and these may pass.
_PASSING: tuple[tuple[str, str, str], ...] = (
    (
        r"the database system is (starting up|shutting down|in recovery mode|not yet accepting)",
        "the server is starting or stopping",
        "See that it is up, then process again: nothing was left half-written",
    ),
    (
        r"could not translate host name|Name or service not known|nodename nor servname"
        r"|Temporary failure in name resolution",
        "there is no host of that name",
        "Correct the host in DATABASE_URL, or see that this machine can resolve it",
    ),
    (
        r"Connection refused|No such file or directory.*socket|Is the server running",
        "nothing listens there",
        "Start the server, or correct host and port in DATABASE_URL",
    ),
    (
        r"timeout expired|timed out|Network is unreachable|No route to host",
        "the host does not answer",
        "See that it is up and that no firewall stands between",
    ),
    (
        r"too many clients|remaining connection slots|too many connections",
        "the server has no connection left",
        "Run fewer cues at once (--jobs), or raise the server's max_connections",
    ),
    (
        r"lock timeout|LockNotAvailable",
        "another process has been writing the same cue for long",
        "Wait for it to end, or end it, and process the cue again",
    ),
    (
        r"database is locked|database table is locked",
        "another process has been writing this SQLite file for long",
        "Wait for it to end, run fewer cues at once (--jobs), or use PostgreSQL",
    ),
    (
        r"server closed the connection|terminating connection|connection already closed"
        r"|SSL SYSCALL error|connection has been closed|could not receive data",
        "the connection was lost",
        "See that the server is up, then process again: nothing was left half-written",
    ),
)


def warehouse_error(error: Exception, url: sa.URL) -> WarehouseError:
    """Return what a driver's error means, in one line, without secrets.

    Parameters
    ----------
    error : Exception
        As raised by SQLAlchemy or by the driver below it.
    url : sqlalchemy.URL
        Of the database: named without its password.

    Returns
    -------
    WarehouseError
        What was found, where and what to do; for an unknown cause, the driver's own first line.
        A :class:`~cue_pipeline.errors.SchemaError` where a table or column is not there, a
        :class:`~cue_pipeline.errors.WarehouseAwayError` where trying again may help.
    """
    said = str(getattr(error, "orig", None) or error)
    where = describe(url)
    for pattern in _LACKING:
        if found := re.search(pattern, said, re.IGNORECASE):
            named = ".".join(filter(None, map(found.groupdict().get, ("table", "column"))))
            return SchemaError(
                f"Database {where} lacks '{named}', which this program needs. Stop what writes to "
                "it, then run: cue-pipeline db upgrade."
            )
    for kind, causes in ((WarehouseError, _LASTING), (WarehouseAwayError, _PASSING)):
        for pattern, meaning, cure in causes:
            if found := re.search(pattern, said, re.IGNORECASE):
                what = found.groupdict().get("what")
                named = f"{meaning} ('{what}')" if what else meaning
                return kind(f"Database {where}: {named}. {cure}.")
    first_line = _without_secret(said.strip().splitlines()[0] if said.strip() else "", url)
    kind = WarehouseAwayError if _is_of_operation(error, url) else WarehouseError
    return kind(f"Database {where}: {first_line or type(error).__name__}.")


def _is_of_operation(error: Exception, url: sa.URL) -> bool:
    """Whether a server's error comes from its operation, not from what was asked of it (PEP 249).

    A file has no operation of its own.
    """
    if url.get_backend_name() == "sqlite":
        return False
    kinds = {kind.__name__ for kind in type(getattr(error, "orig", None) or error).__mro__}
    return bool(kinds & {"OperationalError", "InterfaceError"})


def _without_secret(text: str, url: sa.URL) -> str:
    return text.replace(str(url.password), "***") if url.password else text
