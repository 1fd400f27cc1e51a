"""What runs a model: OpenVINO or ONNX Runtime, and why one of them doesn't work here."""

from __future__ import annotations

import importlib.util
import math
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

import numpy as np

from veilleur.errors import ModelUnusable
from veilleur.geometry import FloatArray, ImageArray
from veilleur.perception.adapters import Outputs
from veilleur.perception.models import ModelConfiguration, verified


class Precision(StrEnum):
    """The arithmetic of a model's convolutions."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


class Session(Protocol):
    """A model, loaded. `run` may be called from several threads at once and releases the GIL."""

    def run(self, tensor: ImageArray | FloatArray) -> Outputs:
        """The outputs by name. They are valid until this thread calls again."""
        ...


@dataclass(frozen=True, slots=True)
class Loading:
    """What to load: height and width of the input in pixels; streams: inferences at once, each
    on `threads` threads."""

    model: ModelConfiguration
    precision: Precision
    height: int
    width: int
    streams: int
    threads: int = 1

    def file(self) -> Path:
        """The weights for this precision, verified."""
        if self.precision is not Precision.INT8:
            return verified(self.model.file, self.model.sha256)
        if self.model.int8_file is None:
            raise ModelUnusable(
                f"{self.model.name} has no int8 weights",
                remedy="choose fp32 or bf16, or give int8_file",
                model=self.model.name,
            )
        return verified(self.model.int8_file, self.model.int8_sha256)


@dataclass(frozen=True, slots=True)
class Backend:
    """A way to run models. `obstacle`: None where it works, else the reason, shown to users."""

    name: str
    extra: str
    precisions: Callable[[], tuple[Precision, ...]]
    obstacle: Callable[[], str | None]
    load: Callable[[Loading], Session]


CGROUP = Path("/sys/fs/cgroup")
"""Where a container sees its own limits (cgroup v2)."""


def quota_cores(folder: Path = CGROUP) -> float | None:
    """Seconds of processor time a second that a container may take; None: without a limit."""
    try:
        allowed, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        return None if allowed == "max" else int(allowed) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def cores(folder: Path = CGROUP) -> int:
    """Cores this process may use: its affinity, and no more than a container's quota pays for."""
    own = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        own = len(os.sched_getaffinity(0))
    quota = quota_cores(folder)
    return own if quota is None else max(1, min(own, math.ceil(quota)))


# OpenVINO ---------------------------------------------------------------------------------------


TELEMETRY = "openvino_telemetry"


def openvino() -> Any:
    """The module, imported without its telemetry client.

    OpenVINO's converter, which we never use, imports that client as soon as `openvino` is
    imported; where it is not installed OpenVINO uses a stand-in of its own. A None in
    sys.modules makes it "not installed" for this process.
    """
    sys.modules.setdefault(TELEMETRY, cast(ModuleType, None))
    import openvino as module

    return module


def _openvino_obstacle() -> str | None:
    if importlib.util.find_spec("openvino") is None:
        return "the package openvino is not installed: pip install openvino"
    return None


def _openvino_precisions() -> tuple[Precision, ...]:
    """bf16 only where the processor has instructions for it: elsewhere it is made up from fp32."""
    offered = openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    named = ((Precision.BF16, "BF16"), (Precision.INT8, "INT8"))
    return (Precision.FP32, *(precision for precision, word in named if word in offered))


class OpenVinoSession:
    """One compiled model; one request per calling thread; threads are not pinned to cores.

    Pinning is off because it starves decoders that share the cores.
    """

    def __init__(self, loading: Loading) -> None:
        ov = openvino()
        core = ov.Core()
        try:
            model = core.read_model(loading.file())
            _fix_shapes(ov, model, loading)
            self._compiled = core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": (
                        "bf16" if loading.precision is Precision.BF16 else "f32"
                    ),
                    "NUM_STREAMS": str(loading.streams),
                    "INFERENCE_NUM_THREADS": str(loading.streams * loading.threads),
                    "ENABLE_CPU_PINNING": "NO",
                    "PERFORMANCE_HINT": "LATENCY",
                },
            )
        except RuntimeError as error:
            raise _unusable("OpenVINO can't load", loading, error) from error
        self._names = [output_name(port) for port in self._compiled.outputs]
        self._sizes = np.array([[loading.width, loading.height]], np.int64)
        self._tensor = ov.Tensor
        self._local = threading.local()

    def run(self, tensor: ImageArray | FloatArray) -> Outputs:
        """`infer` of OpenVINO's Python interface would copy all outputs; this copies nothing."""
        request = self._request()
        lent = np.require(tensor, requirements=("C", "W"))  # OpenVINO takes no other
        request.set_input_tensor(0, self._tensor(lent, shared_memory=True))
        request.start_async()
        request.wait()
        return {
            name: request.get_output_tensor(index).data for index, name in enumerate(self._names)
        }

    def _request(self) -> Any:
        """This thread's own."""
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
            if len(self._compiled.inputs) > 1:
                request.set_input_tensor(1, self._tensor(self._sizes, shared_memory=True))
        return request


