"""/metrics of `hilo serve --http`, read by Prometheus's own parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_client import HILO_HTTP, HttpServer, http_port, serving_http, stop
from processes import Engine, until
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def server(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HttpServer]:
    """An engine that echoes, behind HTTP, whose numbers can be asked for."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with serving_http(tmp_path, runtime / "s", "--backend", "echo") as serving:
        yield serving


def families(server: HttpServer) -> list[Metric]:
    reply = server.ask("GET", "/metrics")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return list(text_string_to_metric_families(reply.body.decode()))


def value(read: list[Metric], name: str, **labels: str) -> float:
    """The sum over all samples that have the labels."""
    return sum(
        sample.value
        for family in read
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_known_traffic_is_counted(server: HttpServer) -> None:
    for _ in range(3):
        assert server.embed({"input": "urgent"}).status == 200
    for _ in range(2):
        assert server.embed({"input": ["bulk"] * 7}).status == 200
    assert server.embed({"input": 7}).status == 400
    assert server.ask("GET", "/nothing").status == 404
    assert server.ask("GET", "/v1/models/other").status == 404
    assert server.send_raw(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")

    def counted() -> bool:  # A request is counted once its response is sent.
        return value(families(server), "hilo_http_requests_total", route="") == 2
    until(counted, "the last request to be counted")
    read = families(server)
    requests = "hilo_http_requests_total"
    embeddings = {"method": "POST", "route": "/v1/embeddings"}
    assert value(read, requests, **embeddings, lane="high", status="200") == 3
    assert value(read, requests, **embeddings, lane="low", status="200") == 2
    assert value(read, requests, **embeddings, lane="none", status="400") == 1
    assert value(read, requests, route="/v1/models/*", status="404") == 1
    assert value(read, requests, route="", status="404") == 1
    assert value(read, "hilo_http_request_seconds_count", **embeddings) == 6
    for lane, answered, texts, token in ("high", 3, 3, "urgent"), ("low", 2, 14, "bulk"):
        assert value(read, "hilo_http_texts_total", lane=lane) == texts
        assert value(read, "hilo_http_tokens_total", lane=lane) == texts * len(token)
        for stage in ("receive", "parse", "compute", "write", "send"):
            name = "hilo_http_stage_seconds_count"
            assert value(read, name, lane=lane, stage=stage) == answered
        assert value(read, "hilo_engine_texts_completed_total", lane=lane, status="ok") == texts
        for stage in ("intake", "tokenize", "queue", "compute", "deliver", "whole"):
            name = "hilo_engine_stage_seconds_count"
            assert value(read, name, lane=lane, stage=stage) == texts
    assert value(read, "hilo_http_engine_connected") == value(read, "hilo_engine_up") == 1
    assert value(read, "hilo_engine_info", backend="echo") == 1
    assert value(read, "hilo_http_connections_total") >= 10
    # Asking is a request like others.
    until(lambda: value(families(server), requests, route="/metrics") > 0, "these to be counted")


def test_names_follow_the_conventions(server: HttpServer) -> None:
    assert server.embed({"input": "a"}).status == 200
    for family in families(server):
        assert re.fullmatch(r"(hilo|process)_[a-z_]+", family.name)
        assert family.type in ("counter", "gauge", "histogram")
        assert family.documentation.endswith(".")
        if family.type == "counter":  # The parser takes the ending off.
            assert {sample.name for sample in family.samples} == {family.name + "_total"}
        else:
            assert not family.name.endswith("_total")
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_histograms_add_up(server: HttpServer) -> None:
    assert server.embed({"input": ["a"] * 9}).status == 200
    until(lambda: value(families(server), "hilo_http_texts_total") == 9, "it to be counted")
    for family in families(server):
        if family.type != "histogram":
            continue
        rows: dict[str, list[tuple[float, float]]] = {}
        counts: dict[str, float] = {}
        for sample in family.samples:
            labels = dict(sample.labels)
            bound = labels.pop("le", None)
            if bound is not None:
                rows.setdefault(str(labels), []).append((float(bound), sample.value))
            elif sample.name.endswith("_count"):
                counts[str(labels)] = sample.value
        assert rows.keys() == counts.keys()
        for labels, buckets in rows.items():
            assert buckets == sorted(buckets)
            assert buckets[-1] == (float("inf"), counts[labels])


def test_what_is_under_way_is_told(server: HttpServer) -> None:
    with server.raw() as idle:
        until(lambda: value(families(server), "hilo_http_connections") >= 1, "the connection")
        idle.sendall(b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
                     + b" " * 5000)
        until(lambda: value(families(server), "hilo_http_bodies_bytes") == 5000, "its body")
    until(lambda: value(families(server), "hilo_http_bodies_bytes") == 0, "it to be gone")


def test_without_an_engine_it_says_so(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with Engine(tmp_path, "--socket", runtime / "s", "--listen", "0", program=HILO_HTTP) as front:
        front.await_log("listening")
        read = families(HttpServer(front, http_port(front)))
        assert value(read, "hilo_engine_up") == value(read, "hilo_http_engine_connected") == 0
        assert not any(family.name.startswith("hilo_engine_texts") for family in read)
        stop(front)
