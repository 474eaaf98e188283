"""The description of the routes: it is valid, and true of a running server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_client import HttpServer, Reply, serving_apart
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from processes import ROOT, run_hilo


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[HttpServer]:
    with serving_apart(tmp_path_factory.mktemp("logs"), "--model", model_folder) as started:
        yield started


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    model = ROOT / "tests/golden/families/bert_cross_encoder"
    with serving_apart(tmp_path_factory.mktemp("logs"), "--model", model) as started:
        yield started


@pytest.fixture(scope="module")
def document(server: HttpServer) -> dict:
    return server.ask("GET", "/openapi.json").json


def resolve(document: dict, value: dict) -> dict:
    while "$ref" in value:
        found = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def operations(document: dict) -> Iterator[tuple[str, str, dict]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def test_the_document_is_valid(document: dict) -> None:
    validate(document)
    version = run_hilo("--version").stdout.split()[-1]
    assert document["info"]["version"] == version


def check_answer(document: dict, operation: dict, reply: Reply) -> None:
    """What came back is described for its status, type and shape."""
    response = resolve(document, operation["responses"][str(reply.status)])
    media = response["content"][reply.headers["Content-Type"].split(";")[0]]
    if "json" in reply.headers["Content-Type"]:
        schema = {**media["schema"], "components": document["components"]}
        errors = list(OAS31Validator(schema).iter_errors(reply.json))
        assert errors == []
    for name in response.get("headers", {}):
        if name in ("X-Hilo-Lane", "Retry-After"):
            assert reply.headers[name]


def test_every_example_gives_what_is_described(
    server: HttpServer, scorer: HttpServer, document: dict
) -> None:
    """Which is the first response of its operation."""
    tried = 0
    for method, path, operation in operations(document):
        if "requestBody" not in operation:
            continue
        body = resolve(document, operation["requestBody"])["content"]["application/json"]
        assert body["examples"], f"{path} has no example"
        schema = {**body["schema"], "components": document["components"]}
        for example in body["examples"].values():
            assert list(OAS31Validator(schema).iter_errors(example["value"])) == []
            asked = scorer if "Cross-encoder" in operation["tags"] else server
            reply = asked.ask(method, path, example["value"])
            expected = next(iter(operation["responses"]))
            assert str(reply.status) == expected, (path, example, reply.body)
            check_answer(document, operation, reply)
            tried += 1
    assert tried >= 6


def test_every_route_without_a_body_gives_what_is_described(
    server: HttpServer, document: dict
) -> None:
    model = server.ask("GET", "/v1/models").json["data"][0]["id"]
    places = {"model": model, "file": "icon.svg"}
    for method, path, operation in operations(document):
        if "requestBody" in operation:
            continue
        filled = re.sub(r"\{(\w+)\}", lambda match: places[match.group(1)], path)
        reply = server.ask(method, filled)
        assert reply.status == 200, (path, reply.body)
        check_answer(document, operation, reply)


def test_refusals_are_described_too(server: HttpServer, document: dict) -> None:
    embeddings = document["paths"]["/v1/embeddings"]["post"]
    check_answer(document, embeddings, server.embed({"input": 7}))
    model = document["paths"]["/v1/models/{model}"]["get"]
    check_answer(document, model, server.ask("GET", "/v1/models/gpt"))
    embed = document["paths"]["/embed"]["post"]
    for body in ({"inputs": 7}, {"inputs": []}, b"{"):
        check_answer(document, embed, server.ask("POST", "/embed", body))
    for path in ("/v1/rerank", "/rerank"):
        scores = document["paths"][path]["post"]
        body = {"query": "a", "texts": ["b"], "documents": ["b"]}
        check_answer(document, scores, server.ask("POST", path, body))
