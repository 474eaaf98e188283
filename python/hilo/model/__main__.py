"""What `hilo model` runs for the words that need Python's libraries.

0: done.  1: it could not be done, and one sentence on standard error says why.  2: the command line
makes no sense.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from hilo.errors import Error
from hilo.model import engine_builder
from hilo.model.plan import Choices
from hilo.model.prepare import build, prepare

_EPILOG = """examples:
  hilo model prepare all-MiniLM-L6-v2
  hilo model prepare all-MiniLM-L6-v2 --output prepared --precision fp32 --builder none
  hilo model build prepared                      on the machine with the GPU
"""


def main(words: list[str]) -> int:
    arguments = _parser().parse_args(words)
    try:
        if arguments.verb == "prepare":
            prepare(_choices(arguments))
        elif arguments.verb == "build":
            builder = engine_builder.find_builder(arguments.builder)
            if builder is None:
                raise Error("TensorRT is not installed here: there is neither its Python package "
                            "nor the program trtexec")
            build(arguments.folder, builder)
        else:
            _explain(arguments.graph)
    except Error as error:
        sys.stderr.write(f"hilo: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _explain(graph: Path) -> None:
    try:
        from hilo.model.graph_facts import facts_of
    except ModuleNotFoundError as error:
        raise Error(f"telling about a graph takes {error.name}, not installed here: "
                    "pip install 'hilo-engine[prepare]'") from None
    json.dump(facts_of(graph), sys.stdout)
    sys.stdout.write("\n")


def _choices(arguments: argparse.Namespace) -> Choices:
    model: Path = arguments.model.resolve()
    return Choices(
        model=model, output=arguments.output or Path(model.name + "-prepared"),
        precision=arguments.precision, builder=arguments.builder,
        high_texts_max=arguments.high_texts, low_texts_max=arguments.low_texts)


def _positive(word: str) -> int:
    number = int(word)
    if not 1 <= number <= 1024:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hilo model", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    prepared = verbs.add_parser(
        "prepare", help="PyTorch -> ONNX, checked, -> an engine where TensorRT is installed",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    prepared.add_argument("model", type=Path, help="model directory, as Hugging Face lays it out")
    prepared.add_argument("--output", type=Path, metavar="DIR", help="[NAME-prepared]")
    prepared.add_argument("--precision", choices=["fp16", "fp32"], default="fp16",
                          help="of the graph and so of the engine [fp16]")
    prepared.add_argument("--high-texts", type=_positive, default=8, metavar="N",
                          help="the most texts that HIGH computes at once [8]")
    prepared.add_argument("--low-texts", type=_positive, default=64, metavar="N",
                          help="the most texts that LOW computes at once [64]")
    built = verbs.add_parser("build", help="add the engine to a folder that was prepared elsewhere")
    built.add_argument("folder", type=Path, help="what `hilo model prepare` made")
    explained = verbs.add_parser("explain", help="what an ONNX graph says of itself, as JSON")
    explained.add_argument("graph", type=Path)
    for verb, extra in ((prepared, ["none"]), (built, [])):
        verb.add_argument(
            "--builder", choices=["auto", "tensorrt", "trtexec", "tensorrt-rtx", *extra],
            default="auto", help="auto: TensorRT's Python package, else trtexec; tensorrt-rtx only "
            "checks that the graph can be built [auto]")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
