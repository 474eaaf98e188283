"""An ONNX graph to an engine, by whichever of TensorRT's builders is installed.

An engine is code for one kind of GPU and one version of TensorRT, so it is built where it will be
used. Where there is no builder, the command for such a machine is told.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilo.model.plan import PrepareFailed, Profile, Shape

_MODULE_OF = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}
_LAST_LINES = 12


@dataclass(frozen=True)
class Builder:
    """`name` is a module of Python, or "trtexec"; `stands_in` is for what no TensorRT loads."""

    name: str
    stands_in: bool = False


def find_builder(wanted: str) -> Builder | None:
    """The builder to use, or None where "auto" finds none. One that is named has to be there."""
    if wanted == "none":
        return None
    if wanted in _MODULE_OF:
        if importlib.util.find_spec(_MODULE_OF[wanted]) is None:
            raise PrepareFailed(f"--builder {wanted}: the Python package {wanted} is not installed")
        return Builder(_MODULE_OF[wanted], stands_in=wanted == "tensorrt-rtx")
    if wanted == "auto" and importlib.util.find_spec("tensorrt") is not None:
        return Builder("tensorrt")
    if shutil.which("trtexec") is not None:
        return Builder("trtexec")
    if wanted == "trtexec":
        raise PrepareFailed("--builder trtexec: there is no program trtexec on the PATH")
    return None


def trtexec_command(inputs: list[str], profiles: list[Profile], graph: Path,
                    engine: Path) -> list[str]:
    """Auxiliary streams would have a priority of their own, so there are none."""

    def shapes(shape: Shape) -> str:
        return ",".join(f"{name}:{shape[0]}x{shape[1]}" for name in inputs)

    command = ["trtexec", f"--onnx={graph}", f"--saveEngine={engine}", "--stronglyTyped",
               "--maxAuxStreams=0", "--skipInference"]
    for index, profile in enumerate(profiles):
        command += [f"--profile={index}", f"--minShapes={shapes(profile.min)}",
                    f"--optShapes={shapes(profile.opt)}", f"--maxShapes={shapes(profile.max)}"]
    return command


def build(builder: Builder, inputs: list[str], profiles: list[Profile], graph: Path,
          engine: Path) -> str:
    """Writes the engine, readable by its owner alone, and returns the builder's version."""
    engine.unlink(missing_ok=True)
    if builder.name == "trtexec":
        version = run_trtexec(trtexec_command(inputs, profiles, graph, engine))
        engine.chmod(0o600)
        return version
    module = importlib.import_module(builder.name)
    content = build_with_module(module, inputs, profiles, graph)
    descriptor = os.open(engine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return str(module.__version__)


def run_trtexec(command: list[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, umask=0o077)
    if done.returncode != 0:
        last = "\n".join(done.stdout.strip().splitlines()[-_LAST_LINES:])
        raise PrepareFailed(f"trtexec ended with status {done.returncode}:\n{last}")
    return version_of_trtexec(done.stdout)


def version_of_trtexec(output: str) -> str:
    """ "[TensorRT v101600]" in its first line is 10.16.0."""
    found = re.search(r"\[TensorRT v(\d+)\]", output)
    if found is None:
        raise PrepareFailed("trtexec did not tell its version: it is none that hilo knows")
    number = int(found[1])
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"


def build_with_module(module: Any, inputs: list[str], profiles: list[Profile],
                      graph: Path) -> bytes:
    """By the API that TensorRT and TensorRT-RTX share. Types are those of the graph."""
    messages: list[str] = []

    class Log(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in (module.ILogger.INTERNAL_ERROR, module.ILogger.ERROR):
                messages.append(message)

    def failed(what: str) -> PrepareFailed:
        why = "; ".join(messages[-3:]) or "it does not say why"
        return PrepareFailed(f"{module.__name__} {module.__version__} cannot {what}: {why}")

    builder = module.Builder(Log())
    flags = module.NetworkDefinitionCreationFlag
    network = builder.create_network(
        1 << int(flags.STRONGLY_TYPED) if hasattr(flags, "STRONGLY_TYPED") else 0)
    parser = module.OnnxParser(network, builder.logger)
    if not parser.parse(graph.read_bytes()):
        messages += [parser.get_error(i).desc() for i in range(parser.num_errors)]
        raise failed(f"read {graph}")
    config = builder.create_builder_config()
    config.max_aux_streams = 0
    for shapes in profiles:
        profile = builder.create_optimization_profile()
        for name in inputs:
            profile.set_shape(name, shapes.min, shapes.opt, shapes.max)
        if config.add_optimization_profile(profile) < 0:
            raise failed(f"take the profile of the lane {shapes.lane}")
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise failed(f"build {graph}")
    return bytes(engine)


def gpu_name() -> str | None:
    """The first GPU's, for the manifest; None where no driver tells."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    done = subprocess.run([program, "--query-gpu=name", "--format=csv,noheader"], text=True,
                          capture_output=True, check=False, timeout=30)
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None
