"""Makes the rivals' models from a Hugging Face folder, once for each model and set of versions."""

import hashlib
import sys
from importlib.metadata import version
from pathlib import Path

import graphs
import numpy as np
import texts

MADE_BY = ("graphs.py", "prepare.py", "texts.py")
LIBRARIES = ("nncf", "onnx", "onnxruntime", "openvino")
CALIBRATION_TEXTS = 300


def fingerprint(model: Path, corpus: Path) -> str:
    """Of all that the prepared models depend on."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in [model / "model.safetensors", corpus, *(here / name for name in MADE_BY)]:
        digest.update(path.read_bytes())
    digest.update(" ".join(version(library) for library in LIBRARIES).encode())
    return digest.hexdigest()[:12]


def prepared(model: Path, corpus: Path, build: Path) -> Path:
    """The folder with the rivals' models. One that is complete has its final name."""
    folder = build / f"models-{fingerprint(model, corpus)}"
    if folder.exists():
        return folder
    print(f"preparing the rivals' models in {folder}, once: about a minute and 230 MB",
          file=sys.stderr)
    unfinished = folder.with_suffix(".unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    prepare_onnxruntime(model, unfinished)
    prepare_openvino(model, corpus, unfinished)
    unfinished.rename(folder)
    return folder


def prepare_onnxruntime(model: Path, folder: Path) -> None:
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graphs.write_fused(model, folder / "fused_fp32.onnx")
    # The quantizer cannot infer the types of what the fused operators give.
    options = {"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT}
    quantize_dynamic(folder / "fused_fp32.onnx", folder / "fused_int8.onnx", per_channel=True,
                     weight_type=QuantType.QInt8, extra_options=options)


def prepare_openvino(model: Path, corpus: Path, folder: Path) -> None:
    import nncf
    import openvino

    graphs.write_plain(model, folder / "plain.onnx")
    fp32 = openvino.convert_model(folder / "plain.onnx")
    openvino.save_model(fp32, folder / "openvino_fp32.xml", compress_to_fp16=False)
    (folder / "plain.onnx").unlink()
    tokenizer = texts.tokenizer(model)

    def inputs(text: str) -> dict[str, np.ndarray]:
        ids = np.array([tokenizer.encode(text).ids])
        return {"input_ids": ids, "attention_mask": np.ones_like(ids)}

    examples = nncf.Dataset(texts.for_calibration(corpus, CALIBRATION_TEXTS), inputs)
    int8 = nncf.quantize(fp32, examples, model_type=nncf.ModelType.TRANSFORMER,
                         preset=nncf.QuantizationPreset.MIXED, subset_size=CALIBRATION_TEXTS)
    openvino.save_model(int8, folder / "openvino_int8.xml")
