"""What a good developer writes with opencv-python, supervision and trackers.

    python script.py CLIP MODEL.onnx FROM_S

Runs in the benchmark environment (these packages bring a second OpenCV). Analyses five pictures a
second, follows persons and vehicles, watches a zone and a line; prints CPU seconds per second of
video (this process and its threads), counted from FROM_S on, and the number of confirmed tracks of
people per analysed frame, for the equal-work check.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np
import onnxruntime
import supervision as sv
from trackers import ByteTrackTracker

SIZE = 416
KEPT = (0, 1, 2, 3, 5, 7)
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
SCALE = np.array([57.375, 57.12, 58.395], np.float32)


class NanoDet:
    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self.centres = []
        for stride in (8, 16, 32):
            n = SIZE // stride
            y, x = np.mgrid[:n, :n]
            self.centres.append((np.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)

    def __call__(self, frame: np.ndarray) -> sv.Detections:
        height, width = frame.shape[:2]
        ratio = SIZE / max(height, width)
        small = cv2.resize(frame, (round(width * ratio), round(height * ratio)))
        image = np.full((SIZE, SIZE, 3), 114, np.uint8)
        image[: small.shape[0], : small.shape[1]] = small
        blob = ((image.astype(np.float32) - MEAN) / SCALE).transpose(2, 0, 1)[None]
        out = self.session.run(None, {self.session.get_inputs()[0].name: blob})
        boxes, scores, classes = [], [], []
        for level, stride in enumerate((8, 16, 32)):
            score, spread = out[level][0], out[level + 3][0]
            best = score.max(1)
            keep = best > 0.1
            if not keep.any():
                continue
            logits = spread[keep].reshape(-1, 4, 11)
            weights = np.exp(logits - logits.max(2, keepdims=True))
            far = (weights / weights.sum(2, keepdims=True)) @ np.arange(11) * stride
            centre = self.centres[level][keep]
            boxes.append(np.concatenate([centre - far[:, :2], centre + far[:, 2:]], 1))
            scores.append(best[keep])
            classes.append(score[keep].argmax(1))
        if not boxes:
            return sv.Detections.empty()
        found = sv.Detections(
            xyxy=(np.concatenate(boxes) / ratio).astype(np.float32),
            confidence=np.concatenate(scores).astype(np.float32),
            class_id=np.concatenate(classes),
        )
        return found[np.isin(found.class_id, KEPT)].with_nms(0.6)


def main(clip: str, model: str, begin_s: float) -> None:
    detect = NanoDet(model)
    tracker = ByteTrackTracker(frame_rate=5)
    capture = cv2.VideoCapture(clip)
    width, height = (
        int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    rate = capture.get(cv2.CAP_PROP_FPS)
    zone = sv.PolygonZone(np.array([[0, 0.5], [0.6, 0.5], [0.6, 1], [0, 1]]) * (width, height))
    line = sv.LineZone(sv.Point(width / 3, height * 0.3), sv.Point(width / 3, height * 0.6))
    cv2.setNumThreads(1)
    first, number, people, analysed = round(begin_s * rate), 0, 0, 0
    while True:
        if number == first:
            began, people, analysed = time.process_time(), 0, 0
        ok, frame = capture.read()
        if not ok:
            break
        if number % round(rate / 5) == 0:
            tracks = tracker.update(detect(frame))
            zone.trigger(tracks)
            line.trigger(tracks)
            analysed += 1
            people += int(((tracks.tracker_id >= 0) & (tracks.class_id == 0)).sum())
        number += 1
    used = time.process_time() - began
    print(used / ((number - first) / rate), people / analysed)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
