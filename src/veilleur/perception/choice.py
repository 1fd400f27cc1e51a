"""The fastest way to run the detector on this machine whose boxes agree with float32.

At the first start every usable back end and precision is loaded, checked on reference pictures and
timed; then the thread layouts of the winner. What was found is kept in the user's cache folder and
used again until the processor, the libraries or the weights change. An explicit choice wins over
everything and measures nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ValidationError

from veilleur.errors import ModelUnusable
from veilleur.geometry import ImageArray
from veilleur.perception.backends import BACKENDS, Backend, Precision, cores, usable
from veilleur.perception.detector import Detector
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.models import NANODET, ModelConfiguration, input_size
from veilleur.perception.reference import agreement, reference_pictures

LEAST_AGREEMENT = 0.98
CLEARLY = 0.95
"""A later candidate must take at most this share of an earlier one's time to be preferred."""
ROUNDS = 9
LAYOUT = 1
"""Version of the cache file."""


class Origin(StrEnum):
    """Where a choice comes from."""

    SETTING = "setting"
    REMEMBERED = "remembered"
    MEASURED = "measured"


class Trial(BaseModel, frozen=True, extra="forbid"):
    """One way to run the model, tried. cpu_ms: processor time of one inference, all threads,
    median; agreement: F1 with float32, 0..1; obstacle: why it could not be tried at all."""

    backend: str
    precision: Precision
    streams: int = 1
    threads: int = 1
    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    agreement: float = 0.0
    obstacle: str = ""

    @property
    def agrees(self) -> bool:
        return not self.obstacle and self.agreement >= LEAST_AGREEMENT


class Memory(BaseModel, frozen=True, extra="forbid"):
    """The cache file."""

    layout: int
    key: str
    chosen: Trial
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """How the detector runs here, and why. notice: something the user should know, or ""."""

    choice: Choice
    origin: Origin
    chosen: Trial | None = None
    trials: tuple[Trial, ...] = ()
    notice: str = ""


def decide(
    model: ModelConfiguration = NANODET,
    *,
    setting: Choice | None = None,
    cache: Path | None = None,
    backends: Sequence[Backend] = BACKENDS,
) -> Decision:
    """The choice for this machine: the setting, what is remembered, or measured now.

    Measuring takes some seconds, once. cache: a folder, the user's cache folder by default.
    Raises ModelUnusable when nothing works here.
    """
    if setting is not None:
        return Decision(setting, Origin.SETTING)
    key = machine_key(model, backends)
    file = memory_file(cache or cache_folder(), key)
    memory, notice = recall(file, key)
    if memory is not None:
        return _decision(memory, model, Origin.REMEMBERED, notice)
    trials = measure(model, backends)
    fastest = best([t for t in trials if t.agrees])
    if fastest is None:
        tried = [f"{t.backend} {t.precision}: {t.obstacle}" for t in trials]
        blocked = [f"{name}: {why}" for name, why in usable(backends).reasons.items()]
        raise ModelUnusable(
            f"no back end can run {model.name} here: {'; '.join(tried + blocked)}",
            remedy="veilleur doctor says what is missing",
            model=model.name,
        )
    layouts = measure_layouts(model, fastest, backends)
    chosen = best(layouts) or fastest
    trials = (*(layouts[0] if t is fastest else t for t in trials), *layouts[1:])
    memory = Memory(layout=LAYOUT, key=key, chosen=chosen, trials=trials)
    unkept = remember(file, memory)
    return _decision(memory, model, Origin.MEASURED, "; ".join(filter(None, (notice, unkept))))


def _decision(memory: Memory, model: ModelConfiguration, origin: Origin, notice: str) -> Decision:
    chosen = memory.chosen
    choice = Choice(chosen.backend, chosen.precision, chosen.streams, chosen.threads, model)
    return Decision(choice, origin, chosen, memory.trials, notice)


def best(trials: Sequence[Trial]) -> Trial | None:
    """The first one that no later one beats clearly: order is preference, noise doesn't decide."""
    found: Trial | None = None
    for trial in trials:
        if found is None or trial.cpu_ms < CLEARLY * found.cpu_ms:
            found = trial
    return found


# Measuring --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one inference, medians: processor time of all threads, and time on the wall."""

    cpu_ms: float
    wall_ms: float


