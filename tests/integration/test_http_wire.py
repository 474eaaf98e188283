"""Bytes that are no request, requests that could be read in two ways, and clients that come slowly,
stop half way, or leave: none of it holds up the others, and everything is given back.

One server has them all.
"""

from __future__ import annotations

import contextlib
import json
import resource
import socket as sockets
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hilo_ctypes import echo_vector
from http_client import HttpServer, serving_apart, serving_http
from processes import PATIENCE_S, descriptors, until

POST = b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\n"
BODY = b'{"input":"hello"}'
EMBED_ALL = b"POST /low/embed_all HTTP/1.1\r\nHost: x\r\n"
WHOLE = POST + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
# What a smuggler wants to be answered.
BEHIND = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT_S = "0.5"
CONNECTIONS_OF_A_CROWD = 2000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    with serving_apart(tmp_path_factory.mktemp("server"), "--backend", "echo") as serving:
        yield serving


@pytest.fixture
def hasty(runtime: Path, tmp_path: Path) -> Iterator[HttpServer]:
    """A server that waits for nobody."""
    options = [f"--http-{what}-seconds={SHORT_S}" for what in ("header", "body", "idle", "write")]
    with serving_http(tmp_path, runtime / "s", "--backend", "echo", "--http-request-texts=10000",
                      *options) as serving:
        yield serving


