"""Too much work, too little time, and processes that die, seen over HTTP.

An engine that is stopped (SIGSTOP) holds whatever it is given, so nothing here depends on how fast
the machine is.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import select
import signal
import socket as sockets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hilo_ctypes import LOW, Client, echo_vector
from http_client import HILO_HTTP, HttpServer, Reply, http_port, serving_http, stop, until_ready
from processes import PATIENCE_S, Engine, state, until

LOW_TEXTS_MAX = 8
TEXTS_OF_A_CHANNEL = 256
RETRIES_MAX = 5


@contextlib.contextmanager
def stopped(engine: Engine) -> Iterator[None]:
    engine.signal(signal.SIGSTOP)
    try:
        threads = Path(f"/proc/{engine.pid}/task")
        until(lambda: all(state(int(thread.name)) == "T" for thread in threads.iterdir()),
              "every thread of the engine to stand still")
        yield
    finally:
        engine.signal(signal.SIGCONT)


class Asked:
    """A request whose answer is awaited later."""

    def __init__(self, server: HttpServer, path: str, texts: int, **headers: str) -> None:
        self.connection = server.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = json.dumps({"input": ["word"] * texts})
        self.connection.request("POST", path, body, named)

    def is_answered(self, seconds: float) -> bool:
        return bool(select.select([self.connection.sock], [], [], seconds)[0])

    def reply(self) -> Reply:
        response = self.connection.getresponse()
        found = Reply(response.status, response.headers, response.read())
        self.connection.close()
        return found


def answer_at_once(server: HttpServer, path: str, texts: int, **headers: str) -> Reply:
    """Of a request that the engine is not needed for, once the ones before it have been read. One
    that is taken for work is withdrawn, and comes again."""
    while True:
        asked = Asked(server, path, texts, **headers)
        if asked.is_answered(1):
            return asked.reply()
        asked.connection.close()


def test_low_is_refused_first(runtime: Path, tmp_path: Path) -> None:
    options = ("--backend", "echo", "--http-low-texts", LOW_TEXTS_MAX)
    with serving_http(tmp_path, runtime / "s", *map(str, options)) as server:
        with stopped(server.engine):
            low = Asked(server, "/low/v1/embeddings", LOW_TEXTS_MAX)
            refused = answer_at_once(server, "/low/v1/embeddings", 1)
            assert (refused.status, refused.json["error"]["code"]) == (429, "rate_limit_exceeded")
            assert refused.message == "As many LOW texts wait as may."
            # Nothing was answered yet, so nobody knows how fast LOW is.
            assert refused.headers["Retry-After"] == "1"
            assert refused.headers["retry-after-ms"] == "1000"
            high = Asked(server, "/high/v1/embeddings", 1)
            assert server.ask("GET", "/health/ready").status == 200
        assert high.reply().status == 200
        assert low.reply().status == 200
        assert server.embed({"input": "a"}, "/low/v1/embeddings").status == 200


def test_texts_are_counted_whatever_is_wanted_of_them(runtime: Path, tmp_path: Path) -> None:
    """Those whose tokens have vectors are held and wait as the others do."""

    def texts() -> dict[str, int]:
        page = server.ask("GET", "/metrics").body.decode()
        found = re.findall(r'hilo_http_texts_(in_flight|queued){lane="low"} (\d+)', page)
        return {metric: int(number) for metric, number in found}

    # The engine's numbers are not found, so nobody waits for them while it is stopped.
    here, elsewhere = ({**os.environ, "XDG_RUNTIME_DIR": str(path)} for path in (runtime, tmp_path))
    serve = ("serve", "--backend", "echo", "--socket", runtime / "s")
    arguments = ("--socket", runtime / "s", "--listen", "0")
    with (Engine(tmp_path, *serve, env=here) as engine,
          Engine(tmp_path, *arguments, program=HILO_HTTP, env=elsewhere) as front):
        front.await_log("ready")
        server = HttpServer(front, http_port(front))
        with stopped(engine), contextlib.closing(server.connect()) as tokens:
            vectors = Asked(server, "/low/v1/embeddings", 2)
            tokens.request("POST", "/low/embed_all", json.dumps({"inputs": ["a", "b", "c"]}))
            # The engine has both of one request, and one text of the other.
            until(lambda: texts() == {"in_flight": 5, "queued": 2}, "both requests to be counted")
            held = server.ask("GET", "/status").json["http"]["texts_held"]
            assert held == {"high": 0, "low": 5}
            engine.signal(signal.SIGCONT)
            assert vectors.reply().status == tokens.getresponse().status == 200
        until(lambda: texts() == {"in_flight": 0, "queued": 0}, "all texts to be given back")
        stop(front)
        stop(engine)


def test_there_is_room_when_it_was_said(runtime: Path, tmp_path: Path, model_folder: Path) -> None:
    options = ("--model", model_folder, "--http-low-texts", "4")
    body = {"input": ["word " * 250] * 4}
    with serving_http(tmp_path, runtime / "s", *options) as server:
        assert server.embed(body, "/low/v1/embeddings").status == 200
        first = server.connect()
        first.request("POST", "/low/v1/embeddings", json.dumps(body))
        told = server.embed(body, "/low/v1/embeddings")
        for _ in range(RETRIES_MAX):
            if told.status == 200:
                break
            assert told.status == 429
            wait_ms = int(told.headers["retry-after-ms"])
            assert 100 <= wait_ms <= 60_000
            assert int(told.headers["Retry-After"]) == -(-wait_ms // 1000)
            time.sleep(wait_ms / 1000)
            told = server.embed(body, "/low/v1/embeddings")
        assert told.status == 200
        assert first.getresponse().read()
        first.close()


def test_what_has_not_begun_in_time_is_not_computed(server_of_echo: HttpServer) -> None:
    server = server_of_echo
    with stopped(server.engine):
        long = Asked(server, "/low/v1/embeddings", TEXTS_OF_A_CHANNEL + 44)
        late = answer_at_once(server, "/low/v1/embeddings", 1, X_Hilo_Timeout_Ms="100")
        assert (late.status, late.json["error"]["code"]) == (504, "timeout")
        assert "X-Hilo-Timeout-Ms" in late.message
    assert long.reply().status == 200


def test_a_short_request_does_not_wait_for_a_long_one(server_of_echo: HttpServer) -> None:
    """Requests of a lane take turns, whoever sent them."""
    server = server_of_echo
    with stopped(server.engine):
        long = Asked(server, "/low/v1/embeddings", 2048)
        answer_at_once(server, "/low/v1/embeddings", 1, X_Hilo_Timeout_Ms="100")
        short = Asked(server, "/low/v1/embeddings", 1)
        assert not short.is_answered(0.2)
    ready = select.select([long.connection.sock, short.connection.sock], [], [], PATIENCE_S)[0]
    assert ready == [short.connection.sock]
    assert short.reply().status == long.reply().status == 200


def test_an_engine_that_hangs_is_not_waited_for(runtime: Path, tmp_path: Path) -> None:
    """With a deadline and without; and what it was asked for then is in nobody's way later."""
    options = ("--backend", "echo", "--http-engine-seconds", "0.2")
    with serving_http(tmp_path, runtime / "s", *options) as server:
        with stopped(server.engine):
            asked = [Asked(server, "/high/v1/embeddings", 1),
                     Asked(server, "/low/v1/embeddings", TEXTS_OF_A_CHANNEL + 44)]
            timed = Asked(server, "/high/v1/embeddings", 1, X_Hilo_Timeout_Ms="1")
            for one in asked:
                reply = one.reply()
                assert (reply.status, reply.json["error"]["code"]) == (504, "timeout")
                assert reply.message == "The engine has not answered for 0.2 s."
            assert "X-Hilo-Timeout-Ms" in timed.reply().message
            tei = server.ask("POST", "/embed", {"inputs": "a"})
            assert (tei.status, tei.json["error_type"]) == (504, "Backend")
        for path in ("/high/v1/embeddings", "/low/v1/embeddings"):
            until(lambda path=path: server.embed({"input": "a"}, path).status == 200, "the engine")


