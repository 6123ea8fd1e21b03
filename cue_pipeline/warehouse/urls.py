"""Database URLs as people paste them, brought to the one form that SQLAlchemy needs.

Conventions
-----------
A user pastes what a provider's page shows: ``postgres://`` or ``postgresql://``, a password with
``@``, ``/``, ``#`` or ``%`` in it, an Aurora DSQL endpoint without scheme or password. SQLAlchemy
wants a driver and escaped passwords, and since 2.1 takes ``postgresql://`` for psycopg 3.
Everything here works on text; nothing connects.
"""

import re
from urllib.parse import unquote

import sqlalchemy as sa

from cue_pipeline.errors import WarehouseError

DSQL_HOST = re.compile(
    r"^(?P<cluster>[a-z0-9]+)\.dsql[a-z0-9-]*\.(?P<region>[a-z0-9-]+)\.on\.aws$", re.IGNORECASE
)
POSTGRESQL_SCHEMES = {"postgres", "postgresql", "pgsql"}
DSQL_SCHEMES = {"auroradsql", "dsql"}
EXAMPLES = (
    "sqlite:///cues.db, postgresql://user:password@host:5432/database or an Aurora DSQL "
    "endpoint (cluster.dsql.region.on.aws)"
)
_HOST = re.compile(r"^(?P<hosts>(\[[^\]]*\]|[^/?#@\[\]:,]*)(:\w*)?(,[^/?@]*)?)(?P<rest>[/?].*)?$")
_UP_TO_QUERY = re.compile(
    r"^(.*@)?(\[[^\]]*\]|[^/?#@\[\]:,]*)(:\d*)?(,[^/?@]*)?(/[^?@]*)?\?[a-z_]+="
)
_SECRET_OPTIONS = {"password", "sslpassword", "passfile", "oauth_client_secret"}


def normalise_url(text: str) -> sa.URL:
    """Return a URL for SQLAlchemy of a database URL as pasted.

    Parameters
    ----------
    text : str
        SQLite, PostgreSQL or Aurora DSQL, in any of the forms of :data:`EXAMPLES`; odd characters
        in the password may be escaped (``%40``) or not.

    Returns
    -------
    sqlalchemy.URL
        With ``sqlite+pysqlite``, ``postgresql+psycopg2`` or ``auroradsql+psycopg2`` as driver.

    Raises
    ------
    WarehouseError
        If it is no such URL. The message never holds the password.
    """
    pasted = _unwrap(text)
    if not pasted:
        raise WarehouseError(f"DATABASE_URL is empty. Set it to {EXAMPLES}.")
    scheme, colon, rest = pasted.partition("://")
    if not colon:
        host = pasted.partition("/")[0].rpartition("@")[2]
        if DSQL_HOST.match(host):
            scheme, rest = "auroradsql", pasted
        else:
            raise WarehouseError(
                "DATABASE_URL has no scheme ('something://'). It needs to be "
                f"{EXAMPLES}; a plain file is written as sqlite:///path/to/file.db."
            )
    backend = scheme.lower().partition("+")[0]
    if backend == "sqlite":
        return _sqlite_url(rest)
    if backend in POSTGRESQL_SCHEMES | DSQL_SCHEMES:
        return _server_url(backend, rest)
    raise WarehouseError(
        f"DATABASE_URL begins with '{scheme}://', which is not supported. "
        f"It needs to be {EXAMPLES}."
    )


def describe(url: "str | sa.URL") -> str:
    """Return a database URL for logs and messages: without password and secret options.

    Parameters
    ----------
    url : str or sqlalchemy.URL
        As pasted, or normalised.

    Returns
    -------
    str
        For example ``postgresql://user@host:5432/database``; of text that is no URL, only that.
    """
    if isinstance(url, str):
        try:
            url = normalise_url(url)
        except WarehouseError:
            return "a database URL that cannot be read"
    shown = {k: v for k, v in url.query.items() if k.lower() not in _SECRET_OPTIONS}
    backend = url.drivername.partition("+")[0]
    bare = url.set(drivername=backend, query=shown)
    if backend != "sqlite":
        bare = sa.URL.create(
            backend, url.username, None, url.host, url.port, url.database, query=shown
        )
    return bare.render_as_string(hide_password=False)


