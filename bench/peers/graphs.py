"""BERT as the rivals want it: ONNX graphs of token ids to normalised vectors, from the weights.

They hold what the usual export of a sentence-transformers model holds, pooling included. The graph
of ONNX Runtime uses its own fused operators, as its optimizer for transformers would write them.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

MICROSOFT = "com.microsoft"
INPUTS = ("input_ids", "attention_mask")


class Graph:
    """Nodes and constants so far. Every operator's output gets a name of its own."""

    def __init__(self, model: Path) -> None:
        self.config = json.loads((model / "config.json").read_text())
        if self.config["model_type"] != "bert":
            raise SystemExit(f"{model} is a {self.config['model_type']} model: the rivals' graphs "
                             "are written for BERT only")
        self.weights = {name.removeprefix("bert."): values
                        for name, values in load_file(model / "model.safetensors").items()}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def matrix(self, name: str) -> str:
        return self.constant(name, self.weights[name].T)

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> str:
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=names[0], **attributes))
        return names[0]

    def pool(self, hidden: str) -> str:
        """Mean of the tokens that are no padding, of length 1."""
        mask = self.add("Cast", "attention_mask", to=TensorProto.FLOAT)
        tokens_axis = self.constant("tokens_axis", np.array([1]))
        column = self.add("Unsqueeze", mask, self.constant("last_axis", np.array([2])))
        total = self.add("ReduceSum", self.add("Mul", hidden, column), tokens_axis, keepdims=0)
        mean = self.add("Div", total, self.add("ReduceSum", mask, tokens_axis, keepdims=1))
        return self.add("Div", mean, self.add("ReduceL2", mean, axes=[-1], keepdims=1))

    def save(self, output: str, path: Path) -> None:
        self.nodes.append(helper.make_node("Identity", [output], ["vectors"]))
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
                  for name in INPUTS]
        vectors = helper.make_tensor_value_info(
            "vectors", TensorProto.FLOAT, ["texts", self.config["hidden_size"]])
        graph = helper.make_graph(self.nodes, "bert", inputs, [vectors],
                                  list(self.constants.values()))
        versions = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=9), path)


def layers(graph: Graph) -> list[str]:
    return [f"encoder.layer.{i}." for i in range(graph.config["num_hidden_layers"])]


