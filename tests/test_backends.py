"""Back ends say why they don't work, are safe to share, send nothing, and always say the same."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from veilleur.errors import ModelUnusable
from veilleur.perception.backends import BACKENDS, Precision, backend, usable
from veilleur.perception.loader import Choice, load_detector
from veilleur.perception.objects import Detections, Kind
from veilleur.perception.reference import DEMO_CLIP, agreement, fitted, pictures

HEIGHT, WIDTH = 320, 416
CHOICES = [Choice("openvino", streams=2), Choice("onnxruntime")]


def digest(found: Detections) -> str:
    columns = (found.boxes, found.scores, found.kinds)
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


@pytest.fixture(scope="module")
def street() -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return [fitted(picture, HEIGHT, WIDTH) for picture in pictures(every=40, count=4)]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_people_on_the_demo_clip_are_found_where_they_stand(choice: Choice) -> None:
    picture = fitted(pictures(first=400, count=1)[0], HEIGHT, WIDTH)
    found = load_detector(choice, HEIGHT, WIDTH).detect(picture)
    people = found[found.scores >= 0.5].of(Kind.PERSON)
    # Seen by eye in the picture of 768 x 576, middles of the boxes, left to right.
    expected = np.array([(288, 243), (603, 171), (716, 354)]) * (416 / 768)
    middles = (people.boxes[:, :2] + people.boxes[:, 2:]) / 2
    np.testing.assert_allclose(middles[np.argsort(middles[:, 0])], expected, atol=6)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_threads_share_a_detector_and_get_the_boxes_they_would_get_alone(
    choice: Choice, street: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]
) -> None:
    detector = load_detector(choice, HEIGHT, WIDTH)
    alone = [digest(detector.detect(picture)) for picture in street]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda n: digest(detector.detect(street[n % 4])), range(24)))
    assert together == alone * 6


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_others_run_while_a_detector_infers(choice: Choice) -> None:
    detector = load_detector(choice, 416, 416)
    picture = np.zeros((416, 416, 3), np.uint8)
    began = threading.Event()
    order: list[str] = []

    def infer() -> None:
        began.set()
        detector.detect(picture)
        order.append("inferred")

    usual = sys.getswitchinterval()
    sys.setswitchinterval(60)  # so that the lock is only handed over by whoever gives it up
    try:
        for _ in range(20):  # one inference may end before this thread is scheduled, not twenty
            began.clear()
            order.clear()
            thread = threading.Thread(target=infer)
            thread.start()
            began.wait()
            order.append("went on")
            thread.join()
            if order == ["went on", "inferred"]:
                break
    finally:
        sys.setswitchinterval(usual)
    assert order == ["went on", "inferred"]


ELSEWHERE = f"""
from tests.test_backends import CHOICES, HEIGHT, WIDTH, digest
from veilleur.perception.loader import load_detector
from veilleur.perception.reference import fitted, pictures
picture = fitted(pictures(count=1)[0], {HEIGHT}, {WIDTH})
print(*(digest(load_detector(choice, HEIGHT, WIDTH).detect(picture)) for choice in CHOICES))
"""


def test_another_process_finds_the_same_boxes_bit_by_bit() -> None:
    picture = fitted(pictures(count=1)[0], HEIGHT, WIDTH)
    here = [digest(load_detector(choice, HEIGHT, WIDTH).detect(picture)) for choice in CHOICES]
    told = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == here


SILENT = """
import socket, sys
class Watched(socket.socket):
    def connect(self, *_): raise SystemExit("a connection was asked for")
    connect_ex = connect
def looked_up(*_, **__): raise SystemExit("a name was looked up")
socket.socket, socket.getaddrinfo = Watched, looked_up
opened = []
sys.addaudithook(lambda name, _: opened.append(name) if name.startswith("socket.") else None)
import numpy as np
from veilleur.perception.loader import Choice, load_detector
for backend in ("openvino", "onnxruntime"):
    load_detector(Choice(backend), 64, 64).detect(np.zeros((64, 64, 3), np.uint8))
loaded = [n for n, m in sys.modules.items() if m and n.split(".")[0] == "openvino_telemetry"]
print(loaded, sorted(set(opened) - {"socket.__new__", "socket.gethostname"}))
"""


def test_openvinos_telemetry_is_never_imported_and_nothing_is_sent() -> None:
    told = subprocess.run(
        [sys.executable, "-c", SILENT], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["[]", "[]"]


def test_a_picture_without_objects_gives_none() -> None:
    for choice in CHOICES:
        assert len(load_detector(choice, 64, 64).detect(np.zeros((64, 64, 3), np.uint8))) == 0


def test_boxes_stay_inside_the_picture_and_what_lies_beside_it_changes_little(
    street: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]],
) -> None:
    small = [fitted(picture, 256, 320) for picture in street]
    exact = load_detector(CHOICES[0], 256, 320)
    roomy = load_detector(CHOICES[0], HEIGHT, WIDTH)
    found = [roomy.detect(picture) for picture in small]
    for picture, objects in zip(small, found, strict=True):
        assert (objects.boxes >= 0).all()
        assert (objects.boxes.max(axis=0) <= (*picture.shape[1::-1], *picture.shape[1::-1])).all()
    assert agreement([exact.detect(picture) for picture in small], found) > 0.9


def test_a_picture_larger_than_the_input_is_refused() -> None:
    with pytest.raises(ValueError, match="doesn't fit"):
        load_detector(CHOICES[1], 64, 64).detect(np.zeros((65, 64, 3), np.uint8))


def test_a_higher_threshold_keeps_the_same_best_boxes(
    street: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]],
) -> None:
    low = load_detector(CHOICES[0], HEIGHT, WIDTH).detect(street[1])
    high = load_detector(CHOICES[0], HEIGHT, WIDTH, threshold=0.5).detect(street[1])
    assert 0 < len(high) < len(low)
    assert digest(high) == digest(low[low.scores >= 0.5])


def test_each_absent_back_end_says_what_is_missing() -> None:
    state = usable()
    for name in ("onnxruntime-cuda", "onnxruntime-tensorrt"):
        if name in state.reasons:  # always, on a machine without onnxruntime-gpu
            assert "ExecutionProvider" in state.reasons[name]
            assert "onnxruntime-gpu" in state.reasons[name]
    assert {b.name for b in state.backends} | set(state.reasons) == {b.name for b in BACKENDS}


def test_a_back_end_that_cant_work_is_refused_with_its_reason() -> None:
    broken = replace(BACKENDS[0], obstacle=lambda: "the processor is too old")
    with pytest.raises(ModelUnusable, match="the processor is too old"):
        backend("openvino", [broken])
    with pytest.raises(ModelUnusable, match="one of: openvino, onnxruntime"):
        backend("openvno")


def test_int8_without_quantised_weights_is_refused() -> None:
    model = Choice().model.model_copy(update={"int8_file": None})
    with pytest.raises(ModelUnusable, match="no int8 weights"):
        load_detector(Choice("onnxruntime", Precision.INT8, model=model), 64, 64)


def test_the_demo_clip_is_there() -> None:
    assert DEMO_CLIP.is_file()
