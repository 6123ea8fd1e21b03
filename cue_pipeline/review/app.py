"""The page's server: what it is asked for, and who answers.

Handlers are plain functions, which Starlette runs in threads: they wait for the database and for
files.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from cue_pipeline.audio.excerpt import ExcerptReader
from cue_pipeline.audio.stereo_gains import stereo_gains
from cue_pipeline.cue.shown import shown
from cue_pipeline.errors import (
    AudioFileError,
    CueError,
    CuePipelineError,
    MappingError,
    NotReadyError,
    UnknownNameError,
    WarehouseAwayError,
)
from cue_pipeline.mapping.categories import INSTRUMENT_CATEGORIES
from cue_pipeline.review import mel_tiles, stereo
from cue_pipeline.review.cue_sheet import CueSheet, CueSheets
from cue_pipeline.review.decided import Asked, Decisions, MeanwhileDecidedError
from cue_pipeline.review.guard import Admission, Guard
from cue_pipeline.review.pair import other_sound, pair_of
from cue_pipeline.review.queue import QueueFilter, read_queue

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from cue_pipeline.reading import Cue, Library
    from cue_pipeline.review.remaking import Remaker
    from cue_pipeline.review.sound_cache import SoundCache
    from cue_pipeline.warehouse.store import Store

PAGE_FILES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
SAMPLE_RATES: Final = (22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
MOST_BODY_BYTES: Final = 1 << 16
KEPT_SOUNDS: Final = 64
LONGEST_NAME: Final = 80

_STATUS: Final[tuple[tuple[type[CuePipelineError], int], ...]] = (
    (MeanwhileDecidedError, 409),
    (UnknownNameError, 404),
    (NotReadyError, 409),
    (WarehouseAwayError, 503),
    (AudioFileError, 410),
    (CueError, 410),
    (MappingError, 422),
)


class Review:
    """What the handlers share.

    Parameters
    ----------
    library : Library
        What is shown.
    store : Store or None
        Where decisions are kept; None: the page is read-only.
    remaker : Remaker or None
        What brings them into the tables.
    author : str
        Who decides, where the page does not say.
    cache : SoundCache, optional
        Where sound is kept that was made once.
    """

    def __init__(
        self,
        library: Library,
        store: Store | None,
        remaker: Remaker | None,
        author: str,
        cache: SoundCache | None = None,
    ) -> None:
        self.library, self.store, self.remaker, self.author = library, store, remaker, author
        self.sheets = CueSheets(library)
        self.decisions = None
        if store is not None and remaker is not None:
            self.decisions = Decisions(store, remaker.decided)
        self.sound_server = stereo.SoundServer(ExcerptReader(compiled=False), cache)
        self._sounds: OrderedDict[tuple[str, str, int], Any] = OrderedDict()
        self._lock = Lock()

    def sound(self, kind: str, sound_id: int, cue_key: str) -> Any:
        """Return a registered stem or mix.

        Raises
        ------
        UnknownNameError
            If the cue has none of that id.
        """
        asked = (kind, cue_key, sound_id)
        with self._lock:
            if asked in self._sounds:
                self._sounds.move_to_end(asked)
                return self._sounds[asked]
        cue = self.library[cue_key]
        there = (cue.stems if kind == "stem" else cue.mixes).values()
        found = next((sound for sound in there if sound.id == sound_id), None)
        if found is None:
            raise UnknownNameError(f"Cue '{cue_key}' has no {kind} of id {sound_id}. Reload it.")
        with self._lock:
            self._sounds[asked] = found
            while len(self._sounds) > KEPT_SOUNDS:
                self._sounds.popitem(last=False)
        return found

    def warm_up(self) -> None:
        """Read what is opened first, and import what reads it: the first page comes the sooner."""
        with suppress(CuePipelineError):  # whoever opens the page is told
            first = read_queue(self.library.store, QueueFilter(), most=1)["tracks"]
            for track in first:
                sheet = self.sheets.open(track["cue"])
                pair_of(self.library[sheet.key], sheet, int(track["id"]))

    def forget_sounds(self) -> None:
        """Look stems and mixes up anew: what was known of one did not fit."""
        with self._lock:
            self._sounds.clear()


def create_app(review: Review, admission: Admission) -> ASGIApp:
    """Return the application, guarded.

    Parameters
    ----------
    review : Review
    admission : Admission
        Who is let in.
    """
    return Guard(
        Starlette(routes=_routes(review), exception_handlers={CuePipelineError: _refused}),
        admission,
    )


def _refused(_: Request, error: Exception) -> Response:
    """Tell what went wrong, and what to do, in the words of the error."""
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    told: dict[str, Any] = {"told": shown(str(error))}
    if isinstance(error, MeanwhileDecidedError):
        told["standing"] = error.standing
    return JSONResponse(told, status_code=status)


def _routes(review: Review) -> list[BaseRoute]:
    reading: dict[str, Callable[[Review, Request], Response]] = {
        "/api/about": _about,
        "/api/queue": _queue,
        "/api/cue": _cue,
        "/api/track": _track,
        "/api/sound": _other_sound,
        "/api/standing": _standing,
        "/api/remaking": _remaking,
        "/api/mel/{kind}/{id:int}": _mel,
        "/sound/{kind}/{id:int}.wav": _wave,
    }
    writing: dict[str, Callable[[Review, Any], Response]] = {
        "/api/decide": _decide,
        "/api/undo": _undo,
        "/api/leave": _leave,
        "/api/clock": _clock,
    }
    routes: list[BaseRoute] = [
        Route("/", lambda _: _page_file("index.html")),
        Route("/page/{name}", lambda request: _page_file(request.path_params["name"])),
    ]
    routes += [Route(path, _reader(review, answer)) for path, answer in reading.items()]
    if review.store is not None:
        routes += [
            Route(path, _writer(review, answer), methods=["POST"])
            for path, answer in writing.items()
        ]
    return routes


def _reader(
    review: Review, answer: Callable[[Review, Request], Response]
) -> Callable[[Request], Response]:
    def handle(request: Request) -> Response:
        return answer(review, request)

    return handle


def _writer(review: Review, answer: Callable[[Review, Any], Response]) -> Any:
    from starlette.concurrency import run_in_threadpool

    async def handle(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BODY_BYTES:
                return JSONResponse({"told": "That is more than a decision."}, status_code=413)
        return await run_in_threadpool(_answered, review, answer, body)

    return handle


def _answered(review: Review, answer: Callable[[Review, Any], Response], body: bytes) -> Response:
    import json

    try:
        return answer(review, json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        if isinstance(e, CuePipelineError):
            raise
        return JSONResponse(
            {"told": f"What the page sent cannot be read ({e!r:.100}). Reload it."}, status_code=400
        )


def _page_file(name: str) -> Response:
    kind = PAGE_FILES.get(name.rpartition(".")[2])
    found = files("cue_pipeline.review").joinpath("page", name)
    if kind is None or "/" in name or name.startswith(".") or not found.is_file():
        return JSONResponse({"told": f"There is no page '{shown(name, 80)}'."}, status_code=404)
    return Response(found.read_bytes(), media_type=kind, headers={"cache-control": "no-cache"})


def _told(value: Any) -> Response:
    return JSONResponse(value, headers={"cache-control": "no-store"})


def _about(review: Review, _: Request) -> Response:
    return _told(
        {
            "database": shown(review.library.database),
            "read_only": review.store is None,
            "author": shown(review.author, LONGEST_NAME),
            "categories": list(INSTRUMENT_CATEGORIES),
            "tile_columns": mel_tiles.TILE_COLUMNS,
            "most_zoom": mel_tiles.MOST_ZOOM,
            "shown_db": mel_tiles.SHOWN_DB,
            "sample_rates": SAMPLE_RATES,
        }
    )


def _queue(review: Review, request: Request) -> Response:
    query = request.query_params
    wanted = QueueFilter(
        project=query.get("project") or None,
        cue=query.get("cue") or None,
        category=query.get("category") or None,
        state=query.get("state") or "open",
    )
    return _told(read_queue(review.library.store, wanted, offset=_number(query.get("offset"))))


def _cue(review: Review, request: Request) -> Response:
    return _told(review.sheets.open(_key(request)).as_json())


def _track(review: Review, request: Request) -> Response:
    cue, sheet = _opened(review, request)
    return _told(pair_of(cue, sheet, _number(request.query_params.get("id"))))


def _other_sound(review: Review, request: Request) -> Response:
    cue, sheet = _opened(review, request)
    query = request.query_params
    return _told(other_sound(cue, sheet, _number(query.get("id")), _number(query.get("stem"))))


def _standing(review: Review, request: Request) -> Response:
    decisions = review.decisions or Decisions(review.library.store)
    return _told(decisions.standing(review.sheets.open(_key(request))))


def _remaking(review: Review, _: Request) -> Response:
    states = {} if review.remaker is None else review.remaker.states()
    return _told({cue: {"state": r.state, "told": r.told} for cue, r in states.items()})


def _mel(review: Review, request: Request) -> Response:
    sound = _asked_sound(review, request)
    query = request.query_params
    zoom = min(mel_tiles.MOST_ZOOM, _number(query.get("zoom")))
    mel = sound.mel()
    kept = "private, max-age=86400, immutable" if query.get("v") == mel.version else "no-store"
    return Response(
        mel_tiles.mel_tile(mel, zoom, _number(query.get("tile"))),
        media_type="application/octet-stream",
        headers={"cache-control": kept},
    )


def _wave(review: Review, request: Request) -> Response:
    sound = _asked_sound(review, request)
    rate = _number(request.query_params.get("rate")) or sound.sample_rate
    if rate not in SAMPLE_RATES and rate != sound.sample_rate:
        told = f"No sound at {rate} Hz; there is {', '.join(map(str, SAMPLE_RATES))}."
        return JSONResponse({"told": told}, status_code=400)
    matrix = stereo_gains(sound.labels, audible=True)
    gain_db = stereo.matching_gain_db(matrix, (sound.row["levels"] or {}).get("channels", []))
    heard = stereo.Heard(
        _folder(sound.cue), sound.row["channels"], rate, matrix * 10.0 ** (gain_db / 20.0)
    )
    size = heard.bytes
    headers = {"accept-ranges": "bytes", "cache-control": "no-store", "x-gain-db": f"{gain_db:.6f}"}
    asked = stereo.asked_range(request.headers.get("range"), size)
    if asked is None:
        headers["content-range"] = f"bytes */{size}"
        return Response(status_code=416, headers=headers)
    begin, end = asked
    whole = "range" not in request.headers
    headers["content-length"] = str(end - begin)
    if not whole:
        headers["content-range"] = f"bytes {begin}-{end - 1}/{size}"
    if request.method == "HEAD":
        return Response(headers=headers, media_type="audio/wav")
    return StreamingResponse(
        _begun(review, review.sound_server.stream(heard, begin, end)),
        status_code=200 if whole else 206,
        headers=headers,
        media_type="audio/wav",
    )


def _folder(cue: Cue) -> Path:
    try:
        return cue.folder
    except CueError as e:
        raise CueError(
            f"Nothing can be heard of cue '{cue.key}': its folder is not where it was scanned. "
            "Mount the disk that it is on, or, if the library has moved, start `cue-pipeline "
            "review --root DIR` with its new place. What is drawn is in the database, and you can "
            "decide by eye."
        ) from e


def _begun(review: Review, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Return blocks of which the first two are there: what is wrong is told before the answer."""
    try:
        first = list(islice(blocks, 2))
    except AudioFileError:
        review.forget_sounds()
        raise
    return chain(first, blocks)


