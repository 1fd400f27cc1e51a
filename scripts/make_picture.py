"""Draw the README's picture: the demo clip with its zones, what is followed, and an alert.

python scripts/make_picture.py OUT.jpg
"""

from __future__ import annotations

import sys
from importlib.resources import as_file, files
from pathlib import Path

import cv2
import numpy as np

from veilleur.catalogue import WORDING
from veilleur.engine.assembly import Detectors
from veilleur.engine.laboratory import LaboratoryClip, analyse
from veilleur.engine.pipeline import Step
from veilleur.geometry import ImageArray
from veilleur.perception.loader import Choice
from veilleur.site import SiteCamera, load_site

AT_S = 65.4
YELLOW, GREEN, RED, WHITE = (60, 200, 250), (120, 220, 120), (60, 60, 230), (255, 255, 255)


def moment(camera: SiteCamera, folder: Path) -> tuple[Step, Step]:
    """The step at AT_S, and the last one before or at it that raised an alert."""
    clip = LaboratoryClip(
        id=camera.id,
        path=folder / str(camera.source),
        rules=camera.rules,
        ground=camera.ground,
        folder=folder,
    )
    alerting: Step | None = None
    for step in analyse(clip, Detectors(Choice())):
        alerting = step if step.alerts else alerting
        if step.time >= AT_S and alerting is not None:
            return step, alerting
    raise SystemExit(f"no alert before {AT_S} s")


def draw(step: Step, alerting: Step, camera: SiteCamera) -> ImageArray:
    assert step.frame is not None
    view = step.scene.view
    image = step.frame.picture.bgr(view.width, view.height)
    for box in step.scene.tracks.boxes.astype(int):
        _pixelate_head(image, box)
    for rule in camera.rules:
        points = rule.zone or rule.line or ()
        shape = np.rint(view.pixels(list(points))).astype(np.int32)
        cv2.polylines(image, [shape], rule.zone is not None, YELLOW, 1, cv2.LINE_AA)
        _text(image, rule.id, tuple(shape[0] + (4, -5)), YELLOW)
    for box in step.scene.tracks.boxes.astype(int):
        cv2.rectangle(image, box[:2].tolist(), box[2:].tolist(), GREEN, 1, cv2.LINE_AA)
    for alert in alerting.alerts:
        where = alert.where
        low, high = (round(where.x1), round(where.y1)), (round(where.x2), round(where.y2))
        cv2.rectangle(image, low, high, RED, 2, cv2.LINE_AA)
        _text(image, f"{WORDING[alert.event].english} [{alert.rule}]", (low[0], low[1] - 8), RED)
    _text(image, f"LABORATORY  {step.time:.1f} s", (8, 16), WHITE)
    return image


def _pixelate_head(image: ImageArray, box: ImageArray) -> None:
    x1, y1, x2, y2 = (int(max(0, v)) for v in box)
    head = image[y1 : y1 + (y2 - y1) // 4, x1:x2]
    if head.size:
        small = cv2.resize(head, (3, 3), interpolation=cv2.INTER_AREA)
        head[:] = cv2.resize(small, head.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _text(image: ImageArray, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    place = (max(4, int(at[0])), max(14, int(at[1])))
    for thickness, shade in ((3, (0, 0, 0)), (1, colour)):
        cv2.putText(
            image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, shade, thickness, cv2.LINE_AA
        )


def main(target: Path) -> None:
    with as_file(files("veilleur") / "demo") as folder:
        camera = load_site(folder / "site.yaml").cameras[0]
        step, alerting = moment(camera, folder)
        cv2.imwrite(str(target), draw(step, alerting, camera), [cv2.IMWRITE_JPEG_QUALITY, 82])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
