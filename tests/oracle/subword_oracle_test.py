"""Holds libhilo.so against Hugging Face `tokenizers` for Unigram and byte-level BPE, text by text.

HILO_SUBWORD_FOLDER names a folder of tokenizer.json files under any names, to compare large ones,
too; without it, the small ones of tests/golden/subwords are taken.
"""

import os
import pathlib

import pytest
import tokenizer_cases as cases
from tokenizer_oracle_test import Hilo
from tokenizers import Tokenizer, normalizers, pre_tokenizers

FOLDER = pathlib.Path(
    os.environ.get("HILO_SUBWORD_FOLDER", str(cases.ROOT / "tests/golden/subwords"))
)
FILES = [path for path in sorted(FOLDER.glob("*.json")) if path.name != "hashes.json"]
PARTS = (" ", "  ", "\x01", "a", "``", "`", "x", "\u0301", "\u00e9", "\ufb01", "\u0130", "\u2581")
PARTS += ("\t", "<s>", "\ud55c", "Hello World", "\u00a0", "\u2026", "\u094d\u0915", "'S", "\r\n")


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def pair(request, tmp_path_factory):
    reference = Tokenizer.from_file(str(request.param))
    return reference, Hilo(reference, tmp_path_factory.mktemp("subwords"))


def ids_of(hilo, text):
    return list(hilo.encode(text.encode()))


def assert_equal_ids(pair, texts):
    reference, hilo = pair
    for text, encoding in zip(texts, reference.encode_batch(texts), strict=True):
        assert ids_of(hilo, text) == encoding.ids, ascii(text)


@pytest.mark.parametrize("pattern", ["{}", "a{}b", "A{}\u0301", "'{}"])
def test_every_code_point(pair, pattern):
    for block in cases.code_point_blocks():
        assert_equal_ids(pair, list(cases.block_texts(block, pattern)))


def test_adversarial_texts(pair):
    maker = cases.TextMaker(50)
    for _ in range(40):
        assert_equal_ids(pair, [maker.text() for _ in range(cases.BATCH_TEXTS)])


def test_pipelines_at_random(tmp_path):
    """The steps of a normalizer in any order: what comes from a text's first character matters."""
    maker = cases.TextMaker(51)
    below = maker.random.below
    steps = (
        normalizers.Nmt(),
        normalizers.NFKC(),
        normalizers.NFD(),
        normalizers.Lowercase(),
        normalizers.Strip(left=True, right=False),
        normalizers.Replace("``", '"'),
        normalizers.Replace("a", ""),
        normalizers.Prepend(" "),
    )
    reference = Tokenizer.from_file(str(cases.ROOT / "tests/golden/subwords/byte_fallback.json"))
    for turn in range(300):
        chosen = [steps[below(len(steps))] for _ in range(1 + below(4))]
        reference.normalizer = normalizers.Sequence(chosen)
        reference.pre_tokenizer = pre_tokenizers.Metaspace(
            prepend_scheme=("first", "always", "never")[below(3)], split=below(2) == 0
        )
        folder = tmp_path / str(turn)
        folder.mkdir()
        texts = ["".join(PARTS[below(len(PARTS))] for _ in range(below(6))) for _ in range(60)]
        assert_equal_ids((reference, Hilo(reference, folder)), texts)