# ---- processes that die


@pytest.fixture
def server_of_echo(runtime: Path, tmp_path: Path) -> Iterator[HttpServer]:
    with serving_http(tmp_path, runtime / "s", "--backend", "echo") as serving:
        yield serving


def test_the_engine_does_not_notice_that_its_front_end_is_killed(
    runtime: Path, tmp_path: Path
) -> None:
    """Requests under way end, other clients' work goes on, and the address stays the same."""
    port = free_port()
    options = ("serve", "--backend", "echo", "--socket", runtime / "s", "--http", str(port))
    with Engine(tmp_path, *options) as engine:
        server = HttpServer(engine, port)
        engine.await_log("hilo-http: ready")
        neighbour = Client.connect(runtime / "s", LOW)
        with stopped(engine):
            asked = Asked(server, "/low/v1/embeddings", 2048)
            task = neighbour.submit("hello", LOW)
            assert not asked.is_answered(0.1)
            os.kill(server.front_end, signal.SIGKILL)
            with pytest.raises(ConnectionError):
                asked.reply()
        assert neighbour.await_result().task == task
        neighbour.release(task)
        until(lambda: engine.log().count("hilo-http: ready") == 2, "the next one")
        reply = server.embed({"input": "hello"})
        assert reply.json["data"][0]["embedding"] == pytest.approx(echo_vector("hello", 64),
                                                                  abs=1e-6)
        assert neighbour.embed("hello", LOW) == pytest.approx(echo_vector("hello", 64), abs=1e-6)
        neighbour.close()
        stop(engine)


