"""A `hilo serve --http` for the tests, and what a client sees of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket as sockets
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from processes import HILO, PATIENCE_S, Engine, children, until

HILO_HTTP = str(Path(HILO).with_name("hilo-http"))


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The sentence of an error in OpenAI's envelope."""
        return self.json["error"]["message"]


class HttpServer:
    def __init__(self, engine: Engine, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.engine = engine
        self.port = port
        self.tls = tls

    @property
    def front_end(self) -> int:
        """The process of hilo-http that the engine has started."""
        (found,) = [pid for pid in children(self.engine.pid) if is_front_end(pid)]
        return found

    def connect(self) -> http.client.HTTPConnection:
        where = ("127.0.0.1", self.port)
        if self.tls is None:
            return http.client.HTTPConnection(*where, timeout=PATIENCE_S)
        return http.client.HTTPSConnection(*where, timeout=PATIENCE_S, context=self.tls)

    def ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own. A body that is not bytes is sent as JSON."""
        with contextlib.closing(self.connect()) as connection:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())

    def embed(self, body: object, path: str = "/v1/embeddings", **headers: str) -> Reply:
        """Names of headers with _ in place of -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, named)

    def raw(self) -> sockets.socket:
        connection = sockets.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        connection.settimeout(PATIENCE_S)
        return connection

    def send_raw(self, data: bytes) -> bytes:
        """What comes back until the server closes."""
        with self.raw() as connection:
            connection.sendall(data)
            received = b""
            while piece := connection.recv(65536):
                received += piece
            return received


def is_front_end(pid: int) -> bool:
    return b"hilo-http" in Path(f"/proc/{pid}/cmdline").read_bytes()


def http_port(engine: Engine) -> int:
    found = re.findall(r"hilo-http: listening on https?://127\.0\.0\.1:(\d+)", engine.log())
    return int(found[-1])


@contextlib.contextmanager
def serving_http(folder: Path, socket: Path, *arguments: str | Path) -> Iterator[HttpServer]:
    """Port 0 lets the kernel choose, so that tests do not meet."""
    with Engine(folder, "serve", "--socket", socket, "--http", "0", *arguments) as engine:
        engine.await_log("hilo-http: ready")
        yield HttpServer(engine, http_port(engine))
        stop(engine)


@contextlib.contextmanager
def serving_apart(folder: Path, *arguments: str | Path) -> Iterator[HttpServer]:
    """The same with a socket in a folder of its own, whose path is short."""
    with tempfile.TemporaryDirectory(prefix="hilo-") as runtime:
        with serving_http(folder, Path(runtime) / "s", *arguments) as server:
            yield server


@contextlib.contextmanager
def both_lanes_used(
    server: HttpServer, high: list[str], low: list[str], pauses_s: tuple[float, float] = (0, 0)
) -> Iterator[None]:
    """Somebody embeds these texts in each lane meanwhile, again and again."""
    over = threading.Event()

    def use(lane: str, texts: list[str], pause_s: float) -> None:
        while not over.wait(pause_s):
            assert server.embed({"input": texts}, f"/{lane}/v1/embeddings").status == 200

    users = [threading.Thread(target=use, args=("high", high, pauses_s[0])),
             threading.Thread(target=use, args=("low", low, pauses_s[1]))]
    for user in users:
        user.start()
    try:
        yield
    finally:
        over.set()
        for user in users:
            user.join()


def stop(engine: Engine) -> None:
    engine.process.terminate()
    assert engine.wait() == 0, engine.log()


def until_ready(server: HttpServer) -> None:
    until(lambda: server.ask("GET", "/health/ready").status == 200, "the server to be ready")
