"""Holds libhilo.so against Hugging Face `tokenizers`, text by text.

HILO_LIBRARY names the library; without it, that of the release build is taken.
HILO_CORPUS names a text file whose lines are compared, too; without it, tests/golden/packages.txt.
HILO_ORACLE_TEXTS is the number of generated texts, else 50,000; HILO_ORACLE_PARAGRAPHS that of
paragraphs of each language that tools/corpora.py has fetched, else 50.
"""

import ctypes
import os
import unicodedata

import pytest
import tokenizers

import tokenizer_cases as cases

LIBRARY = os.environ.get("HILO_LIBRARY", str(cases.ROOT / "build/release/lib/libhilo.so"))
TEXTS = int(os.environ.get("HILO_ORACLE_TEXTS", 50_000))
PARAGRAPHS = int(os.environ.get("HILO_ORACLE_PARAGRAPHS", 50))
CORPORA = sorted((cases.ROOT / "build/corpora").glob("*.txt"))
CORPUS = os.environ.get("HILO_CORPUS", str(cases.ROOT / "tests/golden/packages.txt"))


class EncodeOptions(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        ("second", ctypes.c_char_p),
        ("second_bytes", ctypes.c_size_t),
        ("tokens_max", ctypes.c_uint32),
        ("truncate_left", ctypes.c_int),
        ("leave_out_special_tokens", ctypes.c_int),
        ("read_special_tokens_as_text", ctypes.c_int),
        ("offset_unit", ctypes.c_int),
    ]


