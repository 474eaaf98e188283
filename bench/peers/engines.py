"""The engines under comparison, each as its users run it: from texts to normalised vectors.

Rivals tokenize with the fast batch call of Hugging Face `tokenizers`, pad each batch to its longest
text, and may sort a whole call's texts by length. Each has one instance for bulk work, set up for
throughput, and one for single texts, set up for latency; a process that serves one lane has one.
"""

import http.client
import json
import os
import queue
import threading
import urllib.parse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np


class Refused(Exception):
    """This machine or this version cannot run the engine; the message says why, in words."""


LANES = ("high", "low")


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


class Crew:
    """Threads that each take the next piece of work. A few pieces wait, so that none is idle."""

    def __init__(self, handlers: list[Callable]) -> None:
        self._waiting: queue.Queue = queue.Queue(2 * len(handlers))
        for handler in handlers:
            threading.Thread(target=self._work, args=[handler], daemon=True).start()

    def _work(self, handler: Callable) -> None:
        while True:
            handler(*self._waiting.get())
            self._waiting.task_done()

    def put(self, *work: object) -> None:
        self._waiting.put(work)

    def drain(self) -> None:
        self._waiting.join()


class TakesLists:
    """Of engines that are given whole lists of texts: two of them are under way at a time."""

    _tokenizer: object

    def _take_lists_by(self, encode: Callable[[list[str]], object]) -> None:
        def encode_and_count(texts: list[str], tokens: int, ready: Callable[[int], None]) -> None:
            encode(texts)
            ready(tokens)

        self._crew = Crew([encode_and_count] * 2)

    def feed(self, texts: list[str], batch: int, ready: Callable[[int], None]) -> None:
        for first in range(0, len(texts), batch):
            some = texts[first:first + batch]
            tokens = sum(len(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(some))
            self._crew.put(some, tokens, ready)

    def drain(self) -> None:
        self._crew.drain()


class HiloClient(TakesLists):
    """Of an engine that runs, as a Python program sees it."""

    batches_of_lot = (32,)  # Two lists of them are the 64 texts in flight.
    singles_max = 16

    def __init__(self, model: Path, socket: str, lane: str) -> None:
        import hilo
        import texts

        self._client = hilo.connect(socket, lane=lane)
        self._tokenizer = texts.tokenizer(model)
        self._take_lists_by(self._client.encode)

    def encode_one(self, text: str) -> np.ndarray:
        return self._client.encode(text)


class Rival:
    """What the rivals have in common: tokenizing, sorting, padding.

    Single texts may come from several threads at once, bulk ones from one.
    """

    batches: tuple[int | None, ...] = (1, 8, 16, 32, 64)
    batches_of_lot = (1, 8, 16)  # Larger ones would leave cores idle with 64 texts in flight.
    singles_max = 16
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


    def _start(self, ids: np.ndarray, mask: np.ndarray, keep: Callable) -> None:
        """Starts on a bulk batch, as soon as there is room; keep(vectors) is called when it is
        ready, in some thread."""
        raise NotImplementedError

    def drain(self) -> None:
        """Waits until everything that was started is ready."""
        raise NotImplementedError

    def encode(self, texts: list[str], by_length: bool, batch: int) -> np.ndarray:
        vectors = np.empty((len(texts), self.dims), np.float32)
        for which, ids, mask in self._batches(texts, by_length, batch):
            self._start(ids, mask, partial(vectors.__setitem__, which))
        self.drain()
        return vectors

    def feed(self, texts: list[str], batch: int, ready: Callable[[int], None]) -> None:
        """Starts on bulk texts and returns while the last of them are still under way, so that
        there is always work. ready(tokens) is called for each batch."""
        for _, ids, mask in self._batches(texts, True, batch):
            self._start(ids, mask, partial(_count, ready, int(mask.sum())))


def _count(ready: Callable[[int], None], tokens: int, vectors: np.ndarray) -> None:
    vectors.copy()  # As one who keeps them would.
    ready(tokens)


class OpenVino(Rival):
    """`hint` is the precision of what the model file does not pin to int8, `bulk_hint` that for
    bulk work where it is another."""

    def __init__(self, model: Path, file: Path, hint: str, bulk_hint: str | None = None,
                 lanes: tuple[str, ...] = LANES) -> None:
        import openvino

        super().__init__(model)
        core = openvino.Core()
        can_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if hint == "bf16" and not can_bf16:
            raise Refused("OpenVINO has no bf16 on this processor")
        if bulk_hint is None or not can_bf16:
            bulk_hint = hint
        threads = {"INFERENCE_NUM_THREADS": self._cores}
        if "low" in lanes:
            bulk = core.compile_model(file, "CPU", {
                **threads, "INFERENCE_PRECISION_HINT": bulk_hint,
                "PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": self._cores})
            self.dims = bulk.output(0).get_partial_shape()[1].get_length()
            self._bulk = openvino.AsyncInferQueue(bulk, 2 * self._cores)
            self._bulk.set_callback(
                lambda request, keep: keep(request.get_output_tensor(0).data))
        if "high" in lanes:
            self._single = core.compile_model(file, "CPU", {
                **threads, "INFERENCE_PRECISION_HINT": hint,
                "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1})
            self._requests = [self._single.create_infer_request()]

    def _start(self, ids: np.ndarray, mask: np.ndarray, keep: Callable) -> None:
        self._bulk.start_async([ids, mask], keep)

    def drain(self) -> None:
        self._bulk.wait_all()

    def encode_one(self, text: str) -> np.ndarray:
        inputs = list(self._inputs_of_one(text))
        try:
            request = self._requests.pop()
        except IndexError:  # All are in flight.
            request = self._single.create_infer_request()
        vector = request.infer(inputs)[0][0]
        self._requests.append(request)
        return vector


class OnnxRuntime(Rival):
    """Bulk work goes to one session of one thread per core, which is faster than one of all;
    `shared`: to the one session that single texts have."""

    def __init__(self, model: Path, file: Path, lanes: tuple[str, ...] = LANES,
                 shared: bool = False) -> None:
        import onnxruntime

        super().__init__(model)

        def session(threads: int) -> onnxruntime.InferenceSession:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            return onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])

        if "high" in lanes:
            self._single = session(self._cores)
        if "low" in lanes:
            bulk = [self._single] if shared else [session(1) for _ in range(self._cores)]
            self.dims = bulk[0].get_outputs()[0].shape[1]
            self._crew = Crew([partial(self._run_and_keep, one) for one in bulk])

    def _run_and_keep(self, session: object, ids: np.ndarray, mask: np.ndarray,
                      keep: Callable) -> None:
        keep(_run(session, ids, mask))

    def _start(self, ids: np.ndarray, mask: np.ndarray, keep: Callable) -> None:
        self._crew.put(ids, mask, keep)

    def drain(self) -> None:
        self._crew.drain()

    def encode_one(self, text: str) -> np.ndarray:
        return _run(self._single, *self._inputs_of_one(text))[0]


def _run(session: object, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


class EmbeddingServer(TakesLists, Rival):
    """A server with the OpenAI route for embeddings, on connections that are kept."""

    batches_of_lot = (32,)  # Two requests in flight are the 64 texts that the others have.
    singles_max = 64
    _url_path = "/embeddings"

    def __init__(self, model: Path, address: str) -> None:
        super().__init__(model)
        self._place = urllib.parse.urlsplit(address)
        self._connections = threading.local()
        self._take_lists_by(self._post)

    def _post(self, texts: list[str]) -> np.ndarray:
        if not hasattr(self._connections, "one"):
            self._connections.one = http.client.HTTPConnection(
                self._place.hostname, self._place.port, timeout=120)
        connection = self._connections.one
        body = json.dumps({"model": "model", "input": texts})
        headers = {"Content-Type": "application/json"}
        try:
            connection.request("POST", self._url_path, body, headers)
            answer = connection.getresponse()
        except (ConnectionError, http.client.HTTPException):
            # The server closed a connection that was idle for some seconds: open another.
            connection.close()
            connection.request("POST", self._url_path, body, headers)
            answer = connection.getresponse()
        words = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}: {words[:200]!r}")
        return np.array([row["embedding"] for row in json.loads(words)["data"]], np.float32)

    def encode_one(self, text: str) -> np.ndarray:
        return self._post([text])[0]


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

# What `./dev bench isolation` runs: name -> how to make it for these lanes of a process. OpenVINO
# is fastest with other hints for single texts than for bulk ones.
LANE_ENGINES = {
    "OpenVINO int8": lambda model, rivals, lanes: OpenVino(
        model, rivals / "openvino_int8.xml", "f32", "bf16", lanes),
    "ONNX Runtime int8": lambda model, rivals, lanes: OnnxRuntime(
        model, rivals / "fused_int8.onnx", lanes),
    "ONNX Runtime int8, one session": lambda model, rivals, lanes: OnnxRuntime(
        model, rivals / "fused_int8.onnx", lanes, shared=True),
}
