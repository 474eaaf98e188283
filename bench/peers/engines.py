"""The engines under comparison, each as its users run it: from texts to normalised vectors.

Rivals tokenize with the fast batch call of Hugging Face `tokenizers`, pad each batch to its longest
text, and may sort a whole call's texts by length. Each has one instance for bulk work, set up for
throughput, and one for single texts, set up for latency.
"""

import os
import queue
import threading
from pathlib import Path

import numpy as np


class Refused(Exception):
    """This machine or this version cannot run the engine; the message says why, in words."""


class Hilo:
    """Through the Python package, as users call it. Packs tokens, so it has no batch to choose."""

    batches: tuple[int | None, ...] = (None,)

    def __init__(self, model: Path, precision: str) -> None:
        import hilo

        try:
            self._hilo = hilo.Hilo(model, precision=precision)
        except hilo.StartFailed as refusal:
            raise Refused(str(refusal)) from None

    def encode(self, texts: list[str], by_length: bool, batch: int | None) -> np.ndarray:
        if not by_length:
            return self._hilo.encode(texts, lane="low")
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
        vectors = self._hilo.encode([texts[i] for i in order], lane="low")
        unsorted = np.empty_like(vectors)
        unsorted[order] = vectors
        return unsorted

    def encode_one(self, text: str) -> np.ndarray:
        return self._hilo.encode(text, lane="high")


class Rival:
    """What the rivals have in common: tokenizing, sorting, padding."""

    batches: tuple[int | None, ...] = (1, 8, 16, 32, 64)
    dims: int

    def __init__(self, model: Path) -> None:
        import texts

        self._tokenizer = texts.tokenizer(model)
        self._cores = len(os.sched_getaffinity(0))

    def _batches(self, texts: list[str], by_length: bool, batch: int):
        """(which texts, their ids, their mask), one batch after the other."""
        ids_of = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]
        order = list(range(len(texts)))
        if by_length:
            order.sort(key=lambda i: len(ids_of[i]), reverse=True)
        for first in range(0, len(order), batch):
            which = order[first:first + batch]
            ids = np.zeros((len(which), max(len(ids_of[i]) for i in which)), np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(which):
                ids[row, :len(ids_of[i])] = ids_of[i]
                mask[row, :len(ids_of[i])] = 1
            yield which, ids, mask

    def _inputs_of_one(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        ids = np.array([self._tokenizer.encode(text).ids], np.int64)
        return ids, np.ones_like(ids)


class OpenVino(Rival):
    """`hint` is the precision of what the model file does not pin to int8."""

    def __init__(self, model: Path, file: Path, hint: str) -> None:
        import openvino

        super().__init__(model)
        core = openvino.Core()
        if hint == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise Refused("OpenVINO has no bf16 on this processor")
        settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": self._cores}
        bulk = core.compile_model(file, "CPU", {
            **settings, "PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": self._cores})
        self.dims = bulk.output(0).get_partial_shape()[1].get_length()
        self._bulk = openvino.AsyncInferQueue(bulk, 2 * self._cores)
        self._bulk.set_callback(self._keep)
        self._single = core.compile_model(file, "CPU", {
            **settings, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}).create_infer_request()

    def _keep(self, request: object, where: tuple[np.ndarray, list[int]]) -> None:
        vectors, which = where
        vectors[which] = request.get_output_tensor(0).data

    def encode(self, texts: list[str], by_length: bool, batch: int) -> np.ndarray:
        vectors = np.empty((len(texts), self.dims), np.float32)
        for which, ids, mask in self._batches(texts, by_length, batch):
            self._bulk.start_async([ids, mask], (vectors, which))
        self._bulk.wait_all()
        return vectors

    def encode_one(self, text: str) -> np.ndarray:
        return self._single.infer(list(self._inputs_of_one(text)))[0][0]


class OnnxRuntime(Rival):
    """Bulk work goes to one session of one thread per core, which is faster than one of all."""

    def __init__(self, model: Path, file: Path) -> None:
        import onnxruntime

        super().__init__(model)

        def session(threads: int) -> onnxruntime.InferenceSession:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            return onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])

        self._bulk = [session(1) for _ in range(self._cores)]
        self._single = session(self._cores)
        self.dims = self._single.get_outputs()[0].shape[1]

    def encode(self, texts: list[str], by_length: bool, batch: int) -> np.ndarray:
        vectors = np.empty((len(texts), self.dims), np.float32)
        waiting: queue.SimpleQueue = queue.SimpleQueue()

        def work(session: object) -> None:
            while (one := waiting.get()) is not None:
                which, ids, mask = one
                vectors[which] = _run(session, ids, mask)

        workers = [threading.Thread(target=work, args=[session]) for session in self._bulk]
        for worker in workers:
            worker.start()
        for one in self._batches(texts, by_length, batch):
            waiting.put(one)
        for _ in workers:
            waiting.put(None)
        for worker in workers:
            worker.join()
        return vectors

    def encode_one(self, text: str) -> np.ndarray:
        return _run(self._single, *self._inputs_of_one(text))[0]


def _run(session: object, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


# name -> (precision it is compared at, how to make it from the model and the rivals' folder)
ENGINES = {
    "hilo fp32": ("fp32", lambda model, _: Hilo(model, "fp32")),
    "OpenVINO fp32": ("fp32", lambda model, rivals: OpenVino(
        model, rivals / "openvino_fp32.xml", "f32")),
    "ONNX Runtime fp32": ("fp32", lambda model, rivals: OnnxRuntime(
        model, rivals / "fused_fp32.onnx")),
    "hilo bf16": ("bf16", lambda model, _: Hilo(model, "bf16")),
    "OpenVINO bf16": ("bf16", lambda model, rivals: OpenVino(
        model, rivals / "openvino_fp32.xml", "bf16")),
    "hilo int8": ("int8", lambda model, _: Hilo(model, "int8")),
    "OpenVINO int8": ("int8", lambda model, rivals: OpenVino(
        model, rivals / "openvino_int8.xml", "f32")),
    "OpenVINO int8, rest bf16": ("int8", lambda model, rivals: OpenVino(
        model, rivals / "openvino_int8.xml", "bf16")),
    "ONNX Runtime int8": ("int8", lambda model, rivals: OnnxRuntime(
        model, rivals / "fused_int8.onnx")),
}
