"""What the routes of `hilo serve --http` answer, with real models: vectors, scores, tokens."""

from __future__ import annotations

import base64
import json
import math
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hilo_ctypes import HIGH, Client
from http_client import HttpServer, serving_apart, serving_http
from processes import ROOT

SCORER = ROOT / "tests/golden/families/bert_cross_encoder"
TEXTS = ["resize photos", "", "größer 图片 🙂", "word " * 600]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[HttpServer]:
    with serving_apart(tmp_path_factory.mktemp("embedder"), "--model", model_folder) as server:
        yield server


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    with serving_apart(tmp_path_factory.mktemp("scorer"), "--model", SCORER) as server:
        yield server


@pytest.fixture(scope="module")
def expected(embedder: HttpServer) -> list[list[float]]:
    """The vectors that a program gets which is connected to the engine itself."""
    client = Client.connect(socket_of(embedder), HIGH)
    vectors = [list(client.embed(text)) for text in TEXTS]
    client.close()
    return vectors


def socket_of(server: HttpServer) -> str:
    words = Path(f"/proc/{server.engine.pid}/cmdline").read_bytes().split(b"\0")
    return words[words.index(b"--socket") + 1].decode()


def as_floats(numbers: list[float]) -> list[float]:
    """The shortest decimals stand for 32-bit floats."""
    return list(struct.unpack(f"<{len(numbers)}f", struct.pack(f"<{len(numbers)}f", *numbers)))


def post(server: HttpServer, path: str, **body: object) -> object:
    reply = server.ask("POST", path, body)
    assert reply.status == 200, reply.body
    return reply.json


def refusal(server: HttpServer, path: str, **body: object) -> tuple[int, str]:
    reply = server.ask("POST", path, body)
    assert reply.json["error"].endswith((".", "?")), reply.body
    return reply.status, reply.json["error_type"]


# ---- token ids


def test_ids_have_the_vectors_of_their_texts(
    embedder: HttpServer, expected: list[list[float]]
) -> None:
    tokens = post(embedder, "/tokenize", inputs=TEXTS)
    ids = [[token["id"] for token in text] for text in tokens]
    for path, field in (("/v1/embeddings", "input"), ("/embed", "inputs")):
        # The last text is cut before its [SEP] is put behind it, so its ids are others.
        reply = embedder.ask("POST", path, {field: ids[:3], "encoding_format": "float"})
        assert reply.status == 200
        rows = reply.json if path == "/embed" else [row["embedding"] for row in reply.json["data"]]
        assert [as_floats(row) for row in rows] == expected[:3]
    one = embedder.embed({"input": ids[0], "encoding_format": "base64"})
    (packed,) = (row["embedding"] for row in one.json["data"])
    assert list(struct.unpack("<384f", base64.b64decode(packed))) == expected[0]
    assert one.json["usage"] == {"prompt_tokens": len(ids[0]), "total_tokens": len(ids[0])}
    long = embedder.embed({"input": ids[3]})
    assert long.headers["X-Hilo-Truncated"] == "1"
    assert long.json["usage"]["prompt_tokens"] == 256


def test_unknown_ids_are_refused(embedder: HttpServer) -> None:
    unknown = embedder.embed({"input": [[101, 102], [101, 30522, 102]]})
    assert unknown.status == 400
    assert "Input 1 cannot be taken" in unknown.message
    assert refusal(embedder, "/embed", inputs=[30522]) == (422, "Tokenizer")


# ---- TEI: vectors


def golden_tokens() -> tuple[list[list[int]], list[list[list[float]]]]:
    """The ids of some texts, and the vectors that transformers has for their tokens."""
    golden = ROOT / "tests/golden"
    all_ids = json.loads((golden / "embeddings_minilm.ids.json").read_text())
    ids = [next(row for row in all_ids if len(row) == count) for count in (2, 3, 5, 9, 14, 20)]
    floats = struct.iter_unpack("<384f", (golden / "tokens_minilm.f32").read_bytes())
    return ids, [[list(next(floats)) for _ in row] for row in ids]


@pytest.mark.parametrize("lane", ["high", "low"])
def test_embed_all_is_what_transformers_has(embedder: HttpServer, lane: str) -> None:
    ids, expected = golden_tokens()
    texts = post(embedder, f"/{lane}/embed_all", inputs=ids)
    assert [len(text) for text in texts] == [len(row) for row in ids]
    for text, wanted in zip(texts, expected):
        for vector, golden in zip(text, wanted):
            assert vector == pytest.approx(golden, abs=2e-5)


