#!/usr/bin/env python3
"""Makes a complete, tiny BERT model with random weights; its vectors mean nothing.

    python tools/make_tiny_model.py DIR [--seed 1] [--layers 2] [--hidden 32] [--heads 4]

For tests, and for trying hilo without fetching a model. Needs numpy alone.
"""

import argparse
import json
import pathlib
import string
import struct
import sys

import numpy

POSITIONS = 128
TOKENS_MAX = 64
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [
    "the",
    "a",
    "of",
    "to",
    "and",
    "search",
    "image",
    "photo",
    "resize",
    "command",
    "line",
    "hello",
    "world",
]


def vocabulary():
    """Every ASCII letter, digit and sign, also as continuations: no short ASCII word is unknown."""
    letters = list(string.ascii_lowercase + string.digits)
    return (
        SPECIAL + list(string.punctuation) + letters + ["##" + letter for letter in letters] + WORDS
    )


def tensor_shapes(words, hidden, layers, intermediate):
    shapes = {
        "embeddings.word_embeddings.weight": (words, hidden),
        "embeddings.position_embeddings.weight": (POSITIONS, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
    }

    def add(name, rows, columns=None):
        shapes[name + ".weight"] = (rows,) if columns is None else (rows, columns)
        shapes[name + ".bias"] = (rows,)

    add("embeddings.LayerNorm", hidden)
    for index in range(layers):
        layer = f"encoder.layer.{index}."
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            add(layer + "attention." + part, hidden, hidden)
        add(layer + "attention.output.LayerNorm", hidden)
        add(layer + "intermediate.dense", intermediate, hidden)
        add(layer + "output.dense", hidden, intermediate)
        add(layer + "output.LayerNorm", hidden)
    return shapes


def random_tensor(random, name, shape):
    center = 1.0 if name.endswith("LayerNorm.weight") else 0.0
    return random.normal(center, 0.05, shape).astype("<f4")


def write_safetensors(path, tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": tensor.shape,
            "data_offsets": (offset, offset + tensor.nbytes),
        }
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors are aligned
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


def write_model(directory, seed, layers, hidden, heads):
    words = vocabulary()
    random = numpy.random.default_rng(seed)
    shapes = tensor_shapes(len(words), hidden, layers, 4 * hidden)
    module = "sentence_transformers.models."
    files = {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": 4 * hidden,
            "vocab_size": len(words),
            "max_position_embeddings": POSITIONS,
            "type_vocab_size": 2,
            "layer_norm_eps": 1e-12,
            "pad_token_id": 0,
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": module + "Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": module + "Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": module + "Normalize"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": hidden,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
        },
        "sentence_bert_config.json": {"max_seq_length": TOKENS_MAX, "do_lower_case": False},
        "tokenizer_config.json": {
            "do_lower_case": True,
            "model_max_length": POSITIONS,
            "tokenizer_class": "BertTokenizer",
        },
    }
    (directory / "1_Pooling").mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (directory / name).write_text(json.dumps(value, indent=2) + "\n")
    (directory / "vocab.txt").write_text("\n".join(words) + "\n")
    write_safetensors(
        directory / "model.safetensors",
        {name: random_tensor(random, name, shape) for name, shape in shapes.items()},
    )
    return sum(int(numpy.prod(shape)) for shape in shapes.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--heads", type=int, default=4)
    arguments = parser.parse_args()
    if arguments.hidden % arguments.heads != 0:
        parser.error("--heads must divide --hidden")
    parameters = write_model(
        arguments.directory, arguments.seed, arguments.layers, arguments.hidden, arguments.heads
    )
    print(f"{arguments.directory}: {parameters} parameters, vectors of {arguments.hidden} numbers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
