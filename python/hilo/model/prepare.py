"""The two things that are made: a graph of a model, and an engine of a graph."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any

from hilo import __version__
from hilo.engine import Hilo
from hilo.model import engine_builder, manifest
from hilo.model.plan import Choices, Plan, PrepareFailed, Profile, plan_of, transformer_folder
from hilo.model.steps import Steps

_PACKAGES = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime")
_GRAPH = "model.onnx"
_ENGINE = "model.engine"


def prepare(choices: Choices, steps: Steps | None = None) -> Path:
    """Makes the graph, the manifest and, where there is a builder, the engine.

    Returns the manifest's path. Raises PrepareFailed; what an earlier call left is gone then.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PrepareFailed(f"preparing a model takes {', '.join(missing)}, not installed here: "
                            "pip install 'hilo-engine[prepare]'")
    builder = engine_builder.find_builder(choices.builder)
    steps = steps or Steps(total=4 if builder else 3)
    with steps.step("read the model"), Hilo(choices.model) as model:
        plan = plan_of(choices, model.info)
    folder = choices.output
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    manifest.check_hands(folder)
    for name in (manifest.NAME, _GRAPH, _ENGINE):
        (folder / name).unlink(missing_ok=True)
    content = {
        "hilo": __version__,
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "model": _facts_of_model(plan),
        "sources": manifest.source_files(transformer_folder(choices.model)),
        "graph": _make_graph(plan, steps),
        "profiles": [dataclasses.asdict(profile) for profile in plan.profiles],
        "engine": None,
    }
    path = manifest.write(folder, content)
    if builder is not None:
        return build(folder, builder, steps)
    steps.say(f"wrote {path}")
    steps.say(f"no engine: TensorRT's builder is not installed here. Copy {folder} to the machine "
              f"with the GPU, and run `hilo model build {shlex.quote(folder.name)}` there. "
              "It will run:\n  "
              + shlex.join(engine_builder.trtexec_command(
                  plan.inputs, plan.profiles, Path(_GRAPH), Path(_ENGINE))))
    return path


def build(folder: Path, builder: engine_builder.Builder, steps: Steps | None = None) -> Path:
    """Makes the engine of a prepared folder and adds it to its manifest, whose path it returns."""
    steps = steps or Steps(total=1)
    content = manifest.read(folder)
    manifest.check_hands(folder)
    engine = folder / _ENGINE
    try:
        graph = folder / manifest.checked(folder, content["graph"])
        inputs = [str(each["name"]) for each in content["graph"]["inputs"]]
        profiles = [
            Profile(each["lane"], tuple(each["min"]), tuple(each["opt"]), tuple(each["max"]))
            for each in content["profiles"]]
    except (KeyError, TypeError) as error:
        raise PrepareFailed(f"{folder / manifest.NAME}: lacks what an engine is built from "
                            f"({error}): prepare the model again") from None
    with steps.step(f"build the engine with {builder.name}, which takes minutes"):
        version = engine_builder.build(
            builder, inputs, profiles, graph, engine)
    content["engine"] = {
        **manifest.facts_of(engine), "builder": builder.name, "version": version,
        "stands_in": builder.stands_in, "gpu": engine_builder.gpu_name()}
    path = manifest.write(folder, content)
    steps.say(f"wrote {path}")
    if builder.stands_in:
        steps.say("this engine only shows that the graph can be built: no TensorRT loads it")
    return path


def _facts_of_model(plan: Plan) -> dict[str, Any]:
    facts = dataclasses.asdict(plan)
    del facts["choices"]
    return facts


def _make_graph(plan: Plan, steps: Steps) -> dict[str, Any]:
    # Here, since they bring PyTorch along.
    from hilo.model import check, graph_facts, torch_model

    graph = plan.choices.output / _GRAPH
    precision = plan.choices.precision
    with steps.step(f"export to ONNX in {precision}"):
        torch_model.export(plan, graph)
    with steps.step("compare ONNX Runtime with PyTorch"):
        comparison = check.compare(plan, graph)
    lengths = comparison.lengths
    steps.say(f"largest difference from PyTorch in fp32: {comparison.difference_max:.2g}, smallest "
              f"cosine {comparison.cosine_min:.7f}, of {len(lengths)} texts of {lengths[0]} to "
              f"{lengths[-1]} tokens, together and alone")
    return {**manifest.facts_of(graph), "precision": precision, **graph_facts.facts_of(graph),
            "check": dataclasses.asdict(comparison)}