def test_embed_all_pooled_is_embed(embedder: HttpServer, expected: list[list[float]]) -> None:
    reply = embedder.ask("POST", "/embed_all", {"inputs": TEXTS})
    assert (reply.status, reply.headers["X-Hilo-Truncated"]) == (200, "1")
    counts = [len(text) for text in reply.json]
    assert counts[1] == 2 and counts[3] == 256
    assert reply.headers["x-compute-tokens"] == str(sum(counts))
    for text, vector in zip(reply.json, expected):
        mean = [sum(column) / len(text) for column in zip(*text)]
        length = math.hypot(*mean)
        assert [value / length for value in mean] == pytest.approx(vector, abs=1e-6)
    assert post(embedder, "/embed_all", inputs=TEXTS[0]) == reply.json[:1]


def test_embed_all_holds_up_nobody(embedder: HttpServer, expected: list[list[float]]) -> None:
    """Many at once, whose texts take turns, beside requests for pooled vectors."""
    alone = [post(embedder, "/embed_all", inputs=text) for text in TEXTS]
    with ThreadPoolExecutor(8) as threads:
        every = [threads.submit(post, embedder, "/embed_all", inputs=TEXTS[i % 4])
                 for i in range(12)]
        listed = threads.submit(post, embedder, "/low/embed_all", inputs=TEXTS)
        pooled = [threads.submit(post, embedder, "/embed", inputs=TEXTS[0]) for _ in range(20)]
        assert [as_floats(each.result()[0]) for each in pooled] == [expected[0]] * 20
        assert [each.result() for each in every] == [alone[i % 4] for i in range(12)]
        assert listed.result() == [text for (text,) in alone]


def test_embed_all_is_bounded(embedder: HttpServer) -> None:
    too_many = ["a"] * 43  # with 256 tokens and 384 floats for each
    assert refusal(embedder, "/embed_all", inputs=too_many) == (422, "Validation")
    assert len(post(embedder, "/embed_all", inputs=too_many[1:])) == 42
    assert len(post(embedder, "/embed_all", inputs=[[101, 102]] * 43)) == 43
    for body in ({"inputs": []}, {"inputs": ["a", 7]}, {"inputs": [30522]}, {}):
        assert refusal(embedder, "/embed_all", **body)[0] in (400, 422)
    too_long = {"inputs": TEXTS[3], "truncate": False}
    assert refusal(embedder, "/embed_all", **too_long) == (422, "Validation")


def test_embed_all_of_texts_of_several_tasks(tmp_path: Path) -> None:
    """The echo engine's tokens are bytes, 1,024 of them at most."""
    with serving_apart(tmp_path, "--backend", "echo") as server:
        text = "".join(chr(97 + i * i % 26) for i in range(1000))
        single = {letter: post(server, "/embed_all", inputs=letter)[0][0] for letter in set(text)}
        for length in (255, 256, 257, 512, 513, 1000):
            (tokens,) = post(server, "/embed_all", inputs=text[:length])
            assert tokens == [single[letter] for letter in text[:length]]
        assert post(server, "/embed_all", inputs="") == [[]]


def test_a_hang_up_leaves_nothing_of_embed_all(embedder: HttpServer) -> None:
    body = json.dumps({"inputs": [TEXTS[3]] * 40}).encode()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", embedder.port)) as connection:
            connection.sendall(b"POST /low/embed_all HTTP/1.1\r\nHost: a\r\nContent-Length: "
                               + str(len(body)).encode() + b"\r\n\r\n" + body)
    assert len(post(embedder, "/low/embed_all", inputs=["a"] * 42)) == 42


def test_embed(embedder: HttpServer, expected: list[list[float]]) -> None:
    vectors = post(embedder, "/embed", inputs=TEXTS)
    assert [as_floats(vector) for vector in vectors] == expected
    for path in ("/embed", "/", "/invocations", "/low/embed"):
        (vector,) = post(embedder, path, inputs=TEXTS[0])
        assert as_floats(vector) == expected[0]
    (raw,) = post(embedder, "/embed", inputs=TEXTS[0], normalize=False)
    length = math.hypot(*raw)
    assert abs(length - 1) > 0.01
    assert [value / length for value in raw] == pytest.approx(expected[0], abs=1e-6)
    (short,) = post(embedder, "/embed", inputs=TEXTS[0], dimensions=8)
    length = math.hypot(*expected[0][:8])
    assert short == pytest.approx([value / length for value in expected[0][:8]], abs=1e-6)


