#!/usr/bin/env python3
"""How much of the fp32 vectors each engine and precision keeps: ./dev bench quality.

The corpus is descriptions of software. Each of its texts and of the queries is embedded by each
engine; hilo's own fp32 vectors are what all are compared with. Two measures: the cosine of each
text's vector to its fp32 vector, and how many of a query's ten nearest texts stay among them when
queries and texts are both of the engine.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import engines
import figures
import numpy as np
import prepare
import texts
from worker import Worker

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = "hilo fp32"
NEIGHBOURS = 10


def debian_descriptions(unwanted: str) -> list[str]:
    """Descriptions of the packages that apt knows: none where there is no apt. Those whose first
    line is in the unwanted text are left out."""
    try:
        dump = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True,
                              check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    found = set()
    for record in dump.split("\n\n"):
        field = re.search(r"^Description(?:-en)?: (.+)\n((?: .*\n?)*)", record, re.MULTILINE)
        if field and field[1] not in unwanted:
            # The long text, where apt has it; a line with a point alone separates paragraphs.
            words = [word for word in field[2].split() if word != "."]
            found.add(" ".join([field[1] + ".", *words]))
    return sorted(found)


def corpus_and_queries(fallback: Path, count: int,
                       queries: int) -> tuple[str, list[str], list[str]]:
    """Where the texts are from, the texts, and others to search with."""
    # Not what the rivals' int8 models were calibrated on, nor of it.
    name = "Debian package descriptions"
    all_texts = debian_descriptions(fallback.read_text())
    if len(all_texts) < count + queries:
        name = f"lines of {fallback.name}, joined"
        lines = texts.lines_of(fallback)
        all_texts = sorted(set(texts.mixed(lines[:len(lines) // 2], 2 * (count + queries), seed=3)))
    random.Random(4).shuffle(all_texts)
    chosen = all_texts[:count + queries]
    return name, chosen[:count], chosen[count:]


def neighbours(queries: np.ndarray, corpus: np.ndarray) -> list[set[int]]:
    nearest = np.argpartition(-queries @ corpus.T, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    return [set(row) for row in nearest.tolist()]


def compare(vectors: np.ndarray, reference: np.ndarray, corpus_count: int) -> dict[str, float]:
    """Of the corpus' rows, which come first, and the queries', which follow."""
    cosines = (vectors * reference).sum(axis=1)
    cosines /= np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference, axis=1)
    kept = [len(one & other) / NEIGHBOURS for one, other in zip(
        neighbours(vectors[corpus_count:], vectors[:corpus_count]),
        neighbours(reference[corpus_count:], reference[:corpus_count]))]
    return {"cosine_mean": float(cosines.mean()), "cosine_min": float(cosines.min()),
            "top10_kept": float(np.mean(kept))}


def embed(name: str, arguments: argparse.Namespace, rivals: Path,
          all_texts: list[str]) -> np.ndarray | str:
    """Vectors of all texts, or why there are none."""
    python = arguments.hilo_python if name.startswith("hilo") else sys.executable
    worker = Worker(python, name, arguments.model, rivals, {"all": all_texts})
    try:
        if worker.refused is not None:
            return worker.refused
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/vectors.npy"
            worker.ask("vectors", shape="all", count=len(all_texts), path=path)
            return np.load(path)
    finally:
        worker.end()


def sentence_transformers_vectors(arguments: argparse.Namespace,
                                  all_texts: list[str]) -> np.ndarray | str:
    """The library that defines the vectors, where a Python with it is named."""
    if not arguments.oracle_python:
        return "name a Python that has it with --oracle-python"
    program = ("import json, sys, numpy; from sentence_transformers import SentenceTransformer\n"
               "model = SentenceTransformer(sys.argv[1], device='cpu')\n"
               f"model.max_seq_length = {texts.TOKENS_MAX}\n"
               "numpy.save(sys.argv[2], model.encode(json.load(sys.stdin), "
               "normalize_embeddings=True))\n")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/vectors.npy"
        subprocess.run([arguments.oracle_python, "-c", program, arguments.model, path], check=True,
                       input=json.dumps(all_texts), text=True)
        return np.load(path)


def run(arguments: argparse.Namespace) -> dict:
    rivals = prepare.prepared(arguments.model, arguments.calibration, arguments.build)
    name, corpus, queries = corpus_and_queries(arguments.calibration, arguments.texts,
                                               arguments.queries)
    all_texts = corpus + queries
    reference = embed(REFERENCE, arguments, rivals, all_texts)
    if isinstance(reference, str):
        raise SystemExit(f"quality: {REFERENCE}: {reference}")
    rows, kept, refused = [], {}, {}
    for engine in [*engines.ENGINES, "sentence-transformers fp32"]:
        if engine == REFERENCE:
            continue
        print(f"quality: {engine}", file=sys.stderr, flush=True)
        vectors = (embed(engine, arguments, rivals, all_texts) if engine in engines.ENGINES
                   else sentence_transformers_vectors(arguments, all_texts))
        if isinstance(vectors, str):
            refused[engine] = vectors
            rows.append([engine, f"did not run: {vectors}"])
            continue
        of = kept[engine] = compare(vectors, reference, len(corpus))
        rows.append([engine, f"{of['cosine_mean']:.6f}", f"{of['cosine_min']:.6f}",
                     f"{of['top10_kept']:.1%}"])
    print(f"{len(corpus):,} texts and {len(queries)} queries, {name}; against {REFERENCE}")
    print(figures.table(["engine", "cosine mean", "cosine min", "top 10 kept"], rows))
    return {"corpus": name, "texts": len(corpus), "queries": len(queries), "reference": REFERENCE,
            "engines": kept, "refused": refused}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face model folder")
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--calibration", type=Path, default=ROOT / "tests/golden/packages.txt",
                        help="lines that the rivals' int8 models are calibrated on")
    parser.add_argument("--hilo-python", default="python", help="a Python that has hilo")
    parser.add_argument("--oracle-python", default=oracle_python(),
                        help="a Python that has sentence-transformers")
    parser.add_argument("--build", type=Path, default=ROOT / "build/peers",
                        help="where the rivals' models are kept")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    result = run(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def oracle_python() -> str | None:
    """What `./dev test --oracles` has installed, if it ever ran."""
    found = ROOT / ".cache/oracles/bin/python"
    return str(found) if found.exists() else None


if __name__ == "__main__":
    main()
