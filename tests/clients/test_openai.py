"""OpenAI's own client, and those of others that are built upon it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator

import httpx
import numpy
import openai
import pytest
from golden import Golden
from http_client import HttpServer


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as made:
        yield made


def vectors(reply: openai.types.CreateEmbeddingResponse) -> list[list[float]]:
    assert [row.index for row in reply.data] == list(range(len(reply.data)))
    return [row.embedding for row in reply.data]


# ---- openai


def test_texts(client: openai.OpenAI, model: str, golden: Golden) -> None:
    reply = client.embeddings.create(model=model, input=golden.texts)
    golden.check(vectors(reply))
    assert reply.model == model
    assert reply.usage.prompt_tokens == reply.usage.total_tokens == sum(map(len, golden.ids))
    golden.check(vectors(client.embeddings.create(model=model, input=golden.texts[0])))


def test_it_asks_for_base64_unless_told(client: openai.OpenAI, model: str, golden: Golden) -> None:
    raw = client.embeddings.with_raw_response.create(model=model, input=golden.texts[:2])
    assert b'"base64"' in raw.http_request.content
    packed = json.loads(raw.text)["data"][1]["embedding"]
    golden.check([numpy.frombuffer(base64.b64decode(packed), "<f4")], first=1)
    golden.check(vectors(raw.parse()))
    floats = client.embeddings.create(model=model, input=golden.texts, encoding_format="float")
    golden.check(vectors(floats))


def test_dimensions(client: openai.OpenAI, model: str, golden: Golden) -> None:
    reply = client.embeddings.create(model=model, input=golden.texts, dimensions=64)
    for vector, whole in zip(vectors(reply), golden.vectors, strict=True):
        expected = whole[:64] / numpy.linalg.norm(whole[:64])
        assert numpy.abs(vector - expected).max() < 1e-3


def test_many_at_once(url: str, model: str, golden: Golden) -> None:
    async def embed() -> list[openai.types.CreateEmbeddingResponse]:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
            return await asyncio.gather(*(client.embeddings.create(model=model, input=text)
                                          for text in golden.texts))

    for i, reply in enumerate(asyncio.run(embed())):
        golden.check(vectors(reply), first=i)


def test_lanes(url: str, model: str, client: openai.OpenAI) -> None:
    def lane(of: openai.OpenAI, texts: int, **options: object) -> str:
        raw = of.embeddings.with_raw_response.create(model=model, input=["a"] * texts, **options)
        return raw.headers["X-Hilo-Lane"]

    for name in ("high", "low"):
        with openai.OpenAI(base_url=f"{url}/{name}/v1", api_key="none") as made:
            assert [lane(made, 1), lane(made, 20)] == [name, name]
        assert lane(client, 1, extra_headers={"X-Hilo-Lane": name}) == name
        assert lane(client, 1, extra_body={"priority": name}) == name
    assert [lane(client, 1), lane(client, 20)] == ["high", "low"]


def test_models(client: openai.OpenAI, model: str) -> None:
    assert [one.id for one in client.models.list()] == [model]
    assert client.models.retrieve(model).id == model


def test_errors_are_those_that_it_knows(client: openai.OpenAI, model: str, url: str) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        client.embeddings.create(model=model, input=[])
    assert (bad.value.param, bad.value.type) == ("input", "invalid_request_error")
    assert bad.value.body["message"].endswith(".")
    with pytest.raises(openai.NotFoundError) as missing:
        client.embeddings.create(model="text-embedding-3-small", input="a")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model=model, prompt="a")


def test_it_comes_back_when_it_was_told(server: HttpServer, model: str, golden: Golden) -> None:
    """The first answer is a refusal, which says when there will be room."""
    refused = httpx.Response(429, headers={"retry-after-ms": "1", "Retry-After": "1"},
                             json={"error": {"message": "So much waits.", "code": None}})
    answers = iter([refused])

    class Transport(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return next(answers, None) or super().handle_request(request)

    with openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none",
                       http_client=httpx.Client(transport=Transport())) as client:
        golden.check(vectors(client.embeddings.create(model=model, input=golden.texts[0])))
    assert next(answers, None) is None


# ---- langchain-openai


def test_langchain(url: str, model: str, golden: Golden) -> None:
    from langchain_openai import OpenAIEmbeddings

    embeddings = OpenAIEmbeddings(base_url=f"{url}/v1", api_key="none", model=model,
                                  check_embedding_ctx_length=False)
    golden.check(embeddings.embed_documents(golden.texts))
    golden.check([embeddings.embed_query(golden.texts[0])])
    golden.check(asyncio.run(embeddings.aembed_documents(golden.texts)))


def test_langchain_with_token_ids_of_another_model(
    url: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left as it is, it sends ids of OpenAI's vocabulary, which mean other words here."""
    import tiktoken
    from langchain_openai import OpenAIEmbeddings

    class Encoding:
        """In place of one whose vocabulary would be fetched."""

        def encode(self, text: str, **_: object) -> list[int]:
            return [100_000 + ord(c) for c in text]

        encode_ordinary = encode

    for function in ("get_encoding", "encoding_for_model"):
        monkeypatch.setattr(tiktoken, function, lambda _: Encoding())
    embeddings = OpenAIEmbeddings(base_url=f"{url}/v1", api_key="none", model=model)
    with pytest.raises(openai.BadRequestError, match="oken id"):
        embeddings.embed_documents(["a text"])


# ---- llama-index, haystack


def test_llama_index(url: str, model: str, golden: Golden) -> None:
    from llama_index.embeddings.openai_like import OpenAILikeEmbedding

    embedding = OpenAILikeEmbedding(model_name=model, api_base=f"{url}/v1", api_key="none")
    golden.check(embedding.get_text_embedding_batch(golden.texts))
    golden.check([embedding.get_query_embedding(golden.texts[0])])


def test_haystack(url: str, model: str, golden: Golden) -> None:
    from haystack import Document
    from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
    from haystack.utils import Secret

    options = {"api_base_url": f"{url}/v1", "model": model, "api_key": Secret.from_token("none")}
    one = OpenAITextEmbedder(**options).run(golden.texts[0])
    golden.check([one["embedding"]])
    documents = [Document(content=text) for text in golden.texts]
    many = OpenAIDocumentEmbedder(**options, progress_bar=False).run(documents)
    golden.check([document.embedding for document in many["documents"]])
