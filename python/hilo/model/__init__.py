"""Models prepared for TensorRT: a PyTorch folder to an ONNX graph to an engine, and a manifest.

`hilo model prepare` runs this package; what it needs beside hilo comes with
`pip install 'hilo-engine[prepare]'`. See docs/GPU.md.
"""

from hilo.model.plan import Choices, Plan, PrepareFailed, Profile, profiles_of
from hilo.model.prepare import prepare

__all__ = ["Choices", "Plan", "PrepareFailed", "Profile", "prepare", "profiles_of"]
