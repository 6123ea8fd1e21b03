"""A server below HTTP: it reads a request and sends whatever bytes it is told to, as it is told."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Misbehaviour = Callable[[socket.socket, threading.Event], None]


@dataclass
class RawServer:
    url: str
    requests: list[bytes] = field(default_factory=list)


def headers(*lines: str, status: str = "200 OK") -> bytes:
    """The head of an HTTP/1.1 answer with a JSON body."""
    return "\r\n".join(
        [f"HTTP/1.1 {status}", "content-type: application/json", *lines, "", ""]
    ).encode()


@contextmanager
def raw_server(misbehave: Misbehaviour, *, reads: bool = True) -> Iterator[RawServer]:
    """Serve each connection with `misbehave`, which gets it and an event that ends the test."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    server = RawServer(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if reads:
                server.requests.append(_request(connection))
            misbehave(connection, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"ontent-" in line
         and line.lower().startswith(b"content-length")), 0,
    )  # fmt: skip
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