def test_what_is_too_long_is_cut_where_it_is_said(embedder: HttpServer) -> None:
    text = "first " * 300 + "last " * 300
    (end,) = post(embedder, "/embed", inputs=text)
    assert end == post(embedder, "/embed", inputs="first " * 300)[0]
    (start,) = post(embedder, "/embed", inputs=text, truncation_direction="Left")
    assert start == post(embedder, "/embed", inputs="last " * 300, truncation_direction="left")[0]
    assert refusal(embedder, "/embed", inputs=[text], truncate=False) == (422, "Validation")
    short = post(embedder, "/embed", inputs="first", truncate=False)
    assert short == post(embedder, "/embed", inputs="first")


def test_headers_tell_of_times(embedder: HttpServer) -> None:
    reply = embedder.ask("POST", "/embed", {"inputs": TEXTS[:3]})
    assert reply.headers["x-compute-type"] == "cpu"
    assert reply.headers["x-compute-characters"] == str(sum(map(len, TEXTS[:3])))
    tokens = post(embedder, "/tokenize", inputs=TEXTS[:3])
    assert reply.headers["x-compute-tokens"] == str(sum(map(len, tokens)))
    total = int(reply.headers["x-total-time"])
    assert int(reply.headers["x-compute-time"]) == total
    for part in ("x-queue-time", "x-inference-time", "x-tokenization-time"):
        assert 0 <= int(reply.headers[part]) <= total


def test_similarity(embedder: HttpServer, expected: list[list[float]]) -> None:
    inputs = {"source_sentence": TEXTS[0], "sentences": TEXTS[1:]}
    cosines = [sum(a * b for a, b in zip(expected[0], other, strict=True))
               for other in expected[1:]]
    for path in ("/similarity", "/"):
        assert post(embedder, path, inputs=inputs) == pytest.approx(cosines, abs=1e-6)