@pytest.fixture(autouse=True)
def nothing_is_kept(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test's connections are gone when it is over, and the server serves."""
    serving = request.getfixturevalue("hasty" if "hasty" in request.fixturenames else "server")
    before = descriptors(serving.front_end)
    yield
    is_well(serving)
    until(lambda: descriptors(serving.front_end) == before, "connections to be closed")


def is_well(server: HttpServer) -> None:
    reply = server.embed(BODY)
    assert reply.json["data"][0]["embedding"] == pytest.approx(echo_vector("hello", 64), abs=1e-6)


def is_refused(server: HttpServer, data: bytes, status: bytes = b"400") -> None:
    """One answer, the last: nothing that follows is taken for a request."""
    answer = server.send_raw(data + BEHIND)
    assert answer.startswith(b"HTTP/1.1 " + status), (data, answer)
    assert answer.count(b"HTTP/1.1 ") == 1, (data, answer)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nConnection: close" in head
    assert json.loads(body)["error"]["message"].endswith(".")


# ---- what is read


@pytest.mark.parametrize("lines", [
    b"Content-Length: 17\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 17",
    b"Content-Length: 17\r\nContent-Length: 18",
    b"Content-Length: 17, 18",
    b"Content-Length: 17,",
    b"Content-Length: ",
    b"Content-Length: +17",
    b"Content-Length: -17",
    b"Content-Length: 0x11",
    b"Content-Length: 1 7",
    b"Content-Length: 17\r\n 18",
    b"Content-Length: 18446744073709551633",
    b"Content-Length : 17",
    b" Content-Length: 17",
    b"\tTransfer-Encoding: chunked",
    b"Content-Length: 17\r\nX: a\r\n folded",
    b"Content-Length\r\n : 17",
    b"Content-Length: 17\x00",
    b"Content-Length: 17\r",
    b"Content-Length: 17\nX: y",
    b"X: y\rContent-Length: 17",
    b"X\x00: y\r\nContent-Length: 17",
    b"X\xff: y\r\nContent-Length: 17",
    b": y\r\nContent-Length: 17",
    b"X\r\nContent-Length: 17",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nContent-Length: 17",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: \"chunked\"",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding\x00: chunked",
    b"Host: y\r\nContent-Length: 17",
])
def test_a_header_that_could_be_read_in_two_ways(server: HttpServer, lines: bytes) -> None:
    is_refused(server, POST + lines + b"\r\n\r\n" + BODY)


@pytest.mark.parametrize("chunks", [
    b"zz\r\n", b"-1\r\n", b"+11\r\n%s\r\n0\r\n\r\n", b"0x11\r\n%s\r\n0\r\n\r\n",
    b" 11\r\n%s\r\n0\r\n\r\n", b"11\n%s\r\n0\r\n\r\n", b"11\r\n%s0\r\n\r\n", b"11\r\n%s\n0\r\n\r\n",
    b"10000000000000011\r\n%s\r\n0\r\n\r\n", b"11 x\r\n%s\r\n0\r\n\r\n", b";x\r\n\r\n", b"\r\n",
    b"11\r\n%s\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"11\r\n%s\r\n0\r\nContent-Length: 17\r\n\r\n", b"11\r\n%s\r\n0\r\nX : y\r\n\r\n",
])
def test_chunks_that_could_be_read_in_two_ways(server: HttpServer, chunks: bytes) -> None:
    sent = chunks % BODY if b"%s" in chunks else chunks
    is_refused(server, POST + b"Transfer-Encoding: chunked\r\n\r\n" + sent)


@pytest.mark.parametrize("data", [
    b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 100,
    b"GET /health\r\n\r\n", b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n", b"GET HTTP/1.1\r\n\r\n",
    b"GET /health HTTP/1.1 \r\nHost: x\r\n\r\n", b"GET /he alth HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n", b"GET /health http/1.1\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/11\r\nHost: x\r\n\r\n", b"GET /health HTTP/1.1\nHost: x\n\n",
    b"GET /health HTTP/1.1\r\n\r\n", b"GET /health\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"G\x01T /health HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /v1/embeddings HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
])
def test_what_is_no_request(server: HttpServer, data: bytes) -> None:
    is_refused(server, data)


@pytest.mark.parametrize("lines", [
    b"Content-Length: 17\r\nContent-Length: 17\r\n\r\n%s",
    b"content-LENGTH:17  \r\n\r\n%s",
    b"Transfer-Encoding: Chunked\r\n\r\n7;x=y\r\n{\"input\r\na\r\n\":\"hello\"}\r\n000\r\nX: y"
    b"\r\n\r\n",
    b"Expect: 200-nonsense\r\nContent-Length: 17\r\n\r\n%s",
])
def test_what_can_be_read_in_one_way_only(server: HttpServer, lines: bytes) -> None:
    request = POST + (lines % BODY if b"%s" in lines else lines)
    answer = server.send_raw(request + BEHIND[:-2] + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2, answer


def test_a_field_behind_the_last_chunk_is_no_header(server: HttpServer) -> None:
    """A proxy that sets or removes a header is not got around."""
    chunks = b"11\r\n%s\r\n0\r\nX-Hilo-Lane: low\r\nConnection: close\r\n\r\n" % BODY
    with server.raw() as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        assert b"X-Hilo-Lane: high" in connection.recv(65536)


@pytest.mark.parametrize("path", [b"/\xff\xfe", b"/\xc3", b"/" + b"a" + b"\xc3\xa4" * 200, b"/%00",
                                  b"/v1/models/\xff", b"/\"\\", b"/urgent/v1/embeddings"])
def test_a_path_of_any_bytes_is_told_in_json(server: HttpServer, path: bytes) -> None:
    answer = server.send_raw(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
    assert answer.startswith(b"HTTP/1.1 404 "), answer
    json.loads(answer.partition(b"\r\n\r\n")[2].decode())


# ---- clients that are slow


@pytest.mark.parametrize("data", [POST + b"X: " + b"y" * 100, POST + b"Content-Length: 99\r\n\r\n{",
                                  POST + b"Transfer-Encoding: chunked\r\n\r\n11\r\n{"])
def test_a_byte_now_and_then_is_not_enough(hasty: HttpServer, data: bytes) -> None:
    """Each byte is in time, and all of them are not."""
    with hasty.raw() as slow:
        slow.sendall(data)
        slow.settimeout(0.05)
        answer = b""
        for _ in range(200):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                slow.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                answer = slow.recv(65536)
                break
            assert hasty.ask("GET", "/health/live").status == 200
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_client_that_does_not_read(hasty: HttpServer) -> None:
    """It is left alone in the end, and the room of its texts is given back."""
    body = json.dumps({"input": ["text"] * 10_000, "priority": "low"}).encode()
    for _ in range(3):  # Two of them would be more than LOW may hold.
        with sockets.socket() as lazy:
            lazy.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
            lazy.settimeout(PATIENCE_S)
            before = descriptors(hasty.front_end)
            lazy.connect(("127.0.0.1", hasty.port))
            lazy.sendall(POST + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            until(lambda: descriptors(hasty.front_end) > before, "the connection to be accepted")
            until(lambda: descriptors(hasty.front_end) == before, "the server to give up")
            assert lazy.recv(16).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_does_not_read_holds_what_there_is(server: HttpServer) -> None:
    """Not what its texts could have come to, which is all that a lane may hold."""
    body = json.dumps({"inputs": ["a" * 200] * 64}).encode()
    before = descriptors(server.front_end)
    with sockets.socket() as lazy:
        lazy.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        lazy.settimeout(PATIENCE_S)
        lazy.connect(("127.0.0.1", server.port))
        lazy.sendall(EMBED_ALL + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert lazy.recv(16).startswith(b"HTTP/1.1 200 ")
        until(lambda: server.ask("GET", "/status").json["http"]["texts_held"]["low"] == 64,
              "it to be told: a response that does not fit into the socket is held")
        assert server.ask("POST", "/low/embed_all", {"inputs": ["b"] * 40}).status == 200
    until(lambda: descriptors(server.front_end) == before, "the connection to be closed")


# ---- the form of what is refused

EMBED = b"POST /low/embed HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(("data", "status"), [
    (EMBED + b"Content-Length: 99999999\r\n\r\n", 413),
    (EMBED + b"Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n", 413),
    (EMBED + b"X: " + b"y" * 20_000, 431), (EMBED + b"Host: y\r\n\r\n", 400),
    (EMBED + b"X\r\n\r\n", 400), (b"GET /embed HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
])
def test_a_refusal_takes_the_form_of_its_route(
    server: HttpServer, data: bytes, status: int
) -> None:
    is_in_tei_s_form(server.send_raw(data), status)


@pytest.mark.parametrize("data", [EMBED, EMBED + b"Content-Length: 9\r\n\r\n{"])
def test_so_does_one_that_came_too_slowly(hasty: HttpServer, data: bytes) -> None:
    is_in_tei_s_form(hasty.send_raw(data), 408)


def is_in_tei_s_form(answer: bytes, status: int) -> None:
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert told["error"].endswith(".") and told["error_type"] == "Validation"


# ---- clients that leave


def test_half_closed_connections(server: HttpServer) -> None:
    for sent, answer in ((b"", b""), (POST, b""), (WHOLE[:-1], b""), (BEHIND[:-1], b"")):
        with server.raw() as connection:
            connection.sendall(sent)
            connection.shutdown(sockets.SHUT_WR)
            assert connection.recv(65536) == answer
    # One that asks for nothing that takes time has its answer.
    with server.raw() as connection:
        connection.sendall(BEHIND)
        connection.shutdown(sockets.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_leaves_at_any_byte(server: HttpServer, reset: bool) -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n11\r\n%s\r\n0\r\n\r\n" % BODY
    for request in (WHOLE, chunked):
        for end in range(len(request) + 1):
            with server.raw() as connection:
                connection.sendall(request[:end])
                if reset:
                    no_time = struct.pack("ii", 1, 0)
                    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, no_time)


def test_a_client_that_leaves_while_it_is_answered(server: HttpServer) -> None:
    body = json.dumps({"input": ["text"] * 2048}).encode()
    for _ in range(12):  # As many would be more than LOW may hold.
        with server.raw() as connection:
            connection.sendall(POST + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            assert connection.recv(16).startswith(b"HTTP/1.1 200 ")


# ---- a crowd


def test_high_is_served_beside_a_crowd_of_low(server: HttpServer) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kinds = (b"", b"POST /low/v1/emb", POST + b"X-Hilo-Lane: low\r\nContent-Length: 999\r\n\r\n{",
             b"\x00garbage", WHOLE * 3)
    with contextlib.ExitStack() as crowd:
        for number in range(CONNECTIONS_OF_A_CROWD):
            crowd.enter_context(server.raw()).sendall(kinds[number % len(kinds)])
            if number % 100 == 0:
                is_well(server)
        assert server.embed(BODY, "/high/v1/embeddings").headers["X-Hilo-Lane"] == "high"
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
