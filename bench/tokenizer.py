#!/usr/bin/env python3
"""hilo's tokenizer and Hugging Face `tokenizers` on the same texts, in turns.

Both have the same tokenizer: WordPiece with the vocabulary of bert-base-uncased, and a Unigram like
XLM-R's and byte-level BPEs like RoBERTa's and Qwen's, which are trained on the corpora once and
kept in build/bench-tokenizers. The figure is the median of the rounds. The rival's times are those
of its fast batch call, without threads and with all, and of single calls for texts by length;
hilo's are of one thread, from C++ (build/release/bin/hilo-bench-tokenizer).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tokenizers

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/oracle"))
import tokenizer_cases as cases  # noqa: E402

PROGRAM = ROOT / "build/release/bin/hilo-bench-tokenizer"
LANGUAGES = ("english", "german", "russian", "chinese", "japanese")
CORPORA = {
    "short English": ROOT / "tests/golden/packages.txt",
    **{name: ROOT / f"build/corpora/{name}.txt" for name in LANGUAGES},
}
TRAINED = ROOT / "build/bench-tokenizers"
# The steps of each family are those of a small tokenizer of the tests; only the pieces are others.
FAMILIES = {"Unigram": "xlm_roberta", "BPE like RoBERTa": "roberta", "BPE like Qwen": "qwen2"}
PIECES = 40_000
TRAINING_BYTES = 1_000_000  # of each language
HILO_BYTES = {"WordPiece": 2_000_000}  # the other families are slower: less text is as much time
LENGTHS = (16, 128, 512)
RIVAL_BYTES_MAX = 300_000  # A turn of the rival takes a fraction of a second.


def texts_of(corpus: Path, bytes_max: int) -> list[str]:
    texts, size = [], 0
    for line in corpus.read_text(encoding="utf-8").splitlines():
        size += len(line.encode())
        texts.append(line)
        if size > bytes_max:
            break
    return texts


def trained(family: str) -> Path:
    """The folder of a tokenizer of the family; training it takes half a minute, once."""
    folder = TRAINED / f"{FAMILIES[family]}-{PIECES}"
    if (folder / "tokenizer.json").exists():
        return folder
    print(f"training {family}", file=sys.stderr)
    tokenizer = tokenizers.Tokenizer.from_file(
        str(ROOT / f"tests/golden/subwords/{FAMILIES[family]}.json"))
    options = {"vocab_size": PIECES, "show_progress": False,
               "special_tokens": ["<s>", "</s>", "<unk>", "<pad>"]}
    if family == "Unigram":
        trainer = tokenizers.trainers.UnigramTrainer(unk_token="<unk>", **options)
    else:
        trainer = tokenizers.trainers.BpeTrainer(
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), **options)
    languages = [CORPORA[name] for name in LANGUAGES if CORPORA[name].exists()]
    texts = [text for corpus in languages for text in texts_of(corpus, TRAINING_BYTES)]
    fresh = tokenizers.Tokenizer(
        tokenizers.models.Unigram() if family == "Unigram" else tokenizers.models.BPE())
    fresh.normalizer, fresh.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    fresh.train_from_iterator(texts, trainer)
    fresh.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 1)])
    folder.mkdir(parents=True, exist_ok=True)
    fresh.save(str(folder / "tokenizer.json"))
    return folder


def hilo(corpus: Path, family: str) -> dict:
    with tempfile.NamedTemporaryFile(suffix=".json") as figures:
        command = [PROGRAM, corpus, "--json", figures.name,
                   "--bytes", str(HILO_BYTES.get(family, RIVAL_BYTES_MAX))]
        if family in FAMILIES:
            command += ["--model", trained(family)]
        subprocess.run(command, check=True)
        return json.load(figures)


def rival_mb_s(reference: tokenizers.Tokenizer, texts: list[str], threads: bool) -> float:
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads else "false"
    began = time.perf_counter()
    reference.encode_batch_fast(texts)
    return sum(len(text.encode()) for text in texts) / 1e6 / (time.perf_counter() - began)


def rival_text_us(reference: tokenizers.Tokenizer, texts: list[str], tokens: int) -> dict:
    """Single calls, for texts of about so many tokens."""
    whole = " ".join(texts)
    ends = [end for _, end in reference.encode(whole[:400_000], add_special_tokens=False).offsets]
    cuts = [0, *ends[tokens - 3::tokens - 2]][:201]
    times = []
    for begin, end in zip(cuts, cuts[1:]):
        began = time.perf_counter()
        reference.encode(whole[begin:end])
        times.append((time.perf_counter() - began) * 1e6)
    times.sort()
    return {"p50_us": times[len(times) // 2], "p99_us": times[len(times) * 99 // 100]}


def rival(reference: tokenizers.Tokenizer, corpus: Path) -> dict:
    texts = texts_of(corpus, RIVAL_BYTES_MAX)
    return {"mb_s": rival_mb_s(reference, texts, False),
            "threads_mb_s": rival_mb_s(reference, texts, True),
            "texts": {str(n): rival_text_us(reference, texts, n) for n in LENGTHS}}


def reference_of(family: str) -> tokenizers.Tokenizer:
    if family in FAMILIES:
        return tokenizers.Tokenizer.from_file(str(trained(family) / "tokenizer.json"))
    return cases.make_tokenizer(cases.bert_vocabulary(), 15)


def median_of(rounds: list):
    """The same structure as each of the rounds, each number the median of theirs."""
    if isinstance(rounds[0], dict):
        return {key: median_of([one[key] for one in rounds]) for key in rounds[0]}
    return statistics.median(rounds)


def show(name: str, ours: dict, theirs: dict) -> None:
    print(f"{name:14} {ours['warm_mb_s']:6.0f} {ours['cold_mb_s']:6.0f} {ours['offsets_mb_s']:7.0f}"
          f" {ours['warm_ns_per_token']:8.1f} {theirs['mb_s']:9.2f} {theirs['threads_mb_s']:8.2f}"
          f" {ours['warm_mb_s'] / theirs['mb_s']:6.0f}", end="")
    for length in map(str, LENGTHS):
        warm, cold = ours["texts"][length]["warm"], ours["texts"][length]["cold"]
        print(f"   {warm['p50_us']:5.1f} {warm['p99_us']:5.1f} {cold['p50_us']:5.1f}"
              f" {theirs['texts'][length]['p50_us']:6.0f}", end="")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    corpora = {name: path for name, path in CORPORA.items() if path.exists()}
    families = ["WordPiece", *(FAMILIES if CORPORA["english"].exists() else ())]
    references = {family: reference_of(family) for family in families}
    rounds = [{family: {name: {"hilo": hilo(path, family),
                               "tokenizers": rival(references[family], path)}
                        for name, path in corpora.items()} for family in families}
              for _ in range(arguments.rounds)]
    figures = median_of(rounds)
    print(f"MB/s of one core; tokenizers {tokenizers.__version__} without threads and with all.\n"
          "Then for texts of 16, 128 and 512 tokens, in us: warm p50, p99, cold p50, and p50 of\n"
          "tokenizers.")
    for family, by_corpus in figures.items():
        print(f"\n{family:14} {'warm':>6} {'cold':>6} {'offsets':>7} {'ns/token':>8}"
              f" {'tokenizers':>9} {'threads':>8} {'times':>5}")
        for name, both in by_corpus.items():
            show(name, both["hilo"], both["tokenizers"])
    if arguments.json:
        figures = {"rival": f"tokenizers {tokenizers.__version__}", "rounds": arguments.rounds,
                   "families": figures}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