def output_name(port: Any) -> str:
    """The ONNX name of an output; converted models may have several, the shortest is shown."""
    return str(min(port.get_names(), key=lambda name: (len(name), name), default="output"))


def _fix_shapes(ov: Any, model: Any, loading: Loading) -> None:
    """A fixed input shape lets OpenVINO plan its memory once."""
    height, width = loading.height, loading.width
    planes = loading.model.layout == "planes"
    shapes = [ov.PartialShape([1, 3, height, width] if planes else [1, height, width, 3])]
    shapes += [ov.PartialShape([1, 2])]
    model.reshape({port: shape for port, shape in zip(model.inputs, shapes, strict=False)})


def _unusable(what: str, loading: Loading, error: Exception) -> ModelUnusable:
    reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
    return ModelUnusable(
        f"{what} {loading.model.file.name} at {loading.height}x{loading.width} "
        f"in {loading.precision}: {reason}",
        remedy="check file, layout and size in the model's configuration",
        model=loading.model.name,
    )


# ONNX Runtime -----------------------------------------------------------------------------------


def _provider_obstacle(provider: str, package: str) -> Callable[[], str | None]:
    def obstacle() -> str | None:
        if importlib.util.find_spec("onnxruntime") is None:
            return f"the package onnxruntime is not installed: pip install {package}"
        import onnxruntime

        if provider not in onnxruntime.get_available_providers():
            return (
                f"this onnxruntime was built without {provider}: "
                f"install {package} in its place, on a machine with an NVIDIA GPU"
            )
        return None

    return obstacle


class OnnxRuntimeSession:
    """One session, used by every calling thread; one inference per calling thread."""

    def __init__(self, loading: Loading, provider: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = loading.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(loading.file()), options, providers=[provider]
            )
        except _onnxruntime_errors() as error:
            raise _unusable("ONNX Runtime can't load", loading, error) from error
        if provider not in self._session.get_providers():
            raise ModelUnusable(
                f"ONNX Runtime could not start {provider}: its libraries are missing here",
                remedy="install the CUDA, cuDNN or TensorRT libraries that onnxruntime-gpu names",
                model=loading.model.name,
            )
        self._inputs = [port.name for port in self._session.get_inputs()]
        self._outputs = [port.name for port in self._session.get_outputs()]
        self._sizes = np.array([[loading.width, loading.height]], np.int64)
        self._loading, self._errors = loading, _onnxruntime_errors()

    def run(self, tensor: ImageArray | FloatArray) -> Outputs:
        feed = dict(zip(self._inputs, (tensor, self._sizes), strict=False))
        try:
            arrays = self._session.run(self._outputs, feed)
        except self._errors as error:
            raise _unusable("ONNX Runtime can't run", self._loading, error) from error
        return dict(zip(self._outputs, arrays, strict=True))


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    )


def _onnxruntime(name: str, provider: str, package: str, *precisions: Precision) -> Backend:
    return Backend(
        name=name,
        extra=package,
        precisions=lambda: precisions,
        obstacle=_provider_obstacle(provider, package),
        load=lambda loading: OnnxRuntimeSession(loading, provider),
    )


BACKENDS: tuple[Backend, ...] = (
    Backend("openvino", "openvino", _openvino_precisions, _openvino_obstacle, OpenVinoSession),
    _onnxruntime(
        "onnxruntime", "CPUExecutionProvider", "onnxruntime", Precision.FP32, Precision.INT8
    ),
    _onnxruntime("onnxruntime-cuda", "CUDAExecutionProvider", "onnxruntime-gpu", Precision.FP32),
    _onnxruntime(
        "onnxruntime-tensorrt", "TensorrtExecutionProvider", "onnxruntime-gpu", Precision.FP32
    ),
)


@dataclass(frozen=True, slots=True)
class Usable:
    """The back ends that work here, and for each other one the reason why it doesn't."""

    backends: tuple[Backend, ...]
    reasons: Mapping[str, str]


def usable(backends: Sequence[Backend] = BACKENDS) -> Usable:
    """Ask each back end whether it works here."""
    reasons = {b.name: why for b in backends if (why := b.obstacle())}
    return Usable(tuple(b for b in backends if b.name not in reasons), reasons)


def backend(name: str, backends: Sequence[Backend] = BACKENDS) -> Backend:
    """The back end of that name, usable here. Raises ModelUnusable saying why not."""
    found = next((b for b in backends if b.name == name), None)
    if found is None:
        known = ", ".join(b.name for b in backends)
        raise ModelUnusable(f"no back end is called {name!r}", remedy=f"one of: {known}")
    if why := found.obstacle():
        raise ModelUnusable(f"back end {name} doesn't work here: {why}", remedy="choose another")
    return found
