"""`hilo serve --http`: OpenAI's routes, lanes, limits, and what happens when processes die."""

from __future__ import annotations

import base64
import gzip
import json
import os
import select
import signal
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hilo_ctypes import HIGH, Client, echo_vector
from http_client import HILO_HTTP, HttpServer, http_port, serving_http, stop, until_ready
from processes import PATIENCE_S, Engine, run_hilo, until


@pytest.fixture
def server(runtime: Path, tmp_path: Path) -> Iterator[HttpServer]:
    """An engine that echoes, behind HTTP."""
    with serving_http(tmp_path, runtime / "s", "--backend", "echo") as serving:
        yield serving


def vectors(reply_json: dict) -> list[list[float]]:
    return [row["embedding"] for row in reply_json["data"]]


# ---- OpenAI


def test_texts_become_vectors(server: HttpServer) -> None:
    one = server.embed({"input": "hello", "model": "echo", "user": "me"})
    assert one.status == 200
    assert one.headers["Content-Type"] == "application/json"
    assert vectors(one.json) == [pytest.approx(echo_vector("hello", 64), abs=1e-6)]
    assert one.json["model"] == "echo"
    tokens = one.json["usage"]["prompt_tokens"]
    assert tokens > 0 and one.json["usage"]["total_tokens"] == tokens
    two = server.embed({"input": ["a", "hello"]}, "/embeddings")
    assert [row["index"] for row in two.json["data"]] == [0, 1]
    assert vectors(two.json)[1] == vectors(one.json)[0]


def test_base64_and_dimensions(server: HttpServer) -> None:
    floats = vectors(server.embed({"input": "hello"}).json)[0]
    packed = vectors(server.embed({"input": "hello", "encoding_format": "base64"}).json)[0]
    assert list(struct.unpack("<64f", base64.b64decode(packed))) == pytest.approx(floats, abs=1e-7)
    short = vectors(server.embed({"input": "hello", "dimensions": 8}).json)[0]
    length = sum(value * value for value in floats[:8]) ** 0.5
    assert short == pytest.approx([value / length for value in floats[:8]], abs=1e-6)


def test_models(server: HttpServer) -> None:
    assert [model["id"] for model in server.ask("GET", "/v1/models").json["data"]] == ["echo"]
    assert server.ask("GET", "/v1/models/echo").json["id"] == "echo"
    missing = server.ask("GET", "/v1/models/gpt")
    assert (missing.status, missing.json["error"]["code"]) == (404, "model_not_found")
    wrong = server.embed({"input": "a", "model": "text-embedding-3-small"})
    assert (wrong.status, wrong.json["error"]["code"]) == (404, "model_not_found")


def test_any_model_may_be_named_if_allowed(runtime: Path, tmp_path: Path) -> None:
    options = ("--backend", "echo", "--http-any-model")
    with serving_http(tmp_path, runtime / "s", *options) as server:
        reply = server.embed({"input": "a", "model": "text-embedding-3-small"})
        assert (reply.status, reply.json["model"]) == (200, "echo")


def test_token_ids_take_the_place_of_texts(server: HttpServer) -> None:
    texts = ["hello", "a"]  # The echo's tokens are bytes.
    many = server.embed({"input": [list(text.encode()) for text in texts]})
    assert vectors(many.json) == vectors(server.embed({"input": texts}).json)
    assert many.json["usage"]["prompt_tokens"] == 6
    one = server.embed({"input": list(b"hello")})
    assert vectors(one.json) == vectors(many.json)[:1]
    unknown = server.embed({"input": [[104], [256]]})
    assert (unknown.status, unknown.json["error"]["type"]) == (400, "invalid_request_error")


def test_the_vectors_are_those_of_hilo(runtime: Path, tmp_path: Path, model_folder: Path) -> None:
    texts = ["resize photos", "", "größer 图片 🙂", "word " * 600]
    with serving_http(tmp_path, runtime / "s", "--model", model_folder) as server:
        reply = server.embed({"input": texts, "encoding_format": "base64"})
        assert reply.status == 200
        assert reply.headers["X-Hilo-Truncated"] == "1"
        client = Client.connect(runtime / "s", HIGH)
        for text, packed in zip(texts, vectors(reply.json), strict=True):
            vector = struct.unpack("<384f", base64.b64decode(packed))
            assert list(vector) == list(client.embed(text))
        client.close()


# ---- lanes


