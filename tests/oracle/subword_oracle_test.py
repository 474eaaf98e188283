"""Holds libhilo.so against Hugging Face `tokenizers` for Unigram and byte-level BPE, text by text:
ids, offsets and decoded texts.

HILO_SUBWORD_FOLDER names a folder of tokenizer.json files under any names, to compare large ones,
too; without it, the small ones of tests/golden/subwords are taken. HILO_SUBWORD_TEXTS is the number
of adversarial texts for each, else 10,000.
"""

import base64
import json
import os
import pathlib

import pytest
import tokenizer_cases as cases
from tokenizer_oracle_test import BYTES, CORPORA, PARAGRAPHS, Hilo, paragraphs
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors

SMALL = cases.ROOT / "tests/golden/subwords"
FOLDER = pathlib.Path(os.environ.get("HILO_SUBWORD_FOLDER", str(SMALL)))
FILES = [path for path in sorted(FOLDER.glob("*.json")) if path.name != "hashes.json"]
TEXTS = int(os.environ.get("HILO_SUBWORD_TEXTS", 10_000))
PARTS = (" ", "  ", "\x01", "a", "``", "`", "x", "\u0301", "\u00e9", "\ufb01", "\u0130", "\u2581")
PARTS += ("\t", "<s>", "\ud55c", "Hello World", "\u00a0", "\u2026", "\u094d\u0915", "'S", "\r\n")
PARTS += ("\u0344", "\u0323", "\ufb03", "\u3000<mask>", "\u00b4", "\u1e9b\u0323", "\ufdfa")


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def pair(request, tmp_path_factory):
    reference = Tokenizer.from_file(str(request.param))
    return reference, Hilo(reference, tmp_path_factory.mktemp("subwords"))


def assert_equal(pair, texts):
    reference, hilo = pair
    for text, encoding in zip(texts, reference.encode_batch(texts), strict=True):
        utf8 = text.encode()
        assert list(hilo.encode(utf8)) == encoding.ids, ascii(text)
        ids, offsets = hilo.encode_with_offsets(utf8)
        assert list(ids) == encoding.ids, ascii(text)
        assert offsets == encoding.offsets, ascii(text)


def random_texts(below, count):
    return ["".join(PARTS[below(len(PARTS))] for _ in range(below(6))) for _ in range(count)]


@pytest.mark.parametrize("pattern", ["{}", "a{}b", "A{}\u0301", "'{}"])
def test_every_code_point(pair, pattern):
    for block in cases.code_point_blocks():
        assert_equal(pair, list(cases.block_texts(block, pattern)))


def test_adversarial_texts(pair):
    maker = cases.TextMaker(50)
    for _ in range(TEXTS // cases.BATCH_TEXTS):
        assert_equal(pair, [maker.text() for _ in range(cases.BATCH_TEXTS)])


@pytest.mark.skipif(not CORPORA, reason="tools/corpora.py has fetched nothing")
def test_languages(pair):
    for path in CORPORA:
        assert_equal(pair, paragraphs(path, PARAGRAPHS))


def test_offsets_in_bytes(pair):
    reference, hilo = pair
    maker = cases.TextMaker(52)
    for _ in range(1000):
        text = maker.text()
        _, offsets = hilo.encode_with_offsets(text.encode(), unit=BYTES)
        expected = reference.encode(text).offsets
        assert offsets == [tuple(len(text[:n].encode()) for n in one) for one in expected], text


def test_decode(pair):
    reference, hilo = pair
    maker = cases.TextMaker(53)
    size = max(reference.get_vocab().values()) + 1
    for _ in range(2000):
        ids = reference.encode(maker.text()).ids + [maker.random.below(size) for _ in range(8)]
        for skip in (False, True):
            expected = reference.decode(ids, skip_special_tokens=skip).split("\0")[0]
            assert hilo.decode(ids, skip) == expected, ids


def test_pipelines_at_random(tmp_path):
    """The steps of a normalizer in any order: what comes from a text's first character matters."""
    below = cases.TextMaker(51).random.below
    xlm = json.loads((SMALL / "xlm_roberta.json").read_text())["normalizer"]["normalizers"][0]
    steps = (
        normalizers.Nmt(),
        normalizers.NFKC(),
        normalizers.NFC(),
        normalizers.NFD(),
        normalizers.Lowercase(),
        normalizers.Strip(left=True, right=False),
        normalizers.Replace("``", '"'),
        normalizers.Replace("a", ""),
        normalizers.Replace("x", "\u00e9\u0301z"),
        normalizers.Prepend(" "),
        normalizers.Precompiled(base64.b64decode(xlm["precompiled_charsmap"])),
    )
    reference = Tokenizer.from_file(str(SMALL / "byte_fallback.json"))
    for turn in range(300):
        chosen = [steps[below(len(steps))] for _ in range(1 + below(4))]
        if sum(step is steps[-1] for step in chosen) > 1:
            continue
        reference.normalizer = normalizers.Sequence(chosen)
        reference.pre_tokenizer = pre_tokenizers.Metaspace(
            prepend_scheme=("first", "always", "never")[below(3)], split=below(2) == 0
        )
        folder = tmp_path / str(turn)
        folder.mkdir()
        assert_equal((reference, Hilo(reference, folder)), random_texts(below, 60))


@pytest.mark.parametrize("trims", [False, True])
@pytest.mark.parametrize("keeps_prefix", [False, True])
def test_offsets_without_spaces(tmp_path, trims, keeps_prefix):
    """What the post-processor does with spaces, where a text is cut at its start, too."""
    maker = cases.TextMaker(54)
    reference = Tokenizer.from_file(str(SMALL / "roberta.json"))
    reference.post_processor = processors.RobertaProcessing(
        ("</s>", 1), ("<s>", 0), trim_offsets=trims, add_prefix_space=keeps_prefix
    )
    hilo = Hilo(reference, tmp_path)
    for turn in range(2000):
        tokens_max, left = 3 + turn % 12, turn % 2 == 0
        reference.enable_truncation(tokens_max, direction="left" if left else "right")
        text = maker.text() if turn % 3 else random_texts(maker.random.below, 1)[0]
        expected = reference.encode(text)
        ids, offsets = hilo.encode_with_offsets(text.encode(), None, tokens_max, left=left)
        assert list(ids) == expected.ids, ascii(text)
        assert offsets == expected.offsets, (ascii(text), tokens_max, left)