def is_dsql_url(url: sa.URL) -> bool:
    """Tell whether a normalised URL is Aurora DSQL's."""
    return url.drivername.startswith("auroradsql")


def dsql_region(host: str) -> str | None:
    """Return the AWS region that an Aurora DSQL endpoint names, None of another host."""
    found = DSQL_HOST.match(host)
    return found["region"].lower() if found else None


def _unwrap(text: str) -> str:
    """Take off what is pasted along: spaces, quotes, ``psql`` and ``DATABASE_URL=``."""
    pasted = text.strip()
    pasted = re.sub(r"^(export\s+)?DATABASE_URL\s*=\s*", "", pasted)
    pasted = re.sub(r"^psql\s+", "", pasted)
    if len(pasted) > 1 and pasted[0] == pasted[-1] and pasted[0] in "'\"":
        pasted = pasted[1:-1].strip()
    return pasted


def _sqlite_url(rest: str) -> sa.URL:
    path, _, query = rest.partition("?")
    if path and not path.startswith("/"):
        raise WarehouseError(
            f"DATABASE_URL 'sqlite://{path}' has two slashes, so '{path}' would be a host. "
            f"Write sqlite:///{path} for a file under the working directory."
        )
    return sa.URL.create(
        "sqlite+pysqlite", database=unquote(path[1:]) or None, query=_options(query)
    )


def _server_url(backend: str, rest: str) -> sa.URL:
    userinfo, hosts, tail = _split_authority(rest)
    username, has_password, password = userinfo.partition(":")
    path, _, query = tail.partition("?")
    options = _options(query)
    secret: str | None = unquote(password) if has_password else None
    secret = options.pop("password", secret)
    user = options.pop("user", unquote(username)) or None
    database = options.pop("dbname", unquote(path.removeprefix("/"))) or None
    host, port = _host_and_port(hosts, options)
    if backend in DSQL_SCHEMES or DSQL_HOST.match(host or ""):
        return sa.URL.create(
            "auroradsql+psycopg2",
            username=user or "admin",
            password=secret,
            host=host,
            port=port,
            database=database or "postgres",
            query=options,
        )
    return sa.URL.create("postgresql+psycopg2", user, secret, host, port, database, query=options)


def _split_authority(rest: str) -> tuple[str, str, str]:
    """Split ``user:password@hosts/path?query`` where the password may hold any character.

    The right ``@`` is the last one that is followed by what can be hosts; one in the query is
    not, because hosts hold no ``=``.
    """
    for at in [i for i, c in enumerate(rest) if c == "@"][::-1]:
        found = _HOST.match(rest[at + 1 :])
        if found and not _in_query(rest[:at]):
            return rest[:at], found["hosts"], found["rest"] or ""
    found = _HOST.match(rest)
    if found is None:
        raise WarehouseError(
            "DATABASE_URL cannot be read: after '://' it needs to be "
            "user:password@host:port/database. An IPv6 host stands in brackets: [::1]."
        )
    return "", found["hosts"], found["rest"] or ""


def _in_query(before: str) -> bool:
    """Tell whether an ``@`` after this text stands in the query: ``host/db?user=a@b``."""
    return _UP_TO_QUERY.match(before) is not None


def _options(query: str) -> dict[str, str]:
    """Return a query's options as libpq reads them: a ``+`` is a plus, not a space."""
    options = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        options[unquote(name)] = unquote(value)
    return options


def _host_and_port(hosts: str, options: dict[str, str]) -> tuple[str | None, int | None]:
    if "," in hosts:  # libpq tries them in turn
        parts = [_one_host(h) for h in hosts.split(",")]
        options.setdefault("host", ",".join(h for h, _ in parts))
        options.setdefault("port", ",".join(p or "5432" for _, p in parts))
        return None, None
    host, port = _one_host(hosts)
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise WarehouseError(
            f"DATABASE_URL's port '{port}' is not a number from 1 to 65535. After '://' it needs "
            "to be user:password@host:port/database."
        )
    if host.startswith("/"):  # a socket's folder, escaped as %2Fvar%2Frun
        options.setdefault("host", host)
        host = ""
    return host or None, int(port) if port else None


def _one_host(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port.removeprefix(":")
    host, _, port = text.partition(":")
    return unquote(host), port
