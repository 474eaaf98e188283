"""hilo's vectors against others' of the same model: sentence-transformers, live and as recorded in
tests/golden, and the plain numpy encoder beside this file.

    HILO_TEST_MODEL=DIR python -m pytest tests/oracle/embedding_oracle_test.py

DIR is all-MiniLM-L6-v2. Each comparison that cannot be made here is skipped with its reason.
"""

import json
import os
import pathlib
import sys

import numpy
import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tools")]
from make_tiny_model import write_model
from reference_encoder import ReferenceEncoder

GOLDEN = HERE.parent / "golden"
COSINE_MIN = 0.99999
DIFFERENCE_MAX = 1e-4
TOKENS_MAX = 256
# The plain encoder takes a second for some long texts, so it is asked about one in so many.
REFERENCE_STEP = 20


@pytest.fixture(scope="module")
def model_directory():
    directory = os.environ.get("HILO_TEST_MODEL")
    if not directory:
        pytest.skip("HILO_TEST_MODEL is not set to the directory of all-MiniLM-L6-v2")
    return directory


@pytest.fixture(scope="module")
def texts():
    return json.loads((GOLDEN / "texts.json").read_text())


@pytest.fixture(scope="module")
def golden_ids():
    return json.loads((GOLDEN / "embeddings_minilm.ids.json").read_text())


@pytest.fixture(scope="module")
def golden_vectors(texts):
    return numpy.fromfile(GOLDEN / "embeddings_minilm.f32", dtype="<f4").reshape(len(texts), -1)


@pytest.fixture(scope="module")
def hilo_vectors(model_directory, texts):
    hilo = pytest.importorskip("hilo", reason="the Python package hilo is not installed here")
    with hilo.Hilo(model_directory) as model:
        vectors = model.encode(texts)
    assert vectors.dtype == numpy.float32
    return vectors


@pytest.fixture(scope="module")
def oracle_vectors(model_directory, texts):
    oracle = pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers is not installed here"
    )
    model = oracle.SentenceTransformer(model_directory, device="cpu").float()
    model.max_seq_length = TOKENS_MAX
    return model.encode(texts, convert_to_numpy=True)


def assert_close(vectors, expected, texts, cosine_min=COSINE_MIN, difference_max=DIFFERENCE_MAX):
    assert vectors.shape == expected.shape
    assert numpy.isfinite(vectors).all()
    a, b = vectors.astype(numpy.float64), expected.astype(numpy.float64)
    cosines = (a * b).sum(axis=1) / (numpy.linalg.norm(a, axis=1) * numpy.linalg.norm(b, axis=1))
    differences = numpy.abs(a - b).max(axis=1)
    print(f"\nlowest cosine {cosines.min():.9f}, largest difference {differences.max():.3g}")
    worst = int(differences.argmax())
    assert cosines.min() >= cosine_min, (
        f"text {int(cosines.argmin())}: {texts[int(cosines.argmin())][:80]!r}"
    )
    assert differences.max() < difference_max, f"text {worst}: {texts[worst][:80]!r}"


def test_hilo_agrees_with_golden_vectors(hilo_vectors, golden_vectors, texts):
    assert_close(hilo_vectors, golden_vectors, texts)


def test_hilo_agrees_with_sentence_transformers(hilo_vectors, oracle_vectors, texts):
    assert_close(hilo_vectors, oracle_vectors, texts)


def test_hilo_agrees_with_plain_encoder(hilo_vectors, model_directory, golden_ids, texts):
    expected = ReferenceEncoder(model_directory).encode_ids(golden_ids[::REFERENCE_STEP])
    assert_close(hilo_vectors[::REFERENCE_STEP], expected, texts[::REFERENCE_STEP])


# A model of another shape than the golden one, and one that needs no fetching.
@pytest.mark.parametrize("layers, hidden, heads", [(1, 32, 2), (2, 64, 4)])
def test_hilo_agrees_with_plain_encoder_on_a_tiny_model(tmp_path, layers, hidden, heads):
    hilo = pytest.importorskip("hilo", reason="the Python package hilo is not installed here")
    write_model(tmp_path, seed=layers, layers=layers, hidden=hidden, heads=heads)
    texts = ["", "hello", "Resize a photo from the command line!", "search " * 200]
    tokens_max = json.loads((tmp_path / "sentence_bert_config.json").read_text())["max_seq_length"]
    ids = hilo.Tokenizer(tmp_path).encode_batch(texts, max_length=tokens_max)
    with hilo.Hilo(tmp_path) as model:
        vectors = model.encode(texts)
    assert_close(vectors, ReferenceEncoder(tmp_path).encode_ids(ids), texts)


# The two below keep the measures themselves honest: without them, a mistake in the plain encoder or
# in the golden files would look like one in hilo.
def test_plain_encoder_agrees_with_golden_vectors(
    model_directory, golden_ids, golden_vectors, texts
):
    vectors = ReferenceEncoder(model_directory).encode_ids(golden_ids[::REFERENCE_STEP])
    assert_close(vectors, golden_vectors[::REFERENCE_STEP], texts[::REFERENCE_STEP], 1 - 1e-9, 2e-6)


def test_sentence_transformers_still_gives_golden_vectors(oracle_vectors, golden_vectors, texts):
    assert_close(oracle_vectors, golden_vectors, texts, 1 - 1e-9, 2e-6)