def test_lanes(server: HttpServer) -> None:
    def lane(texts: int, path: str = "/v1/embeddings", priority: str | None = None,
             **headers: str) -> str:
        body = {"input": ["x"] * texts, "priority": priority}
        return server.embed(body, path, **headers).headers["X-Hilo-Lane"]

    assert lane(4) == "high"
    assert lane(5) == "low"
    assert lane(1, "/low/v1/embeddings") == "low"
    assert lane(9, "/high/v1/embeddings") == "high"
    assert lane(1, X_Hilo_Lane="low") == "low"
    assert lane(9, priority="high") == "high"
    contradiction = server.embed({"input": "x", "priority": "low"}, "/high/v1/embeddings")
    assert contradiction.status == 400
    unknown = server.embed({"input": "x"}, X_Hilo_Lane="urgent")
    assert (unknown.status, unknown.message) == (400, "X-Hilo-Lane must be high, low or auto.")


def test_a_socket_of_one_lane_is_served_as_far_as_it_goes(runtime: Path, tmp_path: Path) -> None:
    options = ("--backend", "echo", "--lanes", "low")
    with serving_http(tmp_path, runtime / "s", *options) as server:
        assert server.embed({"input": "x"}).headers["X-Hilo-Lane"] == "low"
        assert server.embed({"input": "x"}, "/high/v1/embeddings").status == 403


def test_a_wrong_timeout_is_told(server: HttpServer) -> None:
    assert server.embed({"input": "x"}, X_Hilo_Timeout_Ms="60000").status == 200
    for wrong in ("0", "-1", "1.5", "soon", "99999999999"):
        assert server.embed({"input": "x"}, X_Hilo_Timeout_Ms=wrong).status == 400


# ---- bodies and limits


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"input":"\xff"}', b'{"input":"\\ud800"}', b'{"input":1e999}',
             b'{"input":"a","input":"b"}', b"[" * 100_000, b'{"input":[]}', b"{}"]
)
def test_bad_json_is_told_in_a_sentence(server: HttpServer, body: bytes) -> None:
    reply = server.ask("POST", "/v1/embeddings", body)
    assert reply.status == 400
    assert reply.message.endswith(".")
    assert reply.json["error"]["type"] == "invalid_request_error"


def test_limits(runtime: Path, tmp_path: Path) -> None:
    options = ("--backend", "echo", "--http-body-bytes", "1000", "--http-request-texts", "3")
    with serving_http(tmp_path, runtime / "s", *options) as server:
        assert server.embed({"input": ["a"] * 3}).status == 200
        assert server.embed({"input": ["a"] * 4}).status == 400
        assert server.embed({"input": "a" * 1000}).status == 413
        packed = gzip.compress(json.dumps({"input": "a" * 2000}).encode())
        assert len(packed) < 1000
        assert server.embed(packed, Content_Encoding="gzip").status == 413
        assert server.embed({"input": "a"}, X_Long="a" * 20_000).status == 431
        assert server.embed({"input": "a"}, Content_Encoding="br").status == 415


def test_gzip_and_many_texts(server: HttpServer) -> None:
    texts = [f"text {number}" for number in range(2048)]
    packed = gzip.compress(json.dumps({"input": texts}).encode())
    reply = server.embed(packed, Content_Encoding="gzip")
    assert reply.status == 200
    found = vectors(reply.json)
    assert len(found) == 2048
    assert found[2047] == pytest.approx(echo_vector("text 2047", 64), abs=1e-6)
    assert server.embed({"input": [*texts, "one more"]}).status == 400


def test_more_connections_than_may_be_are_turned_away(runtime: Path, tmp_path: Path) -> None:
    options = ("--backend", "echo", "--http-connections", "1")
    with serving_http(tmp_path, runtime / "s", *options) as server:
        connection = server.connect()
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        assert server.send_raw(b"").startswith(b"HTTP/1.1 503 ")
        connection.close()
        until_ready(server)


def test_all_bodies_together_are_limited(runtime: Path, tmp_path: Path) -> None:
    head = b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    options = ("--backend", "echo", "--http-bodies-mib", "1")
    with serving_http(tmp_path, runtime / "s", *options) as server:
        with server.raw() as one, server.raw() as other:
            for connection in (one, other):
                connection.sendall(head + b" " * 700_000)
            told = select.select([one, other], [], [], PATIENCE_S)[0]
            assert told[0].recv(13) == b"HTTP/1.1 429 "
        until(lambda: server.embed(b'{"input":"a"}' + b" " * 900_000).status == 200,
              "their bytes to be given back")


def test_slow_headers_and_bodies_are_ended(runtime: Path, tmp_path: Path) -> None:
    options = ("--backend", "echo", "--http-header-seconds", "0.2", "--http-body-seconds", "0.2",
               "--http-idle-seconds", "0.2")
    with serving_http(tmp_path, runtime / "s", *options) as server:
        assert server.send_raw(b"POST /v1/emb").startswith(b"HTTP/1.1 408 ")
        body = b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        assert server.send_raw(body).startswith(b"HTTP/1.1 408 ")
        assert server.send_raw(b"") == b""


# ---- HTTP


