"""What an ONNX graph says about itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import onnx

from hilo.model.plan import PrepareFailed


def facts_of(graph: Path) -> dict[str, Any]:
    try:
        model = onnx.load(str(graph))
    except Exception as error:  # protobuf has an exception of its own in each version.
        raise PrepareFailed(f"{graph}: is no ONNX graph: {error}") from None
    weights = {tensor.name for tensor in model.graph.initializer}

    def described(values: Any) -> list[dict[str, Any]]:
        return [{
            "name": value.name,
            "type": onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower(),
            "shape": [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim],
        } for value in values if value.name not in weights]

    return {
        "opset": {entry.domain or "ai.onnx": entry.version for entry in model.opset_import},
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "inputs": described(model.graph.input),
        "outputs": described(model.graph.output),
        "operators": dict(sorted(Counter(node.op_type for node in model.graph.node).items())),
    }
