"""OpenAI's Batch API: questions sent as a file, answered within a day at half the price.

A batch is made of an uploaded JSONL file, one request a line, each under a ``custom_id``: the
hash of the question. Its answers come back as one file and its failures as another, in any order.
What stands in those files is read as what it is: text from outside that may hold anything.

References
----------
OpenAI API, guide "Batch API"; reference of Files and Batch.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeGuard

from cue_pipeline.errors import MappingError
from cue_pipeline.mapping.model.exchange import ChatRequest, read_completion
from cue_pipeline.mapping.model.server import ModelServer

MOST_REQUESTS: Final = 50_000
# The service takes 200 MB; half of that is sent, since a file is held in memory.
MOST_BYTES: Final = 100_000_000
ENDPOINT: Final = "/v1/chat/completions"
_NAME: Final = "cue_pipeline_submission"
_ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})
# What servers say that have no batches.
_NOT_OFFERED: Final = frozenset({404, 405, 501})
_CLOCKS_DIFFER: Final = timedelta(days=1)


class MaybeSentError(MappingError):
    """Whether the server has made a batch cannot be known yet."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the server sees it; ``errors`` say why it was refused as a whole."""

    id: str
    status: str
    total: int
    completed: int
    failed: int
    files: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in _ENDED


@dataclass(frozen=True, slots=True)
class BatchLine:
    """What a batch's files say of one question: a chat completion, or why there is none."""

    custom_id: str
    completion: Any
    fault: str


def request_line(request: ChatRequest) -> bytes:
    """Return the line of a batch's file that asks a question."""
    line = {
        "custom_id": request.prompt_sha256,
        "method": "POST",
        "url": ENDPOINT,
        "body": request.body(),
    }
    return json.dumps(line).encode() + b"\n"


