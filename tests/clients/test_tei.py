"""Clients of Hugging Face's text-embeddings-inference."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy
import pytest
from golden import Golden
from http_client import serving_apart
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from processes import ROOT

# ---- huggingface_hub


@pytest.fixture
def client(url: str) -> InferenceClient:
    """A client whose model is an address asks that address itself."""
    return InferenceClient(model=url)


def test_feature_extraction(client: InferenceClient, golden: Golden) -> None:
    golden.check([client.feature_extraction(text)[0] for text in golden.texts])
    golden.check(client.feature_extraction(golden.texts))
    (raw,) = client.feature_extraction(golden.texts[0], normalize=False)
    assert abs(numpy.linalg.norm(raw) - 1) > 0.01
    golden.check([raw / numpy.linalg.norm(raw)])


def test_feature_extraction_at_every_base_url(url: str, golden: Golden) -> None:
    for path in ("", "/", "/embed", "/low", "/high/embed"):
        golden.check(InferenceClient(model=url + path).feature_extraction(golden.texts[0]))


def test_feature_extraction_asynchronously(url: str, golden: Golden) -> None:
    async def embed() -> numpy.ndarray:
        async with AsyncInferenceClient(model=url) as client:
            return await client.feature_extraction(golden.texts)

    golden.check(asyncio.run(embed()))


def test_where_texts_are_cut(client: InferenceClient) -> None:
    text = "first " * 300 + "last " * 300

    def vector(of: str, **options: object) -> list[float]:
        return client.feature_extraction(of, **options)[0].tolist()

    assert vector(text, truncation_direction="right") == vector("first " * 300)
    assert vector(text, truncation_direction="left") == vector("last " * 300,
                                                                truncation_direction="left")
    with pytest.raises(HfHubHTTPError, match="more tokens than the model takes") as refused:
        client.feature_extraction(text, truncate=False)
    assert refused.value.response.status_code == 422


def test_sentence_similarity(client: InferenceClient, golden: Golden) -> None:
    similar = client.sentence_similarity(golden.texts[0], golden.texts[1:])
    first, *others = client.feature_extraction(golden.texts)
    assert similar == pytest.approx([float(first @ other) for other in others], abs=1e-5)


# ---- what is built on it


def test_langchain(url: str, golden: Golden) -> None:
    from langchain_huggingface import HuggingFaceEndpointEmbeddings

    embeddings = HuggingFaceEndpointEmbeddings()
    # It takes names of models only, but leaves the asking to these.
    embeddings.client = InferenceClient(model=url)
    embeddings.async_client = AsyncInferenceClient(model=url)
    golden.check(embeddings.embed_documents(golden.texts))
    golden.check([embeddings.embed_query(golden.texts[0])])
    golden.check(asyncio.run(embeddings.aembed_documents(golden.texts)))


def test_llama_index(url: str, model: str, golden: Golden) -> None:
    from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

    embedding = TextEmbeddingsInference(base_url=url, model_name=model)
    golden.check(embedding.get_text_embedding_batch(golden.texts))
    golden.check(asyncio.run(embedding.aget_text_embedding_batch(golden.texts)))


def test_haystack(url: str, golden: Golden) -> None:
    from haystack import Document
    from haystack_integrations.components.embedders.huggingface_api import (
        HuggingFaceAPIDocumentEmbedder,
        HuggingFaceAPITextEmbedder,
    )

    options = {"api_type": "text_embeddings_inference", "api_params": {"url": url}, "token": None,
               "normalize": True}
    one = HuggingFaceAPITextEmbedder(**options).run(golden.texts[0])
    golden.check([one["embedding"]])
    documents = [Document(content=text) for text in golden.texts]
    many = HuggingFaceAPIDocumentEmbedder(**options, progress_bar=False).run(documents)
    golden.check([document.embedding for document in many["documents"]])


def test_haystack_ranks(tmp_path: Path) -> None:
    from haystack import Document
    from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker

    folder = ROOT / "tests/golden/families/bert_cross_encoder"
    texts = ["a b c", "d", "x y z a", "hello"]
    with serving_apart(tmp_path, "--model", folder) as server:
        ranks = server.ask("POST", "/rerank", {"query": "a b", "texts": texts}).json
        ranker = HuggingFaceTEIRanker(url=f"http://127.0.0.1:{server.port}", token=None)
        documents = [Document(content=text) for text in texts]
        ranked = ranker.run(query="a b", documents=documents, top_k=3)["documents"]
    assert [one.content for one in ranked] == [texts[rank["index"]] for rank in ranks[:3]]
    assert [one.score for one in ranked] == [rank["score"] for rank in ranks[:3]]