def write_plain(model: Path, path: Path) -> None:
    """Standard operators only; OpenVINO finds what to fuse."""
    graph = Graph(model)
    hidden, heads = graph.config["hidden_size"], graph.config["num_attention_heads"]
    epsilon = graph.config["layer_norm_eps"]
    split = graph.constant("split", np.array([0, 0, heads, hidden // heads]))
    joined = graph.constant("joined", np.array([0, 0, hidden]))
    scale = graph.constant("scale", np.float32((hidden // heads) ** 0.5))

    def linear(x: str, name: str) -> str:
        return graph.add("Add", graph.add("MatMul", x, graph.matrix(name + ".weight")),
                         graph.weight(name + ".bias"))

    def norm(x: str, name: str) -> str:
        return graph.add("LayerNormalization", x, graph.weight(name + ".weight"),
                         graph.weight(name + ".bias"), axis=-1, epsilon=epsilon)

    def by_head(x: str, axes: list[int]) -> str:
        return graph.add("Transpose", graph.add("Reshape", x, split), perm=axes)

    def attend(x: str, layer: str, bias: str) -> str:
        query, key, value = (linear(x, f"{layer}attention.self.{part}")
                             for part in ("query", "key", "value"))
        scores = graph.add("MatMul", by_head(query, [0, 2, 1, 3]), by_head(key, [0, 2, 3, 1]))
        scores = graph.add("Add", graph.add("Div", scores, scale), bias)
        mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1),
                          by_head(value, [0, 2, 1, 3]))
        return graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), joined)

    def gelu(x: str) -> str:
        one, half = (graph.constant(str(value), np.float32(value)) for value in (1, 0.5))
        root = graph.constant("root", np.float32(2 ** 0.5))
        bell = graph.add("Add", graph.add("Erf", graph.add("Div", x, root)), one)
        return graph.add("Mul", graph.add("Mul", x, bell), half)

    x = norm(embeddings(graph), "embeddings.LayerNorm")
    bias = attention_bias(graph)
    for layer in layers(graph):
        attended = linear(attend(x, layer, bias), layer + "attention.output.dense")
        x = norm(graph.add("Add", attended, x), layer + "attention.output.LayerNorm")
        wide = gelu(linear(x, layer + "intermediate.dense"))
        x = norm(graph.add("Add", linear(wide, layer + "output.dense"), x),
                 layer + "output.LayerNorm")
    graph.save(graph.pool(x), path)


def embeddings(graph: Graph) -> str:
    """Words and positions. Every token is of type 0, so that row is a constant."""
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    token_type = graph.constant(
        "token_type", graph.weights["embeddings.token_type_embeddings.weight"][0])
    length = graph.add("Shape", "input_ids", start=1, end=2)
    positions = graph.add("Slice", graph.weight("embeddings.position_embeddings.weight"),
                          graph.constant("first", np.array([0])), length)
    return graph.add("Add", graph.add("Add", words, token_type), positions)


def attention_bias(graph: Graph) -> str:
    """0 where there is a token, and so little where there is padding that its weight becomes 0."""
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = graph.add("Unsqueeze", mask, graph.constant("middle_axes", np.array([1, 2])))
    padding = graph.add("Sub", graph.constant("token", np.float32(1)), mask)
    return graph.add("Mul", padding, graph.constant("little", np.float32(-10000)))


def write_fused(model: Path, path: Path) -> None:
    """With the fused operators of ONNX Runtime."""
    graph = Graph(model)
    heads, epsilon = graph.config["num_attention_heads"], graph.config["layer_norm_eps"]

    def joined(layer: str, kind: str, axis: int) -> str:
        parts = [graph.weights[f"{layer}attention.self.{part}.{kind}"].T
                 for part in ("query", "key", "value")]
        return graph.constant(f"{layer}attention.{kind}", np.concatenate(parts, axis))

    def add_and_norm(x: str, dense: str, residual: str, norm: str) -> str:
        product = graph.add("MatMul", x, graph.matrix(dense + ".weight"))
        return graph.add("SkipLayerNormalization", product, residual,
                         graph.weight(norm + ".weight"), graph.weight(norm + ".bias"),
                         graph.weight(dense + ".bias"), domain=MICROSOFT, epsilon=epsilon)

    ids = graph.add("Cast", "input_ids", to=TensorProto.INT32)
    mask = graph.add("Cast", "attention_mask", to=TensorProto.INT32)
    tables = [graph.weight(f"embeddings.{table}.weight")
              for table in ("word_embeddings", "position_embeddings", "token_type_embeddings",
                            "LayerNorm")]
    x = graph.add("EmbedLayerNormalization", ids, graph.add("Sub", ids, ids), *tables,
                  graph.weight("embeddings.LayerNorm.bias"), outputs=2, domain=MICROSOFT,
                  epsilon=epsilon)
    for layer in layers(graph):
        attended = graph.add("Attention", x, joined(layer, "weight", 1), joined(layer, "bias", 0),
                             mask, domain=MICROSOFT, num_heads=heads)
        x = add_and_norm(attended, layer + "attention.output.dense", x,
                         layer + "attention.output.LayerNorm")
        wide = graph.add("MatMul", x, graph.matrix(layer + "intermediate.dense.weight"))
        wide = graph.add("BiasGelu", wide, graph.weight(layer + "intermediate.dense.bias"),
                         domain=MICROSOFT)
        x = add_and_norm(wide, layer + "output.dense", x, layer + "output.LayerNorm")
    graph.save(graph.pool(x), path)
