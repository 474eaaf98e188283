"""The model in PyTorch: as a graph of padded ids to vectors, and as the reference for one text."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from transformers import AutoModel, AutoModelForSequenceClassification
from transformers.utils import logging as transformers_logging

from hilo.model.plan import OPSET, Plan, PrepareFailed, transformer_folder

# Added to the scores of padding. In reach of fp16, and small enough that nothing is left of it.
_MASKED = -30_000.0


def load(plan: Plan, **attention: str) -> torch.nn.Module:
    """With `attn_implementation="eager"` as plain operators, else as transformers likes it best."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    folder = transformer_folder(plan.choices.model)
    kind = AutoModelForSequenceClassification if plan.cross_encoder else AutoModel
    try:
        loaded = kind.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, **attention)
    except (OSError, ValueError) as error:
        raise PrepareFailed(f"{folder}: transformers cannot read it: {error}") from None
    model: torch.nn.Module = loaded.eval()
    return model


class Embedder(torch.nn.Module):
    """Padded ids to vectors that are not normalized, or to logits.

    hilo scales them itself, since a text may ask for its raw vector.
    """

    def __init__(self, plan: Plan, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = plan.pooling
        self.cross_encoder = plan.cross_encoder
        self.token_types = plan.token_types

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor,
                token_type_ids: torch.Tensor | None = None) -> torch.Tensor:
        dtype: Any = next(self.encoder.parameters()).dtype
        kept = attention_mask.to(dtype)
        # With four dimensions the mask is taken as it is by every family.
        added = ((1.0 - kept) * _MASKED)[:, None, None, :]
        words = {"input_ids": input_ids, "attention_mask": added}
        if self.token_types > 0:
            types = token_type_ids if token_type_ids is not None else torch.zeros_like(input_ids)
            words["token_type_ids"] = types
        encoded = self.encoder(**words)
        if self.cross_encoder:
            return encoded.logits[:, 0].to(torch.float32)
        rows = encoded.last_hidden_state.to(torch.float32)
        return pool(rows, attention_mask, self.pooling)


def pool(rows: torch.Tensor, mask: torch.Tensor, pooling: str | None) -> torch.Tensor:
    """One row of each text's rows. Sums are fp32, whatever the encoder computes in."""
    if pooling == "cls":
        return rows[:, 0]
    kept = mask.to(torch.float32)
    if pooling == "lasttoken":
        # 1 for the last token alone: the one behind which nothing is kept.
        after = torch.cat([kept[:, 1:], torch.zeros_like(kept[:, :1])], dim=1)
        kept = kept - after
        return (rows * kept[:, :, None]).sum(dim=1)
    return (rows * kept[:, :, None]).sum(dim=1) / kept.sum(dim=1)[:, None]


def export(plan: Plan, path: Path) -> None:
    """Writes the graph, with the weights inside, whose texts and tokens can be any number."""
    encoder = load(plan, attn_implementation="eager")
    if plan.choices.precision == "fp16":
        encoder = encoder.half()
    example = torch.randint(5, 20, (2, 7))
    mask = torch.ones_like(example)
    mask[1, 5:] = 0
    arguments = {"input_ids": example, "attention_mask": mask,
                 "token_type_ids": torch.zeros_like(example)}
    texts = torch.export.Dim("texts", min=1, max=4096)
    tokens = torch.export.Dim("tokens", min=1, max=plan.tokens_max)
    try:
        with _quietly(), torch.no_grad():
            program = torch.onnx.export(
                Embedder(plan, encoder), (), kwargs={name: arguments[name] for name in plan.inputs},
                dynamic_shapes={name: {0: texts, 1: tokens} for name in plan.inputs},
                input_names=plan.inputs, output_names=[plan.output], opset_version=OPSET,
                verbose=False, external_data=False)
            assert program is not None
            # The exporter notes which line of which file on this machine a node came from.
            ClearMetadataAndDocStringPass()(program.model)
            # Before anything is in it: an engine is made of it, so nobody else may write it.
            path.touch(mode=0o600, exist_ok=False)
            program.save(path, external_data=False)
    except (RuntimeError, ValueError) as error:
        raise PrepareFailed(f"{plan.choices.model}: PyTorch {torch.__version__} cannot export it: "
                            f"{_first_cause(error)}") from None


@contextmanager
def _quietly() -> Iterator[None]:
    """The exporter warns of packages that it does not need."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _first_cause(error: BaseException) -> str:
    """PyTorch tells pages about what it was doing; what went wrong is the innermost of them."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().partition("\n")[0]


class Reference:
    """The model as PyTorch computes it: a text at a time, without padding, in fp32."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._model = load(plan)

    def vector(self, ids: list[int], types: list[int]) -> torch.Tensor:
        words: dict[str, Any] = {"input_ids": torch.tensor([ids])}
        if self._plan.token_types > 1:
            words["token_type_ids"] = torch.tensor([types])
        with torch.no_grad():
            encoded = self._model(**words)
        if self._plan.cross_encoder:
            logits: torch.Tensor = encoded.logits[0]
            return logits[:1]
        rows: torch.Tensor = encoded.last_hidden_state[0]
        if self._plan.pooling == "cls":
            return rows[0]
        return rows[-1] if self._plan.pooling == "lasttoken" else rows.mean(dim=0)
