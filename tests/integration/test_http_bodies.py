"""Bodies that are wrong in every way: each is told in a sentence, and harms nobody.

One server has them all, on connections that are kept, so that harm would be seen by the next.
"""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hilo_ctypes import echo_vector
from http_client import HttpServer, Reply, serving_apart, serving_http

DIMS = 64  # of the echo
TEXT_BYTES_MAX = 128 * 1024
TEXTS_MAX = 2048
EVERY_FIELD = {"input": ["größer", "b"], "model": "echo", "encoding_format": "float",
               "dimensions": 8, "user": "me", "priority": "low", "other": [{"a": None}, -1.5e3]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    with serving_apart(tmp_path_factory.mktemp("server"), "--backend", "echo") as serving:
        yield serving


@pytest.fixture
def kept(server: HttpServer) -> Iterator[http.client.HTTPConnection]:
    """A connection that is still the same at the end: a wrong body is no reason to close it."""
    with contextlib.closing(server.connect()) as connection:
        connection.connect()
        socket = connection.sock
        yield connection
        assert post(connection, {"input": "after all"}).status == 200
        assert connection.sock is socket


def post(connection: http.client.HTTPConnection, body: object) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", "/v1/embeddings", data)
    response = connection.getresponse()
    return Reply(response.status, response.headers, response.read())


def told(reply: Reply, field: str | None = None, status: int = 400) -> str:
    """The sentence of a refusal, which names the field that is to blame."""
    assert reply.status == status, reply.body[:300]
    error = reply.json["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == field
    assert error["message"].endswith(".") and len(error["message"]) < 1000
    return error["message"]


def parses(body: bytes) -> bool:
    try:
        json.loads(body.decode())
    except ValueError:
        return False
    return True


# ---- JSON


def test_a_body_that_ends_at_any_byte(kept: http.client.HTTPConnection) -> None:
    body = json.dumps(EVERY_FIELD, ensure_ascii=False).encode()
    for end in range(len(body)):
        assert "not valid JSON" in told(post(kept, body[:end]))
    assert post(kept, body).status == 200


def test_a_body_with_any_byte_changed(kept: http.client.HTTPConnection) -> None:
    """Python's parser says which of them are JSON all the same."""
    body = json.dumps(EVERY_FIELD, ensure_ascii=False).encode()
    taken = 0
    for position in range(len(body)):
        for byte in b'\x00"\\{,5\xff':
            changed = body[:position] + bytes([byte]) + body[position + 1:]
            reply = post(kept, changed)
            if not parses(changed):
                assert "not valid JSON" in told(reply), changed
            elif reply.status == 404:
                told(reply, "model", 404)
            elif reply.status != 200:
                assert reply.status == 400 and reply.json["error"]["param"], changed
            else:
                taken += 1
    assert taken > 20, "some changes are within texts, and harmless"


@pytest.mark.parametrize("body", [
    b" ", b"null", b"true", b"1", b'"input"', b"[]", b'[{"input":"a"}]',
])
def test_a_body_that_is_no_object(kept: http.client.HTTPConnection, body: bytes) -> None:
    told(post(kept, body))


@pytest.mark.parametrize("body", [
    b'{"input":"a"}{}', b'{"input":"a"} x', b'{"input":"a",}', b"{'input':'a'}", b'{input:"a"}',
    b'{"input":"a"}//', b'{"input":"a" "user":"b"}', b'{"input":"a\nb"}', b'{"input":"\\x41"}',
    b'{"input":"a","dimensions":08}', b'{"input":"a","dimensions":+8}', b'{"input":NaN}',
    '{"input":"a"}'.encode("utf-16"), b"\x00" * 50,
])
def test_what_is_nearly_json(kept: http.client.HTTPConnection, body: bytes) -> None:
    assert "not valid JSON" in told(post(kept, body))


def test_nesting(kept: http.client.HTTPConnection) -> None:
    def nested(begin: bytes, end: bytes, depth: int) -> bytes:
        return b'{"input":"a","x":' + begin * depth + b"1" + end * depth + b"}"

    for begin, end in ((b"[", b"]"), (b'{"a":', b"}")):
        assert post(kept, nested(begin, end, 1000)).status == 200
        for depth in (1100, 100_000):
            assert "nested too deeply" in told(post(kept, nested(begin, end, depth)))


def test_a_field_that_is_there_twice(kept: http.client.HTTPConnection) -> None:
    for second in (b'"input":"b"', b'"\\u0069nput":"b"', b'"input":null'):
        assert "more than once" in told(post(kept, b'{"input":"a",' + second + b"}"), "input")
    assert post(kept, b'{"input":"a","x":1,"x":2,"y":{"input":1,"input":2}}').status == 200


# ---- values


@pytest.mark.parametrize("value", [
    None, True, 1.5, {}, {"text": "a"}, [True], [None], [{}], [1.5], [-1], [2**32], ["a", 1],
    ["a", None], ["a", ["b"]], [1, "a"], [1, 1.5], [["a"]], [[1], "a"], [[1], [1.5]], [[]],
    [[1], []], [[[1]]], [],
])
def test_an_input_of_another_type(kept: http.client.HTTPConnection, value: object) -> None:
    told(post(kept, {"input": value}), "input")


@pytest.mark.parametrize(("field", "values"), [
    ("model", [5, True, [], {}]),
    ("encoding_format", [5, "int8", "", "BASE64", ["float"]]),
    ("dimensions", [0, -1, DIMS + 1, 2**31, 2**32 + 8, 2**63, 8.5, "8", True, [8]]),
    ("user", [5, True, ["me"]]),
    ("priority", [1, "urgent", "", ["high"]]),
])
def test_a_field_of_another_type(kept: http.client.HTTPConnection, field: str,
                                 values: list[object]) -> None:
    for value in values:
        told(post(kept, {"input": "a", field: value}), field)


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 400, b"1" + b"0" * 5000])
def test_a_number_that_none_can_hold(kept: http.client.HTTPConnection, number: bytes) -> None:
    """Also in a field that nobody looks at."""
    for field in (b"dimensions", b"x"):
        told(post(kept, b'{"input":"a","' + field + b'":' + number + b"}"))
    told(post(kept, b'{"input":[' + number + b"]}"))


