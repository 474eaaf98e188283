"""Texts and tokenizers that the reference and hilo are compared on.

src/tokenizer/tokenizer_cases.h makes the same ones in C++, number for number, so that the golden
hashes of tests/golden/tokenizer_hashes.json can be checked where the reference is not installed.
"""

import os
import pathlib

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

ROOT = pathlib.Path(__file__).resolve().parents[2]
VOCABULARY = ROOT / "src/tokenizer/data/bert-base-uncased-vocab.txt"
LINES = VOCABULARY.read_text(encoding="utf-8").splitlines()
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

BATCH_TEXTS = 250
BLOCK = 4096
CODE_POINTS = 0x110000
# What the many flag combinations are compared on: all but the planes of private and unused ones.
DENSE_BLOCKS = [*range(0x20), 0x2F, 0xE0]

MARKS = (
    (0x300, 0x370), (0x483, 0x488), (0x591, 0x5BE), (0x64B, 0x660), (0x8E3, 0x904),
    (0x9BC, 0x9FF), (0xE38, 0xE3B), (0xEBA, 0xEBC), (0xF71, 0xF85), (0x135D, 0x1360),
    (0x1AB0, 0x1AFF), (0x1BAA, 0x1BAC), (0x1DC0, 0x1E00), (0x20D0, 0x20F1), (0x302A, 0x3031),
    (0xA953, 0xA954), (0x110B9, 0x110BB), (0x1D15E, 0x1D173), (0x1D1BB, 0x1D1C1),
)
ODD = [int(number, 16) for number in """
    130 131 3A3 3C2 DF 1E9E 212A 212B 2126 1734 166D 111C9 1885 A9BD 180E 2B820 2B91F 2B920
    2CEB0 FFFD 0 85 A0 AD 200B 200D FEFF 2028 E0001 302E 302F 1D165 37E 1FEF 2000 344 F73
    11938 F900 2F800 FB1D 1C89 10D50 16EA0 9FD 9FE
""".split()]
FRAGMENTS = (
    "[SEP]",
    "[CLS]",
    "[MASK]",
    "[UNK]",
    "[PAD]",
    "[sep]",
    "[[SEP]]",
    "[SEP",
    "[unused1]",
    "##ing",
    "<w>",
    "<left>",
    " <right> ",
    "  <both>  ",
    "Hello World",
    "hello  world",
    "<x>",
    "<x><y>",
    "stra\u00dfe",
    "\u00c9t\u00e9",
    "\u3000<left>",
    " s",
)


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        mask = 0xFFFFFFFFFFFFFFFF
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        return (mixed ^ (mixed >> 31)) % bound


class TextMaker:
    """Texts that mix what tokenizers get wrong. Equal seeds make equal texts."""

    def __init__(self, seed):
        self.random = SplitMix64(seed)

    def text(self):
        parts = []
        for _ in range(self.random.below(13)):
            parts.append(self._part(self.random.below(17)))
            if self.random.below(10) < 3:
                parts.append(" ")
        return "".join(parts)

    def _part(self, kind):
        below = self.random.below
        if kind < 4:
            return LINES[below(len(LINES))].removeprefix("##")
        if kind < 6:
            return self._several(8, lambda: 0x20 + below(95))
        if kind == 6:
            return self._several(2, lambda: 0xA0 + below(0x1B0))
        if kind == 7:
            return self._several(4, lambda: 0x250 + below(0x1DB0))
        if kind == 8:
            return self._several(4, self._mark)
        if kind == 9:
            return chr(ODD[below(len(ODD))])
        if kind == 10:
            code_point = below(CODE_POINTS - 0x800)
            return chr(code_point if code_point < 0xD800 else code_point + 0x800)
        if kind == 11:
            return chr(0xAC00 + below(11172)) * (1, 2, 33, 34)[below(4)]
        if kind == 12:
            return chr(0x4E00 + below(0x5200))
        if kind == 13:
            return chr(below(0x21))
        if kind < 16:
            return FRAGMENTS[below(len(FRAGMENTS))]
        return "a" * (99 + below(4))

    def _several(self, count_max, code_point):
        return "".join(chr(code_point()) for _ in range(1 + self.random.below(count_max)))

    def _mark(self):
        first, end = MARKS[self.random.below(len(MARKS))]
        return first + self.random.below(end - first)


def code_point_blocks():
    """Every block of the planes that letters live in, and some of the others, or all of them."""
    blocks = range(CODE_POINTS // BLOCK)
    if os.environ.get("HILO_TEST_TEXTS") == "all":
        return blocks
    lettered = 2 * 0x10000 // BLOCK
    return [*blocks[:lettered], *blocks[lettered::16]]


def block_texts(block, pattern):
    """`pattern` with each code point of a block in it."""
    for code_point in range(block * BLOCK, (block + 1) * BLOCK):
        if not 0xD800 <= code_point < 0xE000:
            yield pattern.format(chr(code_point))


def bert_vocabulary():
    return {line: number for number, line in enumerate(LINES)}


ALPHABET = (
    (0x21, 0x3400),
    (0xA000, 0xAC00),
    (0xF900, 0x10000),
    (0x10000, 0x12000),
    (0x1D000, 0x1D200),
    (0x1E000, 0x1EA00),
)


def alphabet_vocabulary():
    """Nearly every character is a piece, so that ids show what the normalizer did; ids are wide."""
    vocabulary = {piece: number for number, piece in enumerate(SPECIAL)}
    for first, end in ALPHABET:
        for code_point in range(first, end):
            vocabulary[chr(code_point)] = 2 * code_point + 10
            vocabulary["##" + chr(code_point)] = 2 * code_point + 11
    return vocabulary


def make_tokenizer(vocabulary, flags):
    """`flags`: four bits, clean_text, handle_chinese_chars, strip_accents, lowercase."""
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(
        clean_text=bool(flags & 1),
        handle_chinese_chars=bool(flags & 2),
        strip_accents=bool(flags & 4),
        lowercase=bool(flags & 8),
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(piece, vocabulary[piece]) for piece in ("[CLS]", "[SEP]")],
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def make_tokenizer_with_added_tokens():
    tokenizer = make_tokenizer(bert_vocabulary(), 15)
    tokenizer.add_tokens(
        [
            AddedToken("<w>", single_word=True, normalized=False),
            AddedToken("<left>", lstrip=True, normalized=False),
            AddedToken("<right>", rstrip=True, normalized=False),
            AddedToken("<both>", lstrip=True, rstrip=True, normalized=False),
            AddedToken("Hello World", normalized=True),
            AddedToken("<x>", normalized=False),
            AddedToken("<x><y>", normalized=True),
            AddedToken("stra\u00dfe", normalized=True, single_word=True),
            AddedToken("\u00c9t\u00e9", normalized=True, lstrip=True),
            AddedToken(" s", normalized=False, single_word=True, rstrip=True),
            AddedToken("\u4e00", normalized=False),
        ]
    )
    return tokenizer
