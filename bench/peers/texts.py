"""The texts that every engine gets. All are made of the lines of one corpus file.

The first half of the lines is for measuring, the second for calibrating the rivals' int8 models, so
that no model is measured on what it was fitted to.
"""

import random
from pathlib import Path

from tokenizers import Tokenizer

TOKENS_MAX = 256
LOW_TEXTS_DIFFERENT = 800
SPECIAL_TOKENS = 2  # One before and one after each text.


def tokenizer(model: Path) -> Tokenizer:
    """As the model's users run it: no padding, and texts cut where the model's vectors end."""
    made = Tokenizer.from_file(str(model / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(TOKENS_MAX)
    return made


def lines_of(corpus: Path) -> list[str]:
    lines = [line for line in corpus.read_text().splitlines() if line.strip()]
    if len(lines) < 100:
        raise SystemExit(f"{corpus} has {len(lines)} lines: 100 are needed")
    return lines


def mixed(lines: list[str], count: int, seed: int) -> list[str]:
    """A natural mix: one to four lines joined, so that lengths vary as they do in an index."""
    chance = random.Random(seed)
    return [". ".join(chance.choices(lines, k=chance.randint(1, 4))) for _ in range(count)]


def for_calibration(corpus: Path, count: int) -> list[str]:
    lines = lines_of(corpus)
    return mixed(lines[len(lines) // 2:], count, seed=2)


def of_length(lines: list[str], tokens: int, count: int, model: Path) -> list[str]:
    """Prose of exactly so many tokens: joined lines, cut behind a word."""
    plain = Tokenizer.from_file(str(model / "tokenizer.json"))
    plain.no_padding()
    plain.no_truncation()
    chance = random.Random(tokens)
    wanted = tokens - SPECIAL_TOKENS
    made: list[str] = []
    while len(made) < count:
        text = ". ".join(chance.choices(lines, k=2 + tokens // 8))
        pieces = plain.encode(text, add_special_tokens=False)
        cut = text[:pieces.offsets[wanted - 1][1]] if len(pieces) >= wanted else ""
        if len(plain.encode(cut)) == tokens:  # Else the cut was inside a word.
            made.append(cut)
    return made


def shapes(corpus: Path, model: Path, scale: float) -> dict[str, list[str]]:
    """Name of the shape -> its texts: about as much work in each."""
    lines = lines_of(corpus)
    lines = lines[:len(lines) // 2]
    return {"32 tokens": of_length(lines, 32, round(1000 * scale), model),
            "natural mix": mixed(lines, round(800 * scale), seed=1),
            "256 tokens": of_length(lines, 256, round(120 * scale), model)}


def of_lanes(corpus: Path, questions: Path) -> dict[str, list[str]]:
    """HIGH's are questions, LOW's those of an index."""
    lines = lines_of(corpus)
    return {"high": lines_of(questions),
            "low": mixed(lines[:len(lines) // 2], LOW_TEXTS_DIFFERENT, seed=1)}
