#!/usr/bin/env python3
"""Writes tests/golden/tokenizer_hashes.json with the ids that Hugging Face `tokenizers` makes.

    tools/golden_tokenizer.py [--check]

Needs the PyPI package `tokenizers`. Each hash covers one batch of texts (FNV-1a over the number of
ids and the ids, each as four little-endian bytes), so a difference points at 250 texts or 4,096
code points; tests/oracle/tokenizer_oracle_test.py then shows the text.
"""

import json
import pathlib
import struct
import sys

import tokenizers

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/oracle"))
import tokenizer_cases as cases  # noqa: E402

TARGET = ROOT / "tests/golden/tokenizer_hashes.json"


def hash_of(lists):
    value = 0xCBF29CE484222325
    for ids in lists:
        for byte in struct.pack(f"<{len(ids) + 1}I", len(ids), *ids):
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def hash_of_texts(tokenizer, texts):
    return hash_of(encoding.ids for encoding in tokenizer.encode_batch(list(texts)))


def block_hashes(tokenizer, pattern, blocks):
    return [hash_of_texts(tokenizer, cases.block_texts(block, pattern)) for block in blocks]


def text_hashes(tokenizer, seed, batches):
    maker = cases.TextMaker(seed)
    return [
        hash_of_texts(tokenizer, [maker.text() for _ in range(cases.BATCH_TEXTS)])
        for _ in range(batches)
    ]


def truncation_hashes(tokenizer, direction):
    """For each length, single texts and pairs, ids and types."""
    maker = cases.TextMaker(21)
    texts = [maker.text() for _ in range(100)]
    hashes = []
    for tokens_max in range(3, 60):
        tokenizer.enable_truncation(tokens_max, direction=direction)
        encodings = [
            tokenizer.encode(*inputs)
            for pair in zip(texts, texts[1:])
            for inputs in ((pair[0],), pair)
        ]
        hashes.append(
            hash_of(part for encoding in encodings for part in (encoding.ids, encoding.type_ids))
        )
    return hashes


def make_hashes():
    bert = cases.make_tokenizer(cases.bert_vocabulary(), 15)
    all_blocks = range(cases.CODE_POINTS // cases.BLOCK)
    hashes = {
        "reference": f"tokenizers {tokenizers.__version__}",
        "code_points_alone": block_hashes(bert, "{}", all_blocks),
        "code_points_in_word": block_hashes(bert, "a{}b", all_blocks),
        "texts": text_hashes(bert, 1, 200),
        "truncation_right": truncation_hashes(bert, "right"),
        "truncation_left": truncation_hashes(bert, "left"),
        "cased_texts": text_hashes(cases.make_tokenizer(cases.bert_vocabulary(), 3), 30, 20),
        "added_tokens_texts": text_hashes(cases.make_tokenizer_with_added_tokens(), 20, 20),
        "flags": [],
    }
    for flags in range(16):
        alphabet = cases.make_tokenizer(cases.alphabet_vocabulary(), flags)
        hashes["flags"].append(
            {
                "code_points": block_hashes(alphabet, "a{}b", cases.DENSE_BLOCKS),
                "texts": text_hashes(alphabet, 2 + flags, 8),
            }
        )
    return hashes


def main():
    hashes = make_hashes()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(json.dumps(hashes, indent=0) + "\n")
    elif json.loads(TARGET.read_text()) != hashes:
        sys.exit(f"{TARGET} differs from what tokenizers {tokenizers.__version__} makes")


if __name__ == "__main__":
    main()