def _decide(review: Review, body: Any) -> Response:
    decisions, sheet = _deciding(review, body)
    stem = body.get("stem")
    asked = Asked(
        _seen(body),
        stem if stem in (None, "-") else int(stem),
        body.get("category") or None,
        _by(review, body),
    )
    return _told(decisions.decide(sheet, asked))


def _undo(review: Review, body: Any) -> Response:
    decisions, sheet = _deciding(review, body)
    return _told(decisions.undo(sheet, _seen(body), _by(review, body)))


def _leave(review: Review, body: Any) -> Response:
    assert review.remaker is not None
    review.remaker.left(str(body["cue"]))
    return _told({})


def _clock(review: Review, body: Any) -> Response:
    decisions, sheet = _deciding(review, body)
    moved = float(body["moved_seconds"])
    lag = decisions.state_clock(sheet, int(body["track"]), moved, _by(review, body))
    return _told({"lag_seconds": lag})


def _deciding(review: Review, body: Any) -> tuple[Decisions, CueSheet]:
    assert review.decisions is not None
    return review.decisions, review.sheets.open(str(body["cue"]))


def _seen(body: Any) -> dict[int, str]:
    return {int(track): str(version) for track, version in body["seen"].items()}


def _by(review: Review, body: Any) -> str:
    return str(body.get("by") or "").strip()[:LONGEST_NAME] or review.author


def _opened(review: Review, request: Request) -> tuple[Cue, Any]:
    key = _key(request)
    return review.library[key], review.sheets.open(key)


def _asked_sound(review: Review, request: Request) -> Any:
    kind = request.path_params["kind"]
    if kind not in ("stem", "mix"):
        raise UnknownNameError(f"No {kind!r} is heard: there are stem and mix.")
    return review.sound(kind, request.path_params["id"], _key(request))


def _key(request: Request) -> str:
    return request.query_params.get("cue") or ""


def _number(text: str | None) -> int:
    """Return a number of a query; 0 where there is none."""
    return int(text) if text and text.isdecimal() and len(text) <= 19 else 0
