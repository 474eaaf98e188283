"""The examples of README.md under "Over HTTP", run as they stand there but for the address and the
name of the model."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy
import pytest
from http_client import HttpServer

ROOT = Path(__file__).resolve().parents[2]
ADDRESS, NAME = "127.0.0.1:8080", "all-MiniLM-L6-v2"


def examples(language: str) -> list[str]:
    section = re.search(r"^## Over HTTP\n(.*?)^## ", (ROOT / "README.md").read_text(),
                        re.MULTILINE | re.DOTALL)
    assert section
    found = re.findall(rf"^```{language}\n(.*?)^```", section.group(1), re.MULTILINE | re.DOTALL)
    assert found and all(ADDRESS in example for example in found)
    return found


def here(example: str, server: HttpServer) -> str:
    (served,) = server.ask("GET", "/v1/models").json["data"]
    return example.replace(ADDRESS, f"127.0.0.1:{server.port}").replace(NAME, served["id"])


def vector_of(server: HttpServer, text: str) -> numpy.ndarray:
    return numpy.array(server.embed({"input": text}).json["data"][0]["embedding"])


def test_curl(server: HttpServer) -> None:
    lines = [line for example in examples("sh") for line in example.splitlines()]
    assert len(lines) >= 2
    for line in lines:
        done = subprocess.run(["bash", "-c", here(line, server)], capture_output=True, check=True,
                              timeout=30)
        told = json.loads(done.stdout)
        assert len(told["data"]) >= 1, line
        for row in told["data"]:
            assert len(row["embedding"]) == 384


def test_python(server: HttpServer) -> None:
    (example,) = examples("python")
    names: dict[str, object] = {}
    exec(here(example, server), names)  # noqa: S102
    assert names["query"] == pytest.approx(vector_of(server, "resize photos"), abs=1e-6)
    assert names["index"][1] == pytest.approx(vector_of(server, "another"), abs=1e-6)
