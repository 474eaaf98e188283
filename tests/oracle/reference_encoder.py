"""A BERT sentence encoder in plain numpy float64, straight from model.safetensors: the definition
that hilo's backends are held to where no oracle is installed. Written to be read, not to be fast.

    encoder = ReferenceEncoder(model_directory)
    vectors = encoder.encode_ids([[101, 7592, 102], ...])      # float64 [n, dims]
"""

import json
import math
import pathlib
import struct

import numpy

_erf = numpy.vectorize(math.erf, otypes=[numpy.float64])


def read_safetensors(path):
    """All tensors of a file, by name, as float64. Only for files that are trusted."""
    content = pathlib.Path(path).read_bytes()
    (header_bytes,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + header_bytes])
    header.pop("__metadata__", None)
    types = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8"}
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + header_bytes + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            bits = numpy.frombuffer(content[begin:end], dtype="<u2").astype("<u4") << 16
            values = bits.view("<f4")
        else:
            values = numpy.frombuffer(content[begin:end], dtype=types[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).astype(numpy.float64)
    return tensors


def gelu(x):
    return 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0)))


def softmax(x):
    exponentials = numpy.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


class ReferenceEncoder:
    def __init__(self, model_directory):
        directory = pathlib.Path(model_directory)
        config = json.loads((directory / "config.json").read_text())
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.epsilon = config.get("layer_norm_eps", 1e-12)
        self.tensors = {
            name.removeprefix("bert."): tensor
            for name, tensor in read_safetensors(directory / "model.safetensors").items()
        }
        self.pool_cls, self.normalize = False, False
        if (directory / "modules.json").exists():
            modules = json.loads((directory / "modules.json").read_text())
            self.normalize = any(module["type"].endswith(".Normalize") for module in modules)
            pooling = json.loads((directory / "1_Pooling" / "config.json").read_text())
            self.pool_cls = "cls" in (
                pooling.get("pooling_mode"),
                "cls" if pooling.get("pooling_mode_cls_token") else "mean",
            )

    def linear(self, x, name):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def layer_norm(self, x, name):
        centered = x - x.mean(axis=-1, keepdims=True)
        variance = (centered * centered).mean(axis=-1, keepdims=True)
        normal = centered / numpy.sqrt(variance + self.epsilon)
        return normal * self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def attention(self, x, layer):
        tokens, hidden = x.shape

        def by_head(part):
            rows = self.linear(x, f"{layer}.attention.self.{part}")
            return rows.reshape(tokens, self.heads, -1).swapaxes(0, 1)

        query, key, value = by_head("query"), by_head("key"), by_head("value")
        weights = softmax(query @ key.swapaxes(1, 2) / math.sqrt(hidden / self.heads))
        return (weights @ value).swapaxes(0, 1).reshape(tokens, hidden)

    def hidden_states(self, ids, types=None):
        """The encoder's last layer for one text: [tokens, hidden]."""
        ids = numpy.asarray(ids)
        types = numpy.zeros_like(ids) if types is None else numpy.asarray(types)
        x = (
            self.tensors["embeddings.word_embeddings.weight"][ids]
            + self.tensors["embeddings.position_embeddings.weight"][: len(ids)]
            + self.tensors["embeddings.token_type_embeddings.weight"][types]
        )
        x = self.layer_norm(x, "embeddings.LayerNorm")
        for index in range(self.layers):
            layer = f"encoder.layer.{index}"
            attended = self.linear(self.attention(x, layer), f"{layer}.attention.output.dense")
            x = self.layer_norm(x + attended, f"{layer}.attention.output.LayerNorm")
            widened = gelu(self.linear(x, f"{layer}.intermediate.dense"))
            narrowed = self.linear(widened, f"{layer}.output.dense")
            x = self.layer_norm(x + narrowed, f"{layer}.output.LayerNorm")
        return x

    def vector(self, ids, types=None):
        """One text's vector: [hidden]."""
        states = self.hidden_states(ids, types)
        pooled = states[0] if self.pool_cls else states.mean(axis=0)
        if self.normalize:
            pooled = pooled / max(numpy.linalg.norm(pooled), 1e-12)
        return pooled

    def encode_ids(self, texts):
        return numpy.stack([self.vector(ids) for ids in texts])
