"""The HTTP client of the model's server: what a server may cost, whatever it does.

A read timeout bounds one wait for bytes, so that a server that sends one now and then holds a
request for ever; here the whole request has a deadline, from its first connection to the last byte
of the answer. An answer has a size, counted after it is unpacked. What leads to another host is not
followed: the question, and the key, are for the one that the settings name.

This module imports OpenAI's client: import it where it is used.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any, Final

import httpx2
from openai import OpenAIError

MOST_ANSWER_BYTES: Final = 2 << 20
"""An answer about 64 tracks and 96 groups has some 14 kB, and the longest that any model gives
has half a megabyte."""

MOST_FILE_BYTES: Final = 512 << 20
"""A file of a batch's answers: 50,000 questions, each answered in some 5 kB."""

_FILES: Final = "/files/"


class RefusedError(OpenAIError):
    """A server did what no answer needs; asking again would not help.

    Attributes
    ----------
    what, cure : str
        For people: what it did, and what can be done.
    """

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure


class OutOfTimeError(OpenAIError):
    """All the time that there was for several requests is spent."""


class GuardedClient(httpx2.Client):
    """A client whose requests end: in time, in size, and at the host that they are for.

    Notes
    -----
    The limit of a request is its read timeout, as OpenAI's client sets it for each. A request that
    takes longer fails as one that times out, and is tried again as that.
    """

    def __init__(self) -> None:
        # A connection for each request: its deadline cuts the connection.
        super().__init__(
            follow_redirects=True,
            limits=httpx2.Limits(max_keepalive_connections=0),
            event_hooks={"response": [_stay_at_the_host]},
        )
        self.until: float | None = None
        """When all requests must have ended, by :func:`time.monotonic`; None: never."""

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request and return its whole answer.

        Raises
        ------
        RefusedError
            If the answer is too large, or leads elsewhere.
        OutOfTimeError
            If :attr:`until` has passed.
        httpx2.TimeoutException
            If the request takes longer than its read timeout, all in all.
        """
        options["stream"] = True  # else it would be read without a limit
        with _Deadline(self._seconds_of(request)) as deadline:
            request.extensions["trace"] = deadline.trace
            try:
                response = super().send(request, **options)
                body = _limited_body(response)
            except httpx2.TransportError as e:
                if deadline.over and not isinstance(e, httpx2.TimeoutException):
                    raise httpx2.ReadTimeout("out of time", request=request) from None
                raise
            if deadline.over:  # a connection that is cut may look like one that is done
                raise httpx2.ReadTimeout("out of time", request=request)
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)

    def _seconds_of(self, request: httpx2.Request) -> float | None:
        own: float | None = request.extensions.get("timeout", {}).get("read")
        if self.until is None:
            return own
        left = self.until - time.monotonic()
        if left <= 0:
            raise OutOfTimeError
        return left if own is None else min(own, left)


class _Deadline:
    """Cuts the connections of a request when its time is over, wherever it is then."""

    def __init__(self, seconds: float | None) -> None:
        self._timer = None if seconds is None else threading.Timer(seconds, self._cut)
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.over = False

    def __enter__(self) -> _Deadline:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            for own in self._sockets:
                own.close()
            self._sockets.clear()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Take note of each connection as it is made, before anything is sent through it."""
        if not event.endswith(".connect_tcp.complete"):
            return
        made = info["return_value"].get_extra_info("socket")
        with self._lock, contextlib.suppress(OSError):
            own = made.dup()  # the first hands its descriptor on when TLS begins
            self._sockets.append(own)
            if self.over:
                _shut(own)

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            for own in self._sockets:
                _shut(own)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is gone already
        connection.shutdown(socket.SHUT_RDWR)


def _limited_body(response: httpx2.Response) -> bytes:
    """Return the body, unpacked; it is read no further than the limit."""
    most = MOST_FILE_BYTES if _FILES in response.request.url.path else MOST_ANSWER_BYTES
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_bytes():
            size += len(part)
            if size > most:
                raise RefusedError(
                    f"sent an answer of more than {most >> 20} MiB, which was not read further",
                    "Check OPENAI_BASE_URL, or try another OPENAI_MODEL",
                )
            parts.append(part)
    finally:
        response.close()
    return b"".join(parts)


def _stay_at_the_host(response: httpx2.Response) -> None:
    """Refuse a redirect to another host, or out of TLS."""
    if not response.has_redirect_location:
        return
    here = response.request.url
    try:
        there = here.join(response.headers["location"])
    except httpx2.InvalidURL:
        there = httpx2.URL("")
    to_tls = (here.scheme, there.scheme) == ("http", "https") and here.host == there.host
    if to_tls or (here.scheme, here.host, here.port) == (there.scheme, there.host, there.port):
        return
    raise RefusedError(
        f"sends us on to another host, '{there.host[:100]}', which was not followed: the key and "
        "the question are for this one",
        "If that is right, set OPENAI_BASE_URL to its address",
    )
