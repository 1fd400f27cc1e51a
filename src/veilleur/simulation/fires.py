"""Made fires with a calm lead-in, and what only looks like one.

`python -m veilleur.simulation.fires OUT` writes OUT/fires: a dataset.json and one video a clip.
Flame and smoke are drawn (`burning`) over a real place: the demonstration clip, or any other that
is named. The truth is exact; the looks are not: the same hand drew for the verifier's training, so
these clips show that the chain works and how soon, not how good it is on fire. Ids begin with
`fire`, or with `none`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from veilleur.geometry import ImageArray
from veilleur.perception.reference import DEMO_CLIP
from veilleur.simulation.burning import Fire
from veilleur.simulation.lookalikes import LOOKALIKES, Paint

WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
SECONDS, CALM_S, PERSIST_S = 16.0, 6.0, 2.0


@dataclass(frozen=True, slots=True)
class Story:
    """One clip. start_s: of the fire; None: there is none. dim: light left of the place's own."""

    id: str
    paint: Paint
    start_s: float | None
    dim: float = 1.0

    def picture(self, image: ImageArray, time: float) -> ImageArray:
        """The place's (h, w, 3) picture with what happens in it."""
        place = image if self.dim == 1.0 else (image * self.dim).astype(np.uint8)
        return self.paint(place, time)


def stories(width: int, height: int) -> list[Story]:
    """For a place of that many pixels."""

    def fire(x: float, y: float, tall: float, **more: float) -> Fire:
        size = tall * height
        return Fire(
            foot=(x * width, y * height),
            **{"width": 0.6 * size, "height": size, "begins_s": CALM_S, **more},  # type: ignore[arg-type]
        )

    fires = {
        "fire_large": (fire(0.35, 0.8, 0.3, seed=1), 1.0),
        "fire_middle": (fire(0.6, 0.7, 0.16, seed=12, smoke=0.0), 1.0),
        "fire_small": (fire(0.25, 0.65, 0.08, seed=23, smoke=0.4, grows_s=2.0), 1.0),
        "fire_glaring": (fire(0.5, 0.75, 0.2, seed=34, gain=2.0), 1.0),
        "fire_at_night": (fire(0.65, 0.8, 0.18, seed=45, gain=1.6, smoke=0.3), 0.25),
        "fire_black_smoke": (
            fire(0.4, 0.85, 0.15, seed=56, smoke=1.6, grey=35.0, smoke_size=4.0),
            1.0,
        ),
        "fire_white_smoke_alone": (
            fire(0.5, 0.8, 0.0, width=0.12 * height, smoke=1.8, grey=215.0, seed=5),
            1.0,
        ),
        "fire_grey_smoke_alone": (
            fire(0.3, 0.7, 0.0, width=0.1 * height, smoke=1.6, grey=110.0, seed=17),
            1.0,
        ),
    }
    burning = [Story(name, one.painted, CALM_S, dim) for name, (one, dim) in fires.items()]
    before = fire(0.4, 0.75, 0.18, begins_s=-20.0, seed=41)
    burning.append(Story("fire_before_anybody_looked", before.painted, 0.0))
    return burning + [Story(f"none_{name}", paint, None) for name, paint in LOOKALIKES.items()]


def entry(story: Story) -> dict[str, object]:
    """Its clip in dataset.json."""
    rule = {"id": "fire", "event": "fire", "zone": WHOLE, "params": {"persist_s": PERSIST_S}}
    truth = []
    if story.start_s is not None:
        due_s = story.start_s + PERSIST_S
        truth = [{"rule": "fire", "start_s": story.start_s, "due_s": due_s, "end_s": SECONDS}]
    return {
        "id": story.id,
        "file": f"{story.id}.mp4",
        "group": story.id,
        "tags": {"footage": "made"},
        "rules": [rule],
        "truth": truth,
        "ignore": [],
        "negative_for": [] if truth else ["fire"],
    }


def pictures(clip: Path, first_s: float, rate: float) -> Iterator[ImageArray]:
    """The clip's BGR pictures from a second on, `rate` a second, round and round."""
    while True:
        with av.open(str(clip)) as given:
            due_s = 0.0
            for frame in given.decode(given.streams.video[0]):
                if frame.time is None or frame.time < first_s + due_s - 1e-6:
                    continue
                due_s += 1 / rate
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
        first_s = 0.0


def write(folder: Path, clip: Path = DEMO_CLIP, rate: int = 10) -> None:
    """Write the data set over that clip. Same versions, same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    sample = next(pictures(clip, 0.0, rate))
    every = stories(sample.shape[1], sample.shape[0])
    for number, story in enumerate(every):
        _write_clip(folder / f"{story.id}.mp4", story, pictures(clip, 2.5 * number, rate), rate)
    document = {"schema": 1, "name": "fires", "clips": [entry(story) for story in every]}
    text = json.dumps(document, indent=1) + "\n"
    (folder / "dataset.json").write_text(text, encoding="utf-8")


def _write_clip(target: Path, story: Story, place: Iterator[ImageArray], rate: int) -> None:
    options = {"crf": "26", "preset": "fast", "bf": "0", "x264-params": "threads=1"}
    with av.open(str(target), "w") as made:
        stream = made.add_stream("libx264", rate=rate, options=options)
        for number in range(int(SECONDS * rate)):
            image = story.picture(next(place), number / rate)
            height, width = (side // 2 * 2 for side in image.shape[:2])
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(image[:height, :width]), format="bgr24"
            )
            if number == 0:
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            frame.pts, frame.time_base = number, Fraction(1, rate)
            made.mux(stream.encode(frame.reformat(format="yuv420p")))
        made.mux(stream.encode(None))


def main(arguments: Sequence[str]) -> int:
    usage = argparse.ArgumentParser("python -m veilleur.simulation.fires", description="made fires")
    usage.add_argument("out", type=Path, help="folder to write fires/ into")
    usage.add_argument("--clip", type=Path, default=DEMO_CLIP, help="the place: any video")
    given = usage.parse_args(arguments)
    write(given.out / "fires", given.clip)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