def free_port() -> int:
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_killed_engine_is_told_and_found_again(runtime: Path, tmp_path: Path) -> None:
    serve = ("serve", "--backend", "echo", "--socket", runtime / "s")
    with Engine(tmp_path, "--socket", runtime / "s", "--listen", "0", program=HILO_HTTP) as front:
        front.await_log("listening")
        server = HttpServer(front, http_port(front))
        with Engine(tmp_path, *serve) as engine:
            until_ready(server)
            with stopped(engine):
                asked = [Asked(server, f"/{lane}/v1/embeddings", texts)
                         for lane, texts in (("high", 1), ("low", 2000), ("low", 1))]
                engine.signal(signal.SIGKILL)
                engine.wait()
            for one in asked:
                reply = one.reply()
                assert (reply.status, reply.json["error"]["code"]) == (503, "engine_unavailable")
                assert reply.message.startswith("The engine ") and reply.message.endswith(".")
                assert reply.json["error"]["type"] == "server_error"
        assert server.ask("GET", "/health/live").status == 200
        gone = server.ask("GET", "/health/ready")
        assert gone.status == 503 and gone.message.endswith(".")
        with Engine(tmp_path, *serve) as engine:
            until_ready(server)
            for path in ("/high/v1/embeddings", "/low/v1/embeddings"):
                assert server.embed({"input": "a"}, path).status == 200
            stop(engine)
        stop(front)


CLIENTS_MAX = 64


@pytest.mark.parametrize("places", [3, 2])
def test_an_engine_without_a_place_for_vectors_of_tokens(
    places: int, runtime: Path, tmp_path: Path
) -> None:
    """It gives all others, and those of a lane that has its channel. HIGH comes first."""
    with Engine(tmp_path, "serve", "--backend", "echo", "--socket", runtime / "s") as engine:
        engine.await_log("ready")
        crowd = [Client.connect(runtime / "s", LOW) for _ in range(CLIENTS_MAX - places)]
        arguments = ("--socket", runtime / "s", "--listen", "0")
        with Engine(tmp_path, *arguments, program=HILO_HTTP) as front:
            front.await_log("ready")
            assert front.log().count("no vectors of tokens: ") == 1
            server = HttpServer(front, http_port(front))
            for lane, wanted in (("high", 200 if places == 3 else 503), ("low", 503)):
                assert server.ask("POST", f"/{lane}/embed", {"inputs": "a"}).status == 200
                reply = server.ask("POST", f"/{lane}/embed_all", {"inputs": "a"})
                assert reply.status == wanted
                if wanted == 503:
                    assert reply.json["error_type"] == "Unhealthy" and reply.headers["Retry-After"]
            stop(front)
        for one in crowd:
            one.close()
        stop(engine)


def test_an_engine_that_goes_while_bodies_are_parsed(runtime: Path, tmp_path: Path) -> None:
    """Nobody is told that a lane is denied. Bodies that take long to parse wait for each other."""
    padding = "a" * (15 << 20)
    body = gzip.compress(json.dumps({"input": "a", "user": padding}).encode(), 1)
    packed = {"Content-Encoding": "gzip"}
    with Engine(tmp_path, "--socket", runtime / "s", "--listen", "0", program=HILO_HTTP) as front:
        front.await_log("listening")
        server = HttpServer(front, http_port(front))
        with Engine(tmp_path, "serve", "--backend", "echo", "--socket", runtime / "s") as engine:
            until_ready(server)
            connections = [server.connect() for _ in range(24)]
            for connection in connections:
                connection.request("POST", "/v1/embeddings", body, packed)
            engine.signal(signal.SIGKILL)
        statuses = []
        for connection in connections:
            statuses.append(connection.getresponse().status)
            connection.close()
        assert set(statuses) <= {200, 503} and statuses[-1] == 503
        stop(front)
    (runtime / "s").unlink()