class BatchApi:
    """The batches of a model's server.

    Notes
    -----
    Every method raises :class:`~cue_pipeline.errors.MappingError` where the server cannot be asked
    or refuses, and says what to do.
    """

    def __init__(self, server: ModelServer) -> None:
        self._server = server

    def upload(self, lines: bytes, name: str) -> str:
        """Upload a batch's file and return the server's id of it; nothing is paid for yet."""
        import openai

        try:
            made = self._server.files.files.create(file=(f"{name}.jsonl", lines), purpose="batch")
        except (openai.OpenAIError, ValueError) as e:
            raise self._failure(e) from None
        if not _is_name(getattr(made, "id", None)):
            raise self._failure(None)
        return made.id

    def create(self, file_id: str, name: str, since: datetime) -> Batch:
        """Have a batch made of an uploaded file.

        Parameters
        ----------
        file_id : str
            From :meth:`upload`.
        name : str
            Name that the batch bears at the server, by which :meth:`find` finds it.
        since : datetime
            When this was begun.

        Raises
        ------
        MaybeSentError
            If the answer was lost, and no batch of that name is seen at the server now.
        """
        import openai

        # Not tried again by the client: of a creation whose answer was lost there would be two.
        client = self._server.client.with_options(max_retries=0)
        try:
            made = client.batches.create(
                input_file_id=file_id,
                endpoint=ENDPOINT,
                completion_window="24h",
                metadata={_NAME: name},
            )
            if _is_name(getattr(made, "id", None)):
                return self._read(made)
            lost: Any = None
        except (openai.OpenAIError, ValueError) as e:
            if isinstance(e, openai.APIStatusError) and (
                e.status_code < 500 or e.status_code in _NOT_OFFERED
            ):
                raise self._failure(e, retried=False) from None
            lost = e
        if (found := self._find_or_none(name, since)) is not None:
            return found
        raise MaybeSentError(
            f"{self._failure(lost, retried=False)} Whether a batch was made of the file is not "
            "known; its questions are kept from being asked again. `cue-pipeline mappings batch "
            "collect` looks for it, and lets them go if it is not there after an hour."
        )

    def find(self, name: str, since: datetime) -> Batch | None:
        """Return the batch of a name; None where the server lists none.

        Parameters
        ----------
        name : str
            As given to :meth:`create`.
        since : datetime
            Batches much older than this are not looked at.
        """
        import openai

        oldest = (since - _CLOCKS_DIFFER).timestamp()
        seen: set[object] = set()
        try:
            for batch in self._server.client.batches.list(limit=100):
                batch_id = getattr(batch, "id", None)
                if batch_id in seen:  # a server that knows no pages sends the first for ever
                    raise self._failure(None)
                seen.add(batch_id)
                metadata = getattr(batch, "metadata", None)
                if isinstance(metadata, dict) and metadata.get(_NAME) == name:
                    return self._read(batch)
                if 0 < _count(getattr(batch, "created_at", None)) < oldest:
                    break
        except (openai.OpenAIError, ValueError) as e:
            raise self._failure(e) from None
        return None

    def _find_or_none(self, name: str, since: datetime) -> Batch | None:
        try:
            return self.find(name, since)
        except MappingError:
            return None

    def batch(self, batch_id: str) -> Batch:
        """Return how far a batch is."""
        import openai

        try:
            return self._read(self._server.client.batches.retrieve(batch_id))
        except (openai.OpenAIError, ValueError) as e:
            raise self._failure(e, batch_id) from None

    def cancel(self, batch_id: str) -> Batch:
        """Have a batch stopped; what it has answered by then is kept and paid for."""
        import openai

        try:
            return self._read(self._server.client.batches.cancel(batch_id))
        except (openai.OpenAIError, ValueError) as e:
            raise self._failure(e, batch_id) from None

    def lines(self, batch: Batch) -> Iterator[BatchLine]:
        """Return what the files of an ended batch say, line by line; the questions' order is lost.

        A line that cannot be read has no ``custom_id``.
        """
        import openai

        for file_id in batch.files:
            try:
                content = self._server.files.files.content(file_id).content
            except (openai.OpenAIError, ValueError) as e:
                raise self._failure(e, batch.id) from None
            # Not splitlines(): JSON holds some characters that it takes for ends of lines.
            yield from (self._line(line) for line in content.split(b"\n") if line.strip())

    def _line(self, line: bytes) -> BatchLine:
        said = read_completion(line)
        custom_id = getattr(said, "custom_id", None)
        if not isinstance(custom_id, str):
            return BatchLine("", None, "a line is no answer to anything that was asked")
        response = getattr(said, "response", None)
        body = getattr(response, "body", None)
        choices = getattr(body, "choices", None)
        whole = isinstance(choices, list) and choices and hasattr(choices[0], "message")
        if getattr(response, "status_code", None) == 200 and whole:
            return BatchLine(custom_id, body, "")
        error = getattr(said, "error", None) or getattr(body, "error", None)
        status = getattr(response, "status_code", None)
        fault = _told(error) or f"status {status} and no chat completion"
        return BatchLine(custom_id, None, self._server.plain(fault))

    def _read(self, batch: Any) -> Batch:
        if not _is_name(getattr(batch, "id", None)):
            raise self._failure(None)
        counts = getattr(batch, "request_counts", None)
        files = (getattr(batch, "output_file_id", None), getattr(batch, "error_file_id", None))
        errors = getattr(getattr(batch, "errors", None), "data", None)
        return Batch(
            id=batch.id,
            status=self._server.plain(str(getattr(batch, "status", None))),
            total=_count(getattr(counts, "total", None)),
            completed=_count(getattr(counts, "completed", None)),
            failed=_count(getattr(counts, "failed", None)),
            files=tuple(file_id for file_id in files if _is_name(file_id)),
            errors=tuple(
                self._server.plain(_told(error))
                for error in (errors if isinstance(errors, list) else ())
            ),
        )

    def _failure(
        self, error: Any, batch_id: str | None = None, *, retried: bool = True
    ) -> MappingError:
        """Return the error for people, without the key."""
        status, host = getattr(error, "status_code", None), self._server.host
        what, cure = self._server.what_failed(error, retried=retried)
        if status in _NOT_OFFERED and batch_id is not None:
            what = f"the model server {host} knows no '{batch_id}', or no file of it"
            cure = (
                "Check that OPENAI_BASE_URL and OPENAI_API_KEY are those of its account. Files are "
                "kept for 30 days; `cue-pipeline mappings batch cancel --forget` lets go of it"
            )
        elif status in _NOT_OFFERED:
            what = f"the model server {host} offers no batches ({status}{self._server.said(error)})"
            cure = "Ask it cue by cue instead: `cue-pipeline process BASE_DIR`"
        return MappingError(f"No batch: {what}. {cure}.")


def _told(error: Any) -> str:
    """Return an error's code and message, whatever of both there is."""
    if isinstance(error, str):
        return error
    words = (getattr(error, name, None) for name in ("code", "message"))
    return ": ".join(str(word) for word in words if isinstance(word, str | int))


def _is_name(value: Any) -> TypeGuard[str]:
    # It stands in requests and messages: nothing that a terminal would obey.
    return isinstance(value, str) and bool(value) and value.isprintable()


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
