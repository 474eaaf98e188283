#!/usr/bin/env python3
"""Writes tests/golden/graphs: models of tests/golden/families as `hilo model prepare` exports them.

    python tools/golden_graphs.py

Needs hilo with its extra `prepare`; each manifest tells the versions. Tests that need no PyTorch
check these files, and tests/oracle/prepare_oracle_test.py that they are what is exported today.
"""

import pathlib
import sys
import tempfile

from hilo.model import Choices, manifest, prepare

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
# Each precision; vectors and scores; two inputs and three; mean and cls; MPNet's distances, and
# RoBERTa's positions, which count what is no padding.
PRECISION_OF = {"bert_cross_encoder": "fp16", "mpnet": "fp16", "roberta": "fp32"}


def main():
    for family, precision in PRECISION_OF.items():
        target = GOLDEN / "graphs" / family
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            prepared = pathlib.Path(folder)
            prepare(Choices(GOLDEN / "families" / family, prepared, precision, builder="none"))
            for name in ("model.onnx", manifest.NAME):
                (target / name).write_bytes((prepared / name).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