def test_methods_and_paths(server: HttpServer) -> None:
    wrong = server.ask("GET", "/v1/embeddings")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")
    assert server.ask("GET", "/nothing").status == 404
    head = server.ask("HEAD", "/v1/models")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == server.ask("GET", "/v1/models").headers[
        "Content-Length"]


def test_requests_may_follow_each_other_at_once(server: HttpServer) -> None:
    body = b'{"input":"hello"}'
    request = (b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
               % (len(body), body))
    last = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert server.send_raw(request * 20 + last).count(b"HTTP/1.1 200 OK") == 21


def test_leave_to_send_a_body(server: HttpServer) -> None:
    with server.raw() as connection:
        connection.sendall(b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n"
                           b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b'{"input":"hello"}')
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_two_lengths_are_refused(server: HttpServer) -> None:
    smuggled = (b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n")
    reply = server.send_raw(smuggled)
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert reply.count(b"HTTP/1.1 ") == 1


def test_a_unix_socket(runtime: Path, tmp_path: Path) -> None:
    path = runtime / "http"
    arguments = ("serve", "--backend", "echo", "--socket", runtime / "s", "--http", f"unix:{path}")
    with Engine(tmp_path, *arguments) as engine:
        engine.await_log("hilo-http: ready")
        done = subprocess.run(
            ["curl", "-s", "--unix-socket", path, "http://x/health"],
            capture_output=True, timeout=PATIENCE_S, check=True)
        assert json.loads(done.stdout) == {"status": "ready"}
        stop(engine)


# ---- processes


def test_a_client_that_hangs_up_takes_its_texts_along(
    runtime: Path, tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with serving_http(tmp_path, runtime / "s", "--model", model_folder) as server:
        body = json.dumps({"input": ["word " * 200] * 2000}).encode()
        connection = server.connect()
        connection.request("POST", "/low/v1/embeddings", body)
        lane = lambda: json.loads(run_hilo("top", "--once", "--json").stdout)["lanes"]["low"]
        until(lambda: lane()["open"] > 0, "the texts to be with the engine")
        connection.close()
        until(lambda: lane()["open"] == 0, "the texts to be dropped")
        assert lane()["completed"]["cancelled"] > 0
        assert lane()["admitted"] < 2000


def test_a_killed_front_end_comes_back(server: HttpServer) -> None:
    os.kill(server.front_end, signal.SIGKILL)
    server.engine.await_log("starting it again")
    until(lambda: server.engine.log().count("hilo-http: ready") == 2, "the next one")
    after = HttpServer(server.engine, http_port(server.engine))
    assert after.embed({"input": "hello"}).status == 200


def test_an_engine_that_goes_and_comes(runtime: Path, tmp_path: Path) -> None:
    serve = ("serve", "--backend", "echo", "--socket", runtime / "s")
    with Engine(tmp_path, "--socket", runtime / "s", "--listen", "0", program=HILO_HTTP) as front:
        front.await_log("listening")
        server = HttpServer(front, http_port(front))
        without = server.embed({"input": "a"})
        assert without.status == 503 and without.headers["Retry-After"]
        assert server.ask("GET", "/health/live").status == 200
        assert server.ask("GET", "/health/ready").status == 503
        for _ in range(2):
            with Engine(tmp_path, *serve) as engine:
                until_ready(server)
                assert server.embed({"input": "a"}).status == 200
                engine.signal(signal.SIGKILL)
                engine.wait()
            until(lambda: server.embed({"input": "a"}).status == 503, "the loss to be noticed")
        stop(front)
    (runtime / "s").unlink()


def test_what_is_under_way_is_answered_before_the_end(
    runtime: Path, tmp_path: Path, model_folder: Path
) -> None:
    with Engine(tmp_path, "serve", "--model", model_folder, "--socket", runtime / "s") as engine:
        engine.await_log("ready")
        arguments = ("--socket", runtime / "s", "--listen", "0", "--drain-delay-seconds", "0.3")
        with Engine(tmp_path, *arguments, program=HILO_HTTP) as front:
            front.await_log("ready")
            server = HttpServer(front, http_port(front))
            connection, idle = server.connect(), server.connect()
            idle.request("GET", "/health")
            assert idle.getresponse().read()
            connection.request("POST", "/v1/embeddings", json.dumps({"input": ["word " * 99] * 99}))
            front.signal(signal.SIGTERM)
            until(lambda: server.ask("GET", "/health/ready").status == 503, "readiness to go")
            reply = connection.getresponse()
            assert (reply.status, len(json.load(reply)["data"])) == (200, 99)
            assert front.wait() == 0
            connection.close()
            idle.close()
        stop(engine)


def test_an_address_in_use_ends_the_run(server: HttpServer, runtime: Path) -> None:
    second = run_hilo("serve", "--backend", "echo", "--socket", runtime / "t",
                      "--http", str(server.port))
    assert second.returncode == 1
    assert "Address already in use" in second.stderr
