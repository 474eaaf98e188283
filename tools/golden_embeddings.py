#!/usr/bin/env python3
"""Writes the golden embeddings of tests/golden: 1,000 texts, their token ids and their vectors.

    python tools/golden_embeddings.py MODEL_DIR             write all files
    python tools/golden_embeddings.py MODEL_DIR --check     recompute and compare, write nothing

MODEL_DIR is all-MiniLM-L6-v2 as sentence-transformers knows it. The texts come from word lists and
package descriptions in tests/golden and from a fixed seed, so everyone gets the same ones.
Needs sentence-transformers, which is an oracle here and not a dependency of hilo.
"""

import argparse
import importlib.metadata
import json
import pathlib
import platform
import random
import sys

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
SEED = 20251
TEXT_COUNT = 1000
TOKENS_MAX = 256
TOKEN_COUNTS = (2, 3, 5, 9, 14, 20)  # of the texts whose tokens have golden vectors
CODE_TEMPLATES = (
    "for ({type} {a} = 0; {a} < {b}; ++{a}) {{ {c} += {d}[{a}]; }}",
    "def {a}_{b}({c}, {d}=None):\n    return [{c}[{a}] for {a} in range({number})]\n",
    "if ({a}->{b} == NULL || {c} > {number}) return -{number};",
    "SELECT {a}, count(*) FROM {b} WHERE {c} >= {number} GROUP BY {a} ORDER BY {d} DESC;",
    "#define {a}_{b}({c}) (({c}) & 0x{number:x}u)",
    "static {type} {a}_{b}(const {type} *{c}) {{\n\treturn {c}[{number}] ^ {d};\n}}",
    "$ grep -rn '{a}_{b}' src/ | sort -u > /var/log/{c}-{number}.txt",
    'std::unordered_map<std::string, {type}> {a}{{{{"{b}", {number}}}, {{"{c}", {number}}}}};',
)
SCRIPTS = (
    "latin_accents",
    "russian",
    "greek",
    "arabic",
    "hebrew",
    "hindi",
    "thai",
    "chinese",
    "japanese",
    "korean",
)
ODD_TEXTS = (
    "",
    " ",
    "\n",
    "\t \r\n",
    ".",
    "?!",
    "...",
    "a",
    "I",
    "0",
    "42",
    "3.14159",
    "-1e-12",
    "#",
    "\u00e9",
    "e\u0301",
    "\u4e2d",
    "\U0001f600",
    "\u200b",
    "\ufeffhello",
    "hello\u00adworld",
    "caf\u00e9 cafe\u0301",
    "THE",
    "iPhone",
    "don't",
    "rock'n'roll",
    "state-of-the-art",
    "user@example.org",
    "https://example.org/a/b?c=d&e=%20#f",
    "[CLS]",
    "[MASK] is a token",
    "[UNK]",
    "x [SEP] y",
    "a" * 99,
    "a" * 101,
    "ab" * 300,
    "1 " * 300,
    "!" * 300,
    "\u5927" * 300,
    "2026-11-22T18:04:05Z",
    "C++",
    "C#",
    "node.js",
    "$100",
    "50%",
    "A.B.C.",
    "..a..b..",
    "\x00null\x00",
    "line one\nline two\n\nline four",
    "   leading and trailing   ",
)


def sentence(rng, words, count):
    """`count` words of a list, with the capitals and punctuation of prose."""
    chosen = [rng.choice(words) for _ in range(count)]
    for index in range(len(chosen) - 1):
        if rng.random() < 0.08:
            chosen[index] += rng.choice(",;:")
    text = " ".join(chosen)
    return text[:1].upper() + text[1:] + rng.choice((".", ".", ".", "?", "!", ""))


def prose(rng, words, word_count):
    """Sentences of 4 to 24 words until there are `word_count`."""
    parts = []
    while word_count > 0:
        length = min(word_count, rng.randint(4, 24))
        parts.append(sentence(rng, words, length))
        word_count -= length
    return " ".join(parts)


def code(rng, words, lines):
    out = []
    for _ in range(lines):
        names = rng.sample(words["identifiers"], 4)
        out.append(
            rng.choice(CODE_TEMPLATES).format(
                a=names[0],
                b=names[1],
                c=names[2],
                d=names[3],
                type=rng.choice(words["types"]),
                number=rng.randint(0, 4096),
            )
        )
    return "\n".join(out)


