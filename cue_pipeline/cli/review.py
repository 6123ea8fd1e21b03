"""What ``cue-pipeline review`` does: the page's server, until it is interrupted."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import sys
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from cue_pipeline.cli.following import follow, follow_quietly
from cue_pipeline.cli.saying import say
from cue_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from cue_pipeline.processes.fork_client import ForkServer
    from cue_pipeline.review.guard import Admission
    from cue_pipeline.settings import Settings


def serve(
    settings: Settings,
    server: ForkServer | None,
    *,
    host: str,
    port: int,
    token: str | None,
    root: str | None,
) -> None:
    """Serve the page; read-only where there is no fork server to make mappings again with."""
    import uvicorn

    from cue_pipeline.cli.context import open_store
    from cue_pipeline.reading import open_library
    from cue_pipeline.review.app import Review, create_app
    from cue_pipeline.review.remaking import Remaker
    from cue_pipeline.review.sound_cache import SoundCache, default_folder

    store = open_store(settings) if server is not None else None
    library = open_library(settings.database_url.get_secret_value(), root)
    listening = listen(host, port)
    port = int(listening.getsockname()[1])
    admission = admitted(host, port, token, read_only=store is None)
    remaker = None
    if store is not None and server is not None:
        remaker = Remaker(partial(follow_quietly, store, settings, server))
    most = int(settings.review_cache_gb * 1e9)
    cache = SoundCache(default_folder(), most) if most else None
    review = Review(library, store, remaker, settings.author, cache)
    config = uvicorn.Config(
        create_app(review, admission), log_level="warning", lifespan="off", server_header=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    _tell(host, port, admission)
    Thread(target=review.warm_up, name="warm up", daemon=True).start()
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
    if remaker is not None and store is not None and server is not None:
        left = remaker.close()
        if left:
            say(f"Bringing what was decided into the tables: {', '.join(left)}.")
            sys.exit(follow(store, settings, server, left))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that takes callers at an address; port 0: any that is free.

    Raises
    ------
    SettingsError
        If there is no such address here, or another program is at that port.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(found[0], found[1], found[2])
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(found[4])
        listening.listen(128)  # from when its address is told on, nobody is turned away
    except OSError as e:
        raise SettingsError(
            f"Nothing can be served at {host}:{port}: {e.strerror or e}. Another review page may "
            "be running there; give another --port, or a --host of this machine."
        ) from e
    return listening


def admitted(host: str, port: int, token: str | None, *, read_only: bool) -> Admission:
    """Return who is let in at an address; elsewhere than on the loopback a token is made up."""
    from cue_pipeline.review.guard import Admission

    names: Collection[str] | None = _names(host)
    if not _is_loopback(host):
        token = token or secrets.token_urlsafe(24)
        if _is_any(host):
            names = None
    with_port = None if names is None else frozenset(f"{name}:{port}" for name in names)
    return Admission(with_port, token, read_only=read_only)


def _names(host: str) -> set[str]:
    shown = f"[{host}]" if ":" in host else host
    return {shown, "127.0.0.1", "localhost", "[::1]"} if _is_loopback(host) else {shown}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _is_any(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False


def _tell(host: str, port: int, admission: Admission) -> None:
    name = socket.gethostname() if _is_any(host) else f"[{host}]" if ":" in host else host
    ending = f"?token={admission.token}" if admission.token else ""
    what = "Catalogue (read-only)" if admission.read_only else "Review page"
    say(f"{what}: http://{name}:{port}/{ending}")
    if not _is_loopback(host):
        say("Whoever has this address may use it. It is not encrypted: keep it within the studio.")
    say("Ctrl-C ends it.")