def measure(model: ModelConfiguration, backends: Sequence[Backend] = BACKENDS) -> tuple[Trial, ...]:
    """Every usable back end and precision: its agreement with float32 and its processor time."""
    shown = reference_pictures(*_size(model))
    trials: list[Trial] = []
    loaded: list[tuple[Trial, Detector]] = []
    for trial in _candidates(model, backends):
        try:
            loaded.append((trial, _load(trial, model, backends)))
        except ModelUnusable as error:
            trials.append(trial.model_copy(update={"obstacle": error.message}))
    exact = next((d for t, d in loaded if t.precision is Precision.FP32), None)
    if exact is None:
        missing = "no float32 runs here to compare with"
        return (*trials, *(t.model_copy(update={"obstacle": missing}) for t, _ in loaded))
    expected = [exact.detect(picture) for picture in shown]
    timings = timed([detector for _, detector in loaded], shown)
    for (trial, detector), timing in zip(loaded, timings, strict=True):
        agreed = agreement(expected, [detector.detect(picture) for picture in shown])
        trials.append(_measured(trial, timing, agreed))
    return tuple(trials)


def measure_layouts(
    model: ModelConfiguration, fastest: Trial, backends: Sequence[Backend] = BACKENDS
) -> tuple[Trial, ...]:
    """The fastest trial with one thread an inference, and with all cores on one inference."""
    if fastest.streams == 1:
        return (fastest,)
    wide = fastest.model_copy(update={"streams": 1, "threads": fastest.streams})
    shown = reference_pictures(*_size(model), count=4)
    pair = [_load(trial, model, backends) for trial in (fastest, wide)]
    timings = timed(pair, shown)
    return tuple(
        _measured(trial, timing, fastest.agreement)
        for trial, timing in zip((fastest, wide), timings, strict=True)
    )


def timed(detectors: Sequence[Detector], shown: Sequence[ImageArray]) -> list[Timing]:
    """ROUNDS inferences of each detector in turn, so that a disturbance meets all alike."""
    cpu: list[list[float]] = [[] for _ in detectors]
    wall: list[list[float]] = [[] for _ in detectors]
    for number in range(ROUNDS):
        for index, detector in enumerate(detectors):
            began, began_wall = time.process_time(), time.perf_counter()
            detector.detect(shown[number % len(shown)])
            cpu[index].append(time.process_time() - began)
            wall[index].append(time.perf_counter() - began_wall)
    return [
        Timing(1000 * statistics.median(c), 1000 * statistics.median(w))
        for c, w in zip(cpu, wall, strict=True)
    ]


def _measured(trial: Trial, timing: Timing, agreed: float) -> Trial:
    return trial.model_copy(
        update={"cpu_ms": timing.cpu_ms, "wall_ms": timing.wall_ms, "agreement": agreed}
    )


def _candidates(model: ModelConfiguration, backends: Sequence[Backend]) -> list[Trial]:
    return [
        Trial(backend=backend.name, precision=precision, streams=cores())
        for backend in usable(backends).backends
        for precision in backend.precisions()
        if precision is not Precision.INT8 or model.int8_file is not None
    ]


def _load(trial: Trial, model: ModelConfiguration, backends: Sequence[Backend]) -> Detector:
    choice = Choice(trial.backend, trial.precision, trial.streams, trial.threads, model)
    return load_detector(choice, *_size(model), backends=backends)


def _size(model: ModelConfiguration) -> tuple[int, int]:
    """The input on which a model is measured: its own, or that of a 16:9 camera."""
    if model.height is not None and model.width is not None:
        return model.height, model.width
    return input_size(1920, 1080)


# Remembering ------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/veilleur, by default ~/.cache/veilleur."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "veilleur"


def machine_key(model: ModelConfiguration, backends: Sequence[Backend] = BACKENDS) -> str:
    """Changes when what was measured may no longer hold."""
    parts = [
        processor(),
        str(cores()),
        *(f"{package} {installed(package)}" for package in ("openvino", "onnxruntime")),
        *(backend.name for backend in backends),
        model.model_dump_json(exclude={"file", "int8_file"}),
        *(_digest(file) for file in (model.file, model.int8_file) if file is not None),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def processor() -> str:
    """The processor's name and instructions, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    words = ("model name", "flags", "Features", "CPU part")
    return "; ".join(sorted({line for line in lines if line.startswith(words)}))


def installed(package: str) -> str:
    """Version of an installed package, or "absent"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "absent"


def memory_file(folder: Path, key: str) -> Path:
    """Each key has its own: two installs of one user don't measure anew in turns."""
    return folder / f"choice-{key[:16]}.json"


def recall(file: Path, key: str) -> tuple[Memory | None, str]:
    """What is remembered for this machine, if anything, and a notice where the file is broken."""
    try:
        memory = Memory.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None, ""
    except (OSError, ValidationError) as error:
        return None, f"{file} can't be read ({type(error).__name__}): measured again"
    return (memory, "") if (memory.layout, memory.key) == (LAYOUT, key) else (None, "")


def remember(file: Path, memory: Memory) -> str:
    """Write the cache file, whole or not at all. Returns a notice where that isn't possible."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as draft:
            draft.write(memory.model_dump_json(indent=1))
        Path(draft.name).replace(file)
    except OSError as error:
        return f"the choice can't be kept in {file.parent} ({error.strerror}): measured each start"
    return ""