def make_texts():
    """1,000 different texts: every kind and length that the README of tests/golden promises."""
    rng = random.Random(SEED)
    words = {
        name: text.split()
        for name, text in json.loads((GOLDEN / "words.json").read_text(encoding="utf-8")).items()
    }
    packages = (GOLDEN / "packages.txt").read_text(encoding="utf-8").splitlines()
    english = words["english"] + words["technical"]

    texts = list(ODD_TEXTS)
    texts += rng.sample(english, 60) + words["rare"]
    texts += rng.sample(packages, 160)
    texts += ["\n".join(rng.sample(packages, rng.randint(2, 24))) for _ in range(60)]
    # Each of these words is one token, so these texts walk over the truncation limit one token at a
    # time.
    texts += [
        " ".join(rng.choice(words["english"]) for _ in range(count)) for count in range(1, 301, 4)
    ]
    texts += [
        " ".join(rng.choice(words["english"]) for _ in range(count)) for count in range(248, 262)
    ]
    texts += [prose(rng, english, rng.randint(3, 40)) for _ in range(140)]
    texts += [prose(rng, english + words["rare"], rng.randint(40, 400)) for _ in range(80)]
    texts += [code(rng, words, rng.randint(1, 14)) for _ in range(90)]
    texts += [
        prose(rng, words[script], rng.randint(1, 60)) for script in SCRIPTS for _ in range(12)
    ]
    while len(set(texts)) < TEXT_COUNT:
        mixed = [word for name in rng.sample(sorted(words), 4) for word in words[name]]
        texts.append(prose(rng, mixed, rng.randint(2, 90)))
    unique = list(dict.fromkeys(texts))
    assert len(unique) == TEXT_COUNT
    return unique


def encode_texts(model_directory, texts):
    """The oracle's token ids (truncated, special tokens included) and vectors. One text at a time,
    so that there is no padding."""
    import numpy
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(model_directory), device="cpu").float()
    model.max_seq_length = TOKENS_MAX
    tokenize = model.tokenizer
    ids = [tokenize(text, truncation=True, max_length=TOKENS_MAX)["input_ids"] for text in texts]
    vectors = model.encode(
        texts, batch_size=1, convert_to_numpy=True, show_progress_bar=sys.stderr.isatty()
    )
    return ids, numpy.ascontiguousarray(vectors, dtype="<f4")


def token_vectors(model_directory, ids):
    """The last hidden states of the first text of each of TOKEN_COUNTS, one after the other."""
    import numpy
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(str(model_directory), dtype=torch.float32).eval()
    rows = []
    for count in TOKEN_COUNTS:
        chosen = next(row for row in ids if len(row) == count)
        with torch.inference_mode():
            rows.append(model(input_ids=torch.tensor([chosen])).last_hidden_state[0].numpy())
    return numpy.concatenate(rows).astype("<f4")


def one_per_line(values):
    return (
        "[\n"
        + ",\n".join(
            json.dumps(value, ensure_ascii=True, separators=(",", ":")) for value in values
        )
        + "\n]\n"
    )


def versions():
    packages = ("sentence-transformers", "transformers", "tokenizers", "torch")
    found = [f"{package} {importlib.metadata.version(package)}" for package in packages]
    return ", ".join(found + [f"Python {platform.python_version()}"])


def check(ids, vectors, tokens):
    import numpy

    golden_ids = json.loads((GOLDEN / "embeddings_minilm.ids.json").read_text())
    golden = numpy.fromfile(GOLDEN / "embeddings_minilm.f32", dtype="<f4").reshape(vectors.shape)
    difference = float(numpy.abs(golden - vectors).max())
    differing = sum(a != b for a, b in zip(golden_ids, ids))
    golden = numpy.fromfile(GOLDEN / "tokens_minilm.f32", dtype="<f4").reshape(tokens.shape)
    of_tokens = float(numpy.abs(golden - tokens).max())
    print(f"texts with other ids: {differing}, largest difference of a vector: {difference:.3g}, "
          f"of a token's: {of_tokens:.3g}")
    return 0 if differing == 0 and max(difference, of_tokens) < 1e-5 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="recompute and compare; write nothing")
    arguments = parser.parse_args()

    texts = make_texts()
    ids, vectors = encode_texts(arguments.model, texts)
    tokens = token_vectors(arguments.model, ids)
    print(versions())
    if arguments.check:
        return check(ids, vectors, tokens)
    (GOLDEN / "texts.json").write_text(one_per_line(texts), encoding="ascii")
    (GOLDEN / "embeddings_minilm.ids.json").write_text(one_per_line(ids), encoding="ascii")
    vectors.tofile(GOLDEN / "embeddings_minilm.f32")
    tokens.tofile(GOLDEN / "tokens_minilm.f32")
    lengths = sorted(len(row) for row in ids)
    print(
        f"{len(texts)} texts of {lengths[0]} to {lengths[-1]} tokens, "
        f"median {lengths[len(lengths) // 2]}, "
        f"{sum(length == TOKENS_MAX for length in lengths)} of them at the limit of {TOKENS_MAX}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
