"""Holds libhilo.so against Hugging Face `tokenizers`, text by text.

HILO_LIBRARY names the library; without it, that of the release build is taken.
HILO_CORPUS names a text file whose lines are compared, too; without it, tests/golden/packages.txt.
"""

import ctypes
import os

import pytest

import tokenizer_cases as cases

LIBRARY = os.environ.get("HILO_LIBRARY", str(cases.ROOT / "build/release/lib/libhilo.so"))
CORPUS = os.environ.get("HILO_CORPUS", str(cases.ROOT / "tests/golden/packages.txt"))


class Hilo:
    """hilo_tokenizer_* through ctypes."""

    def __init__(self, reference, folder):
        reference.save(str(folder / "tokenizer.json"))
        self.library = ctypes.CDLL(LIBRARY)
        self.library.hilo_last_error.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        status = self.library.hilo_tokenizer_open(str(folder).encode(), ctypes.byref(self.handle))
        assert status == 0, self.library.hilo_last_error()
        self.ids = (ctypes.c_uint32 * (1 << 20))()

    def encode(self, text, pair=None, tokens_max=0, special=True):
        count = ctypes.c_size_t()
        status = self.library.hilo_tokenizer_encode(
            self.handle,
            text,
            ctypes.c_size_t(len(text)),
            pair,
            ctypes.c_size_t(len(pair) if pair else 0),
            ctypes.c_uint32(tokens_max),
            int(special),
            self.ids,
            ctypes.c_size_t(len(self.ids)),
            ctypes.byref(count),
        )
        assert status == 0, self.library.hilo_last_error()
        return self.ids[: count.value]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    reference = cases.make_tokenizer(cases.bert_vocabulary(), 15)
    return reference, Hilo(reference, tmp_path_factory.mktemp("bert"))


def assert_equal_ids(reference, hilo, texts):
    expected = reference.encode_batch(texts)
    for text, encoding in zip(texts, expected):
        assert hilo.encode(text.encode()) == encoding.ids, ascii(text)


@pytest.mark.parametrize("pattern", ["{}", "a{}b"])
def test_every_code_point(bert, pattern):
    for block in range(cases.CODE_POINTS // cases.BLOCK):
        assert_equal_ids(*bert, list(cases.block_texts(block, pattern)))


def test_50000_adversarial_texts(bert):
    maker = cases.TextMaker(1)
    for _ in range(200):
        assert_equal_ids(*bert, [maker.text() for _ in range(cases.BATCH_TEXTS)])


@pytest.mark.parametrize("flags", range(16))
def test_every_combination_of_flags(tmp_path, flags):
    reference = cases.make_tokenizer(cases.alphabet_vocabulary(), flags)
    hilo = Hilo(reference, tmp_path)
    for block in cases.DENSE_BLOCKS:
        assert_equal_ids(reference, hilo, list(cases.block_texts(block, "a{}b")))
    maker = cases.TextMaker(2 + flags)
    assert_equal_ids(reference, hilo, [maker.text() for _ in range(4000)])


def test_cased(tmp_path):
    reference = cases.make_tokenizer(cases.bert_vocabulary(), 3)
    maker = cases.TextMaker(30)
    assert_equal_ids(reference, Hilo(reference, tmp_path), [maker.text() for _ in range(10000)])


def test_added_tokens(tmp_path):
    reference = cases.make_tokenizer_with_added_tokens()
    maker = cases.TextMaker(20)
    assert_equal_ids(reference, Hilo(reference, tmp_path), [maker.text() for _ in range(20000)])


def test_truncation_at_every_length(bert):
    reference, hilo = bert
    maker = cases.TextMaker(21)
    texts = [maker.text() for _ in range(300)]
    try:
        for tokens_max in range(3, 60):
            reference.enable_truncation(tokens_max)
            for text, second in zip(texts, texts[1:]):
                assert hilo.encode(text.encode(), None, tokens_max) == reference.encode(text).ids
                assert (
                    hilo.encode(text.encode(), second.encode(), tokens_max)
                    == reference.encode(text, second).ids
                ), (tokens_max, text, second)
    finally:
        reference.no_truncation()


def test_pairs_and_no_special_tokens(bert):
    reference, hilo = bert
    maker = cases.TextMaker(22)
    for _ in range(2000):
        text, second = maker.text(), maker.text()
        assert hilo.encode(text.encode(), second.encode()) == reference.encode(text, second).ids
        assert (
            hilo.encode(text.encode(), second.encode(), special=False)
            == reference.encode(text, second, add_special_tokens=False).ids
        )
        assert (
            hilo.encode(text.encode(), special=False)
            == reference.encode(text, add_special_tokens=False).ids
        )


def test_invalid_utf8_reads_as_replacement_characters(bert):
    reference, hilo = bert
    maker = cases.TextMaker(23)
    for _ in range(10000):
        damaged = bytearray(maker.text().encode())
        for _ in range(1 + maker.random.below(4) if damaged else 0):
            damaged[maker.random.below(len(damaged))] = maker.random.below(256)
        damaged = bytes(damaged)
        assert (
            hilo.encode(damaged) == reference.encode(damaged.decode(errors="replace")).ids
        ), damaged


def test_corpus(bert):
    with open(CORPUS, encoding="utf-8", errors="replace") as corpus:
        texts = corpus.read().splitlines()
    assert len(texts) > 100
    for first in range(0, len(texts), 1000):
        assert_equal_ids(*bert, texts[first : first + 1000])
