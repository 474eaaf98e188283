"""Clients from PyPI (python/requirements-clients.txt) against `hilo serve --http` with the demo
model. What they get are the vectors that sentence-transformers gave for tests/golden."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from golden import Golden, read_golden
from http_client import HttpServer, serving_apart
from real_engine import model_folder as model_folder
from real_engine import watchdog_of

# Read when a library is imported: nothing is reported to anybody.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["DO_NOT_TRACK"] = "1"

SECONDS_FOR_A_TEST = 100
watchdog = watchdog_of(SECONDS_FOR_A_TEST)


@pytest.fixture(scope="session")
def golden() -> Golden:
    return read_golden()


@pytest.fixture(scope="session")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    with serving_apart(tmp_path_factory.mktemp("server"), "--model", model_folder) as serving:
        yield serving


@pytest.fixture(scope="session")
def url(server: HttpServer) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="session")
def model(server: HttpServer) -> str:
    """The name by which the model is served."""
    return server.ask("GET", "/v1/models").json["data"][0]["id"]


@pytest.fixture(autouse=True)
def nothing_is_asked_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that needs more than the server would fail where there is no network."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: object) -> None:
        here = self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1")
        assert here, f"a client connects to {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)
