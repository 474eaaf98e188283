"""Running `hilo-http`: API keys, the access log, TLS, CORS, files read again, service managers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket as sockets
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from http_client import HILO_HTTP, HttpServer, Reply, http_port, serving_http, stop
from processes import PATIENCE_S, Engine, run_hilo, until

SEARCH = "sk-0123456789abcdef-search"
INDEX = "sk-0123456789abcdef-index"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

Serve = Callable[..., contextlib.AbstractContextManager[HttpServer]]


@pytest.fixture
def serve(runtime: Path, tmp_path: Path) -> Serve:
    """An engine that echoes, behind hilo-http with options of its own."""
    def serving(*options: str | Path) -> contextlib.AbstractContextManager[HttpServer]:
        return serving_http(tmp_path, runtime / "s", "--backend", "echo", *options)
    return serving


def read_files_again(server: HttpServer) -> None:
    """Through the supervisor, which passes the signal on."""
    said = "reading keys, certificate and log file again"
    before = server.engine.log().count(said)
    server.engine.signal(signal.SIGHUP)
    until(lambda: server.engine.log().count(said) > before, "the signal to arrive")


# ---- API keys


def keys_file(folder: Path, *lines: str) -> Path:
    path = folder / "keys"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


def with_key(server: HttpServer, key: str, texts: int = 1, path: str = "/v1/embeddings") -> Reply:
    return server.embed({"input": ["x"] * texts}, path, Authorization=f"Bearer {key}")


def test_keys_open_routes_and_lanes(serve: Serve, tmp_path: Path) -> None:
    keys = keys_file(tmp_path, "# ours", f"{SEARCH} search lane=high", f"{INDEX} index max=low")
    with serve("--http-api-keys", keys) as server:
        none = server.embed({"input": "x"})
        assert (none.status, none.json["error"]["code"]) == (401, "invalid_api_key")
        assert none.headers["WWW-Authenticate"] == "Bearer"
        wrong = with_key(server, SEARCH[:-1])
        assert (wrong.status, wrong.message) == (401, "This API key is not known.")
        assert server.ask("GET", "/metrics").status == 401
        assert server.ask("GET", "/v1/models").status == 401
        assert server.ask("GET", "/health/ready").status == 200
        assert server.ask("GET", "/metrics", headers={"X-Api-Key": SEARCH}).status == 200
        assert with_key(server, SEARCH, texts=9).headers["X-Hilo-Lane"] == "high"
        assert with_key(server, SEARCH, path="/low/v1/embeddings").headers["X-Hilo-Lane"] == "low"
        assert with_key(server, INDEX).headers["X-Hilo-Lane"] == "low"
        denied = with_key(server, INDEX, path="/high/v1/embeddings")
        assert (denied.status, denied.json["error"]["code"]) == (403, "lane_denied")
        assert "can be reached from other machines" not in server.engine.log()
        assert "chmod" not in server.engine.log()


def test_a_stranger_is_told_before_the_body_has_come(serve: Serve, tmp_path: Path) -> None:
    head = (b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
            b"Expect: 100-continue\r\n")
    with serve("--http-api-keys", keys_file(tmp_path, SEARCH)) as server:
        with server.raw() as stranger:
            stranger.sendall(head + b"\r\n")
            assert stranger.recv(13) == b"HTTP/1.1 401 "
        with server.raw() as known:
            known.sendall(head + f"Authorization: Bearer {SEARCH}\r\n\r\n".encode())
            assert known.recv(13) == b"HTTP/1.1 100 "


def test_keys_are_read_again(serve: Serve, tmp_path: Path) -> None:
    keys = keys_file(tmp_path, SEARCH)
    with serve("--http-api-keys", keys) as server:
        keys_file(tmp_path, INDEX)
        assert with_key(server, SEARCH).status == 200
        read_files_again(server)
        assert with_key(server, SEARCH).status == 401
        assert with_key(server, INDEX).status == 200
        keys_file(tmp_path, SEARCH, "short")
        read_files_again(server)
        server.engine.await_log("line 2: a key has from 16")
        assert with_key(server, INDEX).status == 200, "a wrong file changes nothing"
        keys.chmod(0o644)
        read_files_again(server)
        server.engine.await_log("chmod o-r")


def test_wrong_files_end_the_start(runtime: Path, tmp_path: Path) -> None:
    keys = keys_file(tmp_path, "short")
    for options, sentence in (
        (("--api-keys", keys), "line 1: a key has from 16"),
        (("--api-keys", tmp_path / "none"), "cannot be read"),
        (("--access-log", tmp_path / "none/log"), "cannot be written"),
        (("--tls-certificate", keys, "--tls-key", keys), "cannot be used"),
        (("--tls-certificate", keys), "--tls-key is required"),
    ):
        done = subprocess.run(
            [HILO_HTTP, "--listen", "0", "--socket", runtime / "s", *options],
            capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 2
        assert sentence in done.stderr


# ---- ids and the access log


def test_ids_and_traces_are_passed_through(serve: Serve) -> None:
    with serve() as server:
        given = server.embed({"input": "a"}, X_Request_Id="req-1", traceparent=TRACE)
        assert given.headers["X-Request-Id"] == "req-1"
        assert given.headers["traceparent"] == TRACE
        for reply in (server.embed({"input": "a"}, X_Request_Id="a b", traceparent="no"),
                      server.ask("GET", "/nothing")):
            assert re.fullmatch("[0-9a-f]{32}", reply.headers["X-Request-Id"])
            assert reply.headers["traceparent"] is None
        broken = server.send_raw(b"nonsense\r\n\r\n")
        assert re.search(rb"\r\nX-Request-Id: [0-9a-f]{32}\r\n", broken)


def lines_of(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_every_request_has_a_line(serve: Serve, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    keys = keys_file(tmp_path, f"{SEARCH} search")
    with serve("--http-access-log", log, "--http-api-keys", keys) as server:
        body = json.dumps({"input": ["a", "bc"]}).encode()
        headers = {"Authorization": f"Bearer {SEARCH}", "X-Request-Id": "one",
                   "traceparent": TRACE}
        reply = server.ask("POST", "/low/v1/embeddings?secret=1", body, headers)
        assert server.ask("GET", "/health", headers={"X-Request-Id": "two"}).status == 200
        assert server.embed({"input": "a"}, X_Request_Id="three").status == 401
        until(lambda: len(lines_of(log)) == 3, "three lines")
        one, two, three = lines_of(log)
        assert (one["id"], one["trace"]) == ("one", TRACE[3:35])
        assert (one["method"], one["path"], one["status"]) == ("POST", "/v1/embeddings", 200)
        assert (one["key"], one["lane"], one["texts"], one["tokens"]) == ("search", "low", 2, 3)
        assert (one["request_bytes"], one["response_bytes"]) == (len(body), len(reply.body))
        parts = [one[f"{stage}_us"] for stage in ("receive", "parse", "compute", "write", "send")]
        assert one["whole_us"] - 5 <= sum(parts) <= one["whole_us"]
        assert re.fullmatch(r"127\.0\.0\.1:\d+", one["client"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"])
        assert (two["id"], two["path"]) == ("two", "/health")
        assert "lane" not in two and "key" not in two
        assert (three["id"], three["status"]) == ("three", 401)
        assert SEARCH not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_the_log_goes_on_where_it_was_moved_away(serve: Serve, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with serve("--http-access-log", log) as server:
        assert server.ask("GET", "/health").status == 200
        until(lambda: len(lines_of(log)) == 1, "a line")
        log.rename(tmp_path / "access.log.1")
        read_files_again(server)
        assert server.ask("GET", "/health").status == 200
        until(lambda: log.exists() and len(lines_of(log)) == 1, "a line in the new file")
    assert len(lines_of(tmp_path / "access.log.1")) == 1


def test_the_last_lines_are_written_and_standard_error_is_the_default(serve: Serve) -> None:
    with serve("--http-access-log") as server:
        engine = server.engine
        assert server.ask("GET", "/health", headers={"X-Request-Id": "last"}).status == 200
    (line,) = [line for line in engine.log().splitlines() if line.startswith("{")]
    assert json.loads(line)["id"] == "last"


# ---- TLS


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Signed by itself."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True, timeout=PATIENCE_S)
    return certificate, key


@contextlib.contextmanager
def serving_https(serve: Serve, folder: Path, *options: str | Path) -> Iterator[HttpServer]:
    certificate, key = make_certificate(folder, "first")
    with serve("--http-tls-certificate", certificate, "--http-tls-key", key, *options) as server:
        server.tls = ssl.create_default_context(cafile=str(certificate))
        yield server


def test_https(serve: Serve, tmp_path: Path) -> None:
    with serving_https(serve, tmp_path) as server:
        connection = server.connect()
        texts = [f"text {number} " + "x" * 500 for number in range(2000)]
        for body in ({"input": "hello"}, {"input": texts}, {"input": "again"}):
            connection.request("POST", "/v1/embeddings", json.dumps(body))
            reply = connection.getresponse()
            assert reply.status == 200
            count = len(body["input"]) if isinstance(body["input"], list) else 1
            assert len(json.load(reply)["data"]) == count
        assert connection.sock.version() == "TLSv1.3"
        connection.close()
        assert "listening on https://127.0.0.1" in server.engine.log()


def test_old_protocols_and_plain_http_are_refused(serve: Serve, tmp_path: Path) -> None:
    with serving_https(serve, tmp_path) as server:
        server.tls.maximum_version = ssl.TLSVersion.TLSv1_2
        assert server.ask("GET", "/health").status == 200
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with server.raw() as connection, pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
            old.wrap_socket(connection)
        assert b"HTTP/1.1" not in server.send_raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")


def test_a_handshake_has_its_time(serve: Serve, tmp_path: Path) -> None:
    with serving_https(serve, tmp_path, "--http-header-seconds", "0.2") as server:
        assert server.send_raw(b"") == b""
        assert server.ask("GET", "/health").status == 200


def test_a_certificate_is_read_again(serve: Serve, tmp_path: Path) -> None:
    with serving_https(serve, tmp_path) as server:
        first = ssl.get_server_certificate(("127.0.0.1", server.port))
        kept = server.connect()
        kept.request("GET", "/health")
        assert kept.getresponse().read()
        certificate, key = make_certificate(tmp_path, "second")
        read_files_again(server)
        second = ssl.get_server_certificate(("127.0.0.1", server.port))
        assert second != first and second.strip() == certificate.read_text().strip()
        key.write_text("no key")
        read_files_again(server)
        server.engine.await_log("What was there before stays.")
        assert ssl.get_server_certificate(("127.0.0.1", server.port)) == second
        kept.request("GET", "/health")
        assert kept.getresponse().status == 200, "what began goes on"
        kept.close()


def test_a_client_that_hangs_up_is_seen_through_tls(
    runtime: Path, tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    def serve(*options: str | Path) -> contextlib.AbstractContextManager[HttpServer]:
        return serving_http(tmp_path, runtime / "s", "--model", model_folder, *options)
    with serving_https(serve, tmp_path) as server:
        lane = lambda: json.loads(run_hilo("top", "--once", "--json").stdout)["lanes"]["low"]
        body = json.dumps({"input": ["word " * 200] * 2000}).encode()
        connection = server.connect()
        connection.request("POST", "/low/v1/embeddings", body)
        until(lambda: lane()["open"] > 0, "the texts to be with the engine")
        connection.sock.unwrap()  # Says goodbye, and leaves the socket open.
        until(lambda: lane()["open"] == 0, "the texts to be dropped")
        assert lane()["completed"]["cancelled"] > 0
        connection.close()


# ---- CORS


def test_pages_of_named_origins_may_call(serve: Serve) -> None:
    page = "https://example.com"
    ask = {"Origin": page, "Access-Control-Request-Method": "POST",
           "Access-Control-Request-Headers": "authorization"}
    with serve() as server:
        assert server.ask("OPTIONS", "/v1/embeddings", headers=ask).status == 405
        assert server.embed({"input": "a"}, Origin=page).headers["Vary"] is None
    with serve("--http-cors-origin", page, "http://localhost:3000") as server:
        leave = server.ask("OPTIONS", "/v1/embeddings", headers=ask)
        assert (leave.status, leave.headers["Content-Length"]) == (204, None)
        assert leave.headers["Access-Control-Allow-Origin"] == page
        assert leave.headers["Access-Control-Allow-Headers"] == "authorization"
        reply = server.embed({"input": "a"}, Origin=page)
        assert reply.headers["Access-Control-Allow-Origin"] == page
        other = server.embed({"input": "a"}, Origin="https://other")
        assert other.headers["Access-Control-Allow-Origin"] is None


# ---- service managers


def test_a_service_manager_is_told(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as manager:
        manager.settimeout(PATIENCE_S)
        manager.bind(str(runtime / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(runtime / "notify"))
        with Engine(tmp_path, "serve", "--backend", "echo", "--socket", runtime / "s") as engine:
            assert manager.recv(100) == b"READY=1"
            stop(engine)
            assert manager.recv(100) == b"STOPPING=1"
    (runtime / "notify").unlink()


def test_a_hang_up_ends_an_engine_without_a_front_end(runtime: Path, tmp_path: Path) -> None:
    with Engine(tmp_path, "serve", "--backend", "echo", "--socket", runtime / "s") as engine:
        engine.await_log("ready")
        engine.signal(signal.SIGHUP)
        assert engine.wait() == 0


def test_the_front_end_itself_reads_its_files_again(serve: Serve, tmp_path: Path) -> None:
    with serve("--http-api-keys", keys_file(tmp_path, SEARCH)) as server:
        keys_file(tmp_path, INDEX)
        os.kill(server.front_end, signal.SIGHUP)
        until(lambda: with_key(server, INDEX).status == 200, "the new key")
        assert server.port == http_port(server.engine), "it runs on"
