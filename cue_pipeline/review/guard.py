"""Who may ask the page's server, and what browsers may do with its answers.

A server on the loopback is reached by every page that a browser has open. Three rules keep others
out: the ``Host`` is one of the server's own names (DNS rebinding makes others' names lead here),
what writes comes from the page itself (``Origin``), and elsewhere than on the loopback a token is
asked for.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE: Final = "cue_pipeline_review"
READING: Final = ("GET", "HEAD")

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in.

    Attributes
    ----------
    hosts : collection of str or None
        What ``Host`` may say; None: anything, as on an address of every network, where the token
        keeps others out.
    token : str or None
        Asked for once, by ``?token=``, and then kept in a cookie; None: none is.
    read_only : bool
        Whether nothing may be written.
    """

    hosts: Collection[str] | None
    token: str | None = None
    read_only: bool = False

    def refusal(self, method: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return the status and the words of a refusal, but for the token; None: it may go on."""
        host = headers.get("host", "")
        if self.hosts is not None and host not in self.hosts:
            return 421, (
                f"This server answers to {' and '.join(sorted(self.hosts))}, not to the name in "
                "the address bar. Open the address that `cue-pipeline review` printed."
            )
        if method in READING:
            return None
        if self.read_only:
            return 403, "This page is read-only. Start `cue-pipeline review` without --read-only."
        # A browser sends it with all that writes; only pages of this very address may.
        if headers.get("origin", "").partition("://")[2] != host:
            return 403, "Only the review page itself may write here. Reload it."
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return 415, "What is written here is JSON."
        return None

    def knows(self, given: str) -> bool:
        """Return whether a token is the one."""
        return self.token is None or hmac.compare_digest(given.encode(), self.token.encode())


class Guard:
    """Lets requests through to an application, or refuses them; every answer bears the headers."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app, self._admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # a WebSocket is none of ours
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                said = HEADERS
                if all(name != b"cache-control" for name, _ in given):
                    # Browsers keep a 410 for good: a disk that is mounted again would not be seen.
                    said = {**HEADERS, "cache-control": "no-store"}
                message["headers"] = [*given, *((k.encode(), v.encode()) for k, v in said.items())]
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, sealed)

    def _answer(self, scope: Scope) -> ASGIApp | None:
        """Return what answers in the application's place; None: it does."""
        from starlette.responses import JSONResponse, RedirectResponse

        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        refusal = self._admission.refusal(scope["method"], headers)
        if refusal is not None:
            return JSONResponse({"told": refusal[1]}, status_code=refusal[0])
        if self._admission.token is None or self._admission.knows(_cookie(headers)):
            return None
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"] == "/" and self._admission.knows(query.get("token", [""])[0]):
            there = RedirectResponse("/", status_code=303)
            there.set_cookie(COOKIE, self._admission.token, httponly=True, samesite="strict")
            return there
        return JSONResponse(
            {
                "told": "This page needs its token: open the whole address that `cue-pipeline "
                "review` printed, with ?token=… at its end."
            },
            status_code=401,
        )


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value