def test_a_model_that_is_not_served(kept: http.client.HTTPConnection) -> None:
    for name in ("", "gpt", "echo ", "\x00", "ä" * 100_000, "x" + "🙂" * 60):
        assert "'echo' is served" in told(post(kept, {"input": "a", "model": name}), "model", 404)


# ---- texts


@pytest.mark.parametrize("text", [
    b"\xff", b"\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xed\xa0\x80",
    b"\xed\xa0\xbd\xed\xb9\x82", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe5\x9b",
    b"\\ud83d", b"\\ude42", b"\\ude42\\ud83d", b"\\ud83d\\u0041", b"\\ud83dx", b"\\ud83d\\ud83d",
    b"\\u12", b"\\uzzzz",
])
def test_a_text_that_is_no_text(kept: http.client.HTTPConnection, text: bytes) -> None:
    for body in (b'{"input":"%s"}', b'{"input":["a","b%sb"]}', b'{"input":"a","x":"%s"}',
                 b'{"input":"a","%s":1}'):
        assert "not valid JSON" in told(post(kept, body % text))


def test_every_way_to_write_a_text(kept: http.client.HTTPConnection) -> None:
    spelled = b'{"input":["\\ud83d\\ude42\\u0000\\"\\/","","  ","\xf0\x9f\x99\x82\\u0000\\u0022/"]}'
    vectors = [row["embedding"] for row in post(kept, spelled).json["data"]]
    assert vectors[0] == vectors[3]
    for vector, text in zip(vectors, ['🙂\x00"/', "", "  "], strict=False):
        assert vector == pytest.approx(echo_vector(text, DIMS), abs=1e-6)


def test_a_text_that_is_too_long(kept: http.client.HTTPConnection) -> None:
    longest = "ä" * (TEXT_BYTES_MAX // 2)
    assert post(kept, {"input": longest}).status == 200
    assert f"'input' has {TEXT_BYTES_MAX + 1} bytes" in told(post(kept, {"input": longest + "a"}),
                                                             "input")
    assert "'input[1]' has" in told(post(kept, {"input": ["a", longest + "a"]}), "input")


def test_more_texts_than_may_be(kept: http.client.HTTPConnection) -> None:
    for texts in (TEXTS_MAX + 1, 10_000):
        assert "more than 2048 texts" in told(post(kept, {"input": ["a"] * texts}), "input")


def test_ten_thousand_texts_where_they_may_be(runtime: Path, tmp_path: Path) -> None:
    options = ("--backend", "echo", "--http-request-texts", "10000")
    with serving_http(tmp_path, runtime / "s", *options) as server:
        texts = [f"text {number}" for number in range(10_000)]
        rows = server.embed({"input": texts, "dimensions": 2}).json["data"]
        assert [row["index"] for row in rows] == list(range(10_000))
        for number in (0, 4_999, 9_999):
            full = server.embed({"input": texts[number], "dimensions": 2}).json["data"][0]
            assert rows[number]["embedding"] == full["embedding"]
