"""What a model is prepared as: decided here, before anything large is imported or computed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hilo.errors import Error

# The newest that every TensorRT from 10.9 on reads; LayerNormalization and Gelu are operators.
OPSET = 20
# Engines take ids from the lanes in 16 bits.
VOCABULARY_MAX = 65_536
Precision = Literal["fp32", "fp16"]
# How far the graph may be from PyTorch in fp32: the largest difference of a number of a vector of
# length 1, or of a score.
DIFFERENCE_MAX: dict[str, float] = {"fp32": 1e-4, "fp16": 1e-2}


class PrepareFailed(Error):
    """The model was not prepared. The text says why, and what to do."""


@dataclass(frozen=True)
class Choices:
    """What the command line says.

    builder  "auto": TensorRT's Python package, else trtexec, else none; "tensorrt-rtx" is for
             checking a graph on a machine without a GPU: no TensorRT loads what it builds
    """

    model: Path
    output: Path
    precision: Precision = "fp16"
    builder: Literal["auto", "tensorrt", "trtexec", "tensorrt-rtx", "none"] = "auto"
    high_texts_max: int = 8
    low_texts_max: int = 64


Shape = tuple[int, int]  # texts, tokens of the longest


@dataclass(frozen=True)
class Profile:
    """The shapes that a lane may use, and the one that its kernels are chosen for."""

    lane: Literal["high", "low"]
    min: Shape
    opt: Shape
    max: Shape


@dataclass(frozen=True)
class Plan:
    """The model as hilo reads it, and what is to be made of it."""

    choices: Choices
    name: str
    dims: int
    tokens_max: int
    vocabulary: int
    padding_id: int
    token_types: int  # 0: the family has none
    pooling: str | None
    normalized: bool
    cross_encoder: bool

    @property
    def inputs(self) -> list[str]:
        """Types are asked for where there are several."""
        names = ["input_ids", "attention_mask"]
        return [*names, "token_type_ids"] if self.token_types > 1 else names

    @property
    def output(self) -> str:
        return "scores" if self.cross_encoder else "vectors"

    @property
    def profiles(self) -> list[Profile]:
        return profiles_of(self.choices, self.tokens_max)


def profiles_of(choices: Choices, tokens_max: int) -> list[Profile]:
    """HIGH is fastest for one short text, LOW for many that are as long as most are."""
    high, low = choices.high_texts_max, choices.low_texts_max
    return [
        Profile("high", (1, 1), (1, min(32, tokens_max)), (high, tokens_max)),
        Profile("low", (1, 1), (min(32, low), min(64, tokens_max)), (low, tokens_max)),
    ]


def plan_of(choices: Choices, info: dict[str, Any]) -> Plan:
    """`info` is what hilo says of the model: `Hilo(model).info`."""
    vocabulary = int(info["vocabulary"])
    if vocabulary > VOCABULARY_MAX:
        raise PrepareFailed(
            f"{choices.model}: its vocabulary has {vocabulary} ids, and lanes give an engine of "
            f"TensorRT ids below {VOCABULARY_MAX}: use --backend cuda or cpu")
    config = json.loads((transformer_folder(choices.model) / "config.json").read_text())
    return Plan(
        choices=choices, name=str(info["model"]), dims=int(info["dims"]),
        tokens_max=int(info["tokens_max"]), vocabulary=vocabulary,
        # Families that count positions by ids need the true padding; hilo pads with the same.
        padding_id=int(config.get("pad_token_id") or 0),
        token_types=int(config.get("type_vocab_size") or 0),
        pooling=info["pooling"], normalized=bool(info["normalized"]),
        cross_encoder=bool(info["cross_encoder"]))


def transformer_folder(model: Path) -> Path:
    """Where config.json is: modules.json may place it below the model's folder."""
    if (model / "config.json").is_file():
        return model
    found = sorted(model.glob("*/model.safetensors"))
    return found[0].parent if found else model
