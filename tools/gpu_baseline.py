#!/usr/bin/env python3
"""What PyTorch reaches on the same GPU with the same shape: MiniLM in bf16 with scaled dot-product
attention, mean pooling and normalising, on texts of one length. Figures as JSON.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import transformers

TOKENS_PER_BATCH = 16384
SECONDS = 0.5


def encoder() -> torch.nn.Module:
    config = transformers.BertConfig(
        vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
        intermediate_size=1536, max_position_embeddings=512, attn_implementation="sdpa")
    return transformers.BertModel(config, add_pooling_layer=False).eval().to("cuda", torch.bfloat16)


@torch.inference_mode()
def vectors(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    rows = model(input_ids=ids).last_hidden_state.float()
    return torch.nn.functional.normalize(rows.mean(dim=1), dim=1)


def seconds_of_one(model: torch.nn.Module, texts: int, tokens: int) -> float:
    ids = torch.randint(0, 30522, (texts, tokens), device="cuda")
    for _ in range(5):
        vectors(model, ids)
    torch.cuda.synchronize()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        for _ in range(5):
            vectors(model, ids)
        torch.cuda.synchronize()
        count += 5
    return (time.perf_counter() - began) / count


def rows_of(how: str, model: torch.nn.Module, lengths: list[int]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for tokens in lengths:
        for texts in (1, TOKENS_PER_BATCH // tokens):
            seconds = seconds_of_one(model, texts, tokens)
            rows.append({"how": how, "tokens": tokens, "texts": texts, "us": 1e6 * seconds,
                         "tokens_per_second": tokens * texts / seconds})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    model = encoder()
    figures = {"torch": torch.__version__, "rows": rows_of("eager", model, [16, 32, 128, 256, 512])}
    arguments.json.write_text(json.dumps(figures))
    figures["rows"] += rows_of("compiled", torch.compile(model), [32, 128])
    arguments.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