def test_prompts(model_folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for part in model_folder.iterdir():
        (model / part.name).symlink_to(part)
    settings = model / "config_sentence_transformers.json"
    settings.unlink(missing_ok=True)
    settings.write_text(json.dumps({"prompts": {"query": "search for: "}}))
    with serving_apart(tmp_path, "--model", model) as server:
        (vector,) = post(server, "/embed", inputs="photos", prompt_name="query")
        assert vector == post(server, "/embed", inputs="search for: photos")[0]
        inputs = {"source_sentence": "photos", "sentences": ["pictures"]}
        with_prompt = post(server, "/similarity", inputs=inputs,
                           parameters={"prompt_name": "query"})
        assert with_prompt != post(server, "/similarity", inputs=inputs)
        tokens = post(server, "/tokenize", inputs="photos", prompt_name="query")
        assert tokens == post(server, "/tokenize", inputs="search for: photos")
        unknown = refusal(server, "/embed", inputs="a", prompt_name="passage")
        assert unknown == (422, "Validation")


# ---- TEI: the rest


def test_tokenize_and_decode(embedder: HttpServer) -> None:
    (tokens,) = post(embedder, "/tokenize", inputs="Größer, resizing")
    assert tokens[0] == {"id": 101, "text": "[CLS]", "special": True, "start": None, "stop": None}
    data = "Größer, resizing".encode()
    for token in tokens[1:-1]:
        assert token["text"].encode() == data[token["start"] : token["stop"]]
    ids = [token["id"] for token in tokens]
    assert post(embedder, "/decode", ids=ids) == ["großer, resizing"]
    kept = post(embedder, "/decode", ids=[ids, ids[:2]], skip_special_tokens=False)
    assert kept[0].startswith("[CLS] ") and len(kept) == 2
    plain = post(embedder, "/tokenize", inputs=["Größer, resizing"], add_special_tokens=False)
    assert plain == [tokens[1:-1]]
    many = ["word " * 100] * 100
    assert len(post(embedder, "/tokenize", inputs=many)) == 100
    assert refusal(embedder, "/tokenize", inputs=[]) == (400, "Empty")


def test_info(embedder: HttpServer, scorer: HttpServer) -> None:
    info = embedder.ask("GET", "/info").json
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert (info["max_input_length"], info["max_client_batch_size"]) == (256, 2048)
    assert info["model_dtype"] == "float32"
    assert "reranker" in scorer.ask("GET", "/info").json["model_type"]
    assert embedder.ask("GET", "/ping").status == 200


def test_channels_are_there_for_what_a_model_gives(
    embedder: HttpServer, scorer: HttpServer
) -> None:
    """Where tokens have vectors, they have one of their own in each lane."""
    for server, channels in ((embedder, 4), (scorer, 2)):
        clients = server.ask("GET", "/status").json["engine"]["clients"]
        assert [client["pid"] for client in clients].count(server.front_end) == channels


def test_what_a_model_does_not_do_is_refused(embedder: HttpServer, scorer: HttpServer) -> None:
    for path in ("/embed_sparse", "/rerank", "/predict"):
        assert refusal(embedder, path, inputs="a") == (424, "Backend")
    for path in ("/embed", "/embed_all", "/similarity"):
        assert refusal(scorer, path, inputs="a") == (424, "Backend")
    vectors = scorer.embed({"input": "a"})
    assert (vectors.status, vectors.json["error"]["code"]) == (400, "model_not_supported")
    ranks = embedder.ask("POST", "/v1/rerank", {"query": "a", "documents": ["b"]})
    assert (ranks.status, ranks.json["error"]["code"]) == (400, "model_not_supported")
    assert "no cross-encoder" in ranks.message
    assert embedder.ask("POST", "/embed", b"{").json["error_type"] == "Validation"


def test_without_a_tokenizer_nothing_is_tokenized(runtime: Path, tmp_path: Path) -> None:
    with serving_http(tmp_path, runtime / "s", "--backend", "echo") as server:
        assert refusal(server, "/tokenize", inputs="a") == (422, "Tokenizer")
        assert refusal(server, "/decode", ids=[1]) == (422, "Tokenizer")


# ---- scores


def goldens() -> list[dict]:
    """Pairs with the scores that transformers computes."""
    entries = json.loads((SCORER / "expected.json").read_text())
    return [entry for entry in entries if "second" in entry]


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_scores_are_those_of_transformers(scorer: HttpServer) -> None:
    for golden in goldens():
        choices = {"truncation_direction": golden["side"]}
        pair = [golden["text"], golden["second"]]
        (rank,) = post(scorer, "/rerank", query=pair[0], texts=pair[1:], raw_scores=True, **choices)
        assert rank["score"] == pytest.approx(golden["logit"], abs=2e-4)
        ((each,),) = post(scorer, "/predict", inputs=[pair], **choices)
        assert each["score"] == pytest.approx(probability(golden["logit"]), abs=1e-4)
        assert each["label"] == "LABEL_0"
        assert post(scorer, "/predict", inputs=pair, **choices) == [each]


def test_the_best_come_first(scorer: HttpServer) -> None:
    texts = [" ".join("abcxyz"[i % 6] for i in range(n, n + 9)) for n in range(100)]
    logits = [post(scorer, "/rerank", query="a b", texts=[text], raw_scores=True)[0]["score"]
              for text in texts]
    order = sorted(range(100), key=lambda index: -logits[index])
    ranks = post(scorer, "/rerank", query="a b", texts=texts, return_text=True)
    assert [rank["index"] for rank in ranks] == order
    assert [rank["text"] for rank in ranks] == [texts[index] for index in order]
    assert ranks == post(scorer, "/", query="a b", texts=texts, return_text=True)
    for path in ("/v1/rerank", "/v2/rerank"):
        reply = scorer.ask("POST", path, {"model": "bert_cross_encoder", "query": "a b", "top_n": 3,
                                          "documents": texts, "return_documents": True})
        assert reply.headers["X-Hilo-Lane"] == "low"
        results = reply.json["results"]
        assert [result["index"] for result in results] == order[:3]
        assert results[0]["document"] == {"text": texts[order[0]]}
        for result in results:
            assert result["relevance_score"] == pytest.approx(
                probability(logits[result["index"]]), abs=1e-6)
    assert reply.json["usage"]["total_tokens"] > 100


def test_pairs_may_be_too_long(scorer: HttpServer) -> None:
    too_many = refusal(scorer, "/rerank", query="a", texts=["b", "d " * 100], truncate=False)
    assert too_many == (422, "Validation")
    assert refusal(scorer, "/rerank", query="a" * 131_000, texts=["c" * 73]) == (422, "Validation")