class Tokens(ctypes.Structure):
    _fields_ = [
        ("struct_bytes", ctypes.c_size_t),
        ("room", ctypes.c_size_t),
        ("ids", ctypes.c_void_p),
        ("types", ctypes.c_void_p),
        ("offsets", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
        ("truncated", ctypes.c_int),
    ]


ROOM = 1 << 20
BYTES, CHARACTERS = 0, 1


class Hilo:
    """hilo_tokenizer_* through ctypes."""

    def __init__(self, reference, folder):
        reference.save(str(folder / "tokenizer.json"))
        self.library = ctypes.CDLL(LIBRARY)
        self.library.hilo_last_error.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        status = self.library.hilo_tokenizer_open(str(folder).encode(), ctypes.byref(self.handle))
        assert status == 0, self.library.hilo_last_error()
        self.ids = (ctypes.c_uint32 * ROOM)()
        self.offsets = (ctypes.c_uint32 * (2 * ROOM))()

    def _encode(self, text, offsets, pair, tokens_max, special, left=False, unit=CHARACTERS):
        options = EncodeOptions(ctypes.sizeof(EncodeOptions), pair, len(pair) if pair else 0,
                                tokens_max, left, not special, False, unit)
        tokens = Tokens(ctypes.sizeof(Tokens), ROOM, ctypes.addressof(self.ids), None,
                        ctypes.addressof(self.offsets) if offsets else None)
        status = self.library.hilo_tokenizer_encode(
            self.handle, text, ctypes.c_size_t(len(text)), ctypes.byref(options),
            ctypes.byref(tokens))
        assert status == 0, self.library.hilo_last_error()
        return self.ids[: tokens.count]

    def decode(self, ids, skip_special_tokens):
        text = ctypes.c_char_p()
        status = self.library.hilo_tokenizer_decode(
            self.handle, (ctypes.c_uint32 * len(ids))(*ids), ctypes.c_size_t(len(ids)),
            skip_special_tokens, ctypes.byref(text))
        assert status == 0, self.library.hilo_last_error()
        return text.value.decode()  # up to a zero, as C reads it

    def encode(self, text, pair=None, tokens_max=0, special=True, left=False):
        return self._encode(text, False, pair, tokens_max, special, left)

    def encode_with_offsets(self, text, pair=None, tokens_max=0, special=True, left=False,
                            unit=CHARACTERS):
        ids = self._encode(text, True, pair, tokens_max, special, left, unit)
        flat = self.offsets[: 2 * len(ids)]
        return ids, list(zip(flat[::2], flat[1::2]))


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    reference = cases.make_tokenizer(cases.bert_vocabulary(), 15)
    return reference, Hilo(reference, tmp_path_factory.mktemp("bert"))


def assert_equal(reference, hilo, texts):
    expected = reference.encode_batch(texts)
    for text, encoding in zip(texts, expected):
        utf8 = text.encode()
        assert hilo.encode(utf8) == encoding.ids, ascii(text)
        ids, offsets = hilo.encode_with_offsets(utf8)
        assert ids == encoding.ids, ascii(text)
        assert offsets == encoding.offsets, ascii(text)


@pytest.mark.parametrize("pattern", ["{}", "a{}b", "a {} b", "\u00e9{}\u0301"])
def test_every_code_point(bert, pattern):
    for block in cases.code_point_blocks():
        assert_equal(*bert, list(cases.block_texts(block, pattern)))


def test_adversarial_texts(bert):
    maker = cases.TextMaker(1)
    for _ in range(TEXTS // cases.BATCH_TEXTS):
        assert_equal(*bert, [maker.text() for _ in range(cases.BATCH_TEXTS)])


def paragraphs(path, count):
    with open(path, encoding="utf-8") as corpus:
        return [line.rstrip("\n") for line, _ in zip(corpus, range(count))]


def train(languages, pieces):
    """A vocabulary of the named languages, cased, as BERT's multilingual one is."""
    fresh = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    stock = cases.make_tokenizer(cases.bert_vocabulary(), 3)
    fresh.normalizer, fresh.pre_tokenizer = stock.normalizer, stock.pre_tokenizer
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=pieces, special_tokens=list(cases.SPECIAL), show_progress=False)
    texts = [text for path in CORPORA if not languages or path.stem in languages
             for text in paragraphs(path, 2000)]
    fresh.train_from_iterator(texts, trainer)
    return cases.make_tokenizer(fresh.get_vocab(), 3)


VOCABULARIES = {
    "uncased": lambda: cases.make_tokenizer(cases.bert_vocabulary(), 15),
    "cased": lambda: cases.make_tokenizer(cases.bert_vocabulary(), 3),
    "chinese": lambda: train({"chinese"}, 10_000),
    "multilingual": lambda: train(None, 70_000),
}


@pytest.mark.skipif(not CORPORA, reason="tools/corpora.py has fetched nothing")
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_languages(vocabulary, tmp_path):
    reference = VOCABULARIES[vocabulary]()
    hilo = Hilo(reference, tmp_path)
    for path in CORPORA:
        texts = paragraphs(path, PARAGRAPHS)
        assert_equal(reference, hilo, texts)
        for form in ("NFC", "NFD", "NFKC"):
            others = [unicodedata.normalize(form, text) for text in texts]
            assert_equal(reference, hilo, [b for a, b in zip(texts, others) if a != b])


@pytest.mark.parametrize("flags", range(16))
def test_every_combination_of_flags(tmp_path, flags):
    reference = cases.make_tokenizer(cases.alphabet_vocabulary(), flags)
    hilo = Hilo(reference, tmp_path)
    for block in cases.DENSE_BLOCKS:
        assert_equal(reference, hilo, list(cases.block_texts(block, "a{}b")))
    maker = cases.TextMaker(2 + flags)
    assert_equal(reference, hilo, [maker.text() for _ in range(4000)])


def test_cased(tmp_path):
    reference = cases.make_tokenizer(cases.bert_vocabulary(), 3)
    maker = cases.TextMaker(30)
    assert_equal(reference, Hilo(reference, tmp_path), [maker.text() for _ in range(10000)])


def test_added_tokens(tmp_path):
    reference = cases.make_tokenizer_with_added_tokens()
    maker = cases.TextMaker(20)
    assert_equal(reference, Hilo(reference, tmp_path), [maker.text() for _ in range(20000)])


@pytest.mark.parametrize("direction", ["right", "left"])
def test_truncation_at_every_length(bert, direction):
    reference, hilo = bert
    maker = cases.TextMaker(21)
    texts = [maker.text() for _ in range(300)]
    left = direction == "left"
    try:
        for tokens_max in range(3, 60):
            reference.enable_truncation(tokens_max, direction=direction)
            for text, second in zip(texts, texts[1:]):
                for pair in (None, second):
                    expected = reference.encode(text, pair)
                    ids, offsets = hilo.encode_with_offsets(
                        text.encode(), None if pair is None else pair.encode(), tokens_max,
                        left=left)
                    assert ids == expected.ids, (tokens_max, text, pair)
                    assert offsets == expected.offsets, (tokens_max, text, pair)
    finally:
        reference.no_truncation()


def test_decode(tmp_path):
    reference = cases.make_tokenizer_with_added_tokens()
    reference.decoder = tokenizers.decoders.WordPiece(prefix="##", cleanup=True)
    hilo = Hilo(reference, tmp_path)
    maker = cases.TextMaker(24)
    for _ in range(5000):
        ids = reference.encode(maker.text()).ids
        ids += [maker.random.below(30_530) for _ in range(8)]
        for skip in (False, True):
            assert hilo.decode(ids, skip) == reference.decode(ids, skip_special_tokens=skip), ids


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
        assert_equal(*bert, texts[first : first + 1000])
