"""The model's server: its address, the key, the client, and what its errors mean for people."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from cue_pipeline.errors import MappingError

if TYPE_CHECKING:
    from openai import OpenAI

    from cue_pipeline.mapping.model.guarded_client import GuardedClient

OPENAI_HOST: Final = "api.openai.com"
OFFLINE: Final = "or unset OPENAI_API_KEY to map by names and sound alone"
FILE_SECONDS: Final = 1_800.0
"""Limit of a request that sends or fetches a file of up to some hundred megabytes."""


class ModelServer:
    """A server behind OpenAI's protocol.

    Parameters
    ----------
    api_key : SecretStr
        Never in any message, log or table.
    base_url : str, optional
        An OpenAI-compatible server; None: OpenAI's.
    timeout_seconds : float
        Limit of one request, from its connection to the last byte of its answer.
    cue_seconds : float
        Limit of all requests about one cue.
    max_retries : int
        On 429, 5xx and timeouts, with exponential backoff, or as long as the server says.

    Raises
    ------
    MappingError
        If the key cannot be a key.
    """

    def __init__(
        self,
        api_key: SecretStr,
        *,
        base_url: str | None = None,
        timeout_seconds: float = 60.0,
        cue_seconds: float = 600.0,
        max_retries: int = 4,
    ) -> None:
        secret = api_key.get_secret_value().strip()
        if not secret or not secret.isascii() or any(c.isspace() for c in secret):
            raise MappingError(
                "OPENAI_API_KEY is empty or holds characters that no key has (spaces, line breaks, "
                f"accents). Paste it again, {OFFLINE}."
            )
        self._key = SecretStr(secret)
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._cue_seconds = cue_seconds
        self._max_retries = max_retries
        self._opened: OpenAI | None = None
        self._http: GuardedClient | None = None

    def __repr__(self) -> str:
        return f"ModelServer({self.host})"

    @property
    def host(self) -> str:
        """The server's name, without user and password, which a URL may hold."""
        return urlsplit(self._base_url).hostname or "?" if self._base_url else OPENAI_HOST

    @property
    def address(self) -> str:
        """Host, port and path: what tells two servers, and their answers, from each other."""
        if self.host == OPENAI_HOST or not self._base_url:
            return OPENAI_HOST
        url = urlsplit(self._base_url)
        return f"{url.netloc.rpartition('@')[2].lower()}{url.path.rstrip('/')}"

    @property
    def client(self) -> "OpenAI":
        """The official client, opened at first use, behind a deadline and a limit of size."""
        if self._opened is None:
            from openai import OpenAI

            from cue_pipeline.mapping.model.guarded_client import GuardedClient

            self._http = GuardedClient()
            self._opened = OpenAI(
                api_key=self._key.get_secret_value(),
                base_url=self._base_url or f"https://{OPENAI_HOST}/v1",
                timeout=self._timeout_seconds,
                max_retries=self._max_retries,
                http_client=self._http,
            )
        return self._opened

    @property
    def files(self) -> "OpenAI":
        """The same client, for requests that send or fetch whole files."""
        return self.client.with_options(timeout=max(FILE_SECONDS, self._timeout_seconds))

    @contextmanager
    def about_one_cue(self) -> Iterator[None]:
        """Hold all requests that are made meanwhile to the limit of a cue; then close."""
        try:
            _ = self.client
            if self._http is not None:
                self._http.until = time.monotonic() + self._cue_seconds
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Close the client's connections; the next use opens it again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = self._http = None

    def what_failed(self, error: Any, *, retried: bool = True) -> tuple[str, str]:
        """Return what went wrong and what to do, in words.

        The key is in neither, whatever the server echoed.

        Parameters
        ----------
        error : Exception or None
            The client's; None: the answer has not the shape that it should have.
        retried : bool
            Whether the client tried again, as it does unless told otherwise.
        """
        import openai

        from cue_pipeline.mapping.model.guarded_client import OutOfTimeError, RefusedError

        said = self.said(error)
        at = f"the model server {self.host}"
        if isinstance(error, RefusedError):
            return f"{at} {error.what}", error.cure
        if isinstance(error, OutOfTimeError):
            return (
                f"{at} took more than the {self._cue_seconds:g} s that there are for all requests "
                "about one cue",
                "Raise OPENAI_CUE_SECONDS or try later",
            )
        n = self._max_retries + 1 if retried else 1
        tries = f"{n} attempt{'s' * (n != 1)}"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return (
                f"{at} refused the key ({error.status_code}{said})",
                "Put a valid OPENAI_API_KEY in .env",
            )
        if isinstance(error, openai.RateLimitError):
            return (
                f"{at} turned us away {tries} long (429{said})",
                "Wait, raise the account's limits or credit, run fewer cues at once",
            )
        if isinstance(error, openai.APITimeoutError):
            return (
                f"{at} gave no answer within {self._timeout_seconds:g} s, in {tries}",
                "Raise OPENAI_TIMEOUT_SECONDS or try later",
            )
        if isinstance(error, openai.APIConnectionError):
            return (
                f"{at} cannot be reached, in {tries}",
                "Check OPENAI_BASE_URL and the network",
            )
        if isinstance(error, openai.APIStatusError):
            return (
                f"{at} failed ({error.status_code}{said})",
                "Try later, or another OPENAI_MODEL",
            )
        return (
            f"{at} sent what is no answer of OpenAI's protocol",
            "Check that OPENAI_BASE_URL ends where its API begins (often /v1)",
        )

    def said(self, error: Any) -> str:
        """Return ``: `` and what the server said, short and without anything like a key."""
        text = self.plain(str(getattr(error, "message", "") or ""))
        return f": {text}" if text else ""

    def plain(self, text: str) -> str:
        """Return a server's words in one line of at most 200 characters, without keys."""
        text = text.replace(self._key.get_secret_value(), "…")
        text = re.sub(r"\b(?:sk|Bearer)[-_ ][\w*.-]+", "…", text)
        # What a terminal would obey is not shown to it.
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
