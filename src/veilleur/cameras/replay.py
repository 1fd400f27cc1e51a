"""A recorded clip as Frames, in this process, as fast as it decodes. The same code as live."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from veilleur.cameras.decoding import Counts, Decoder
from veilleur.cameras.frame import Frame
from veilleur.cameras.masks import Masks, Polygon
from veilleur.cameras.sampling import ActivityMeter, Health, Sampler
from veilleur.cameras.source import Kind, Source, open_feed, parse_source
from veilleur.errors import ConfigurationError


def unheard(counts: Counts) -> None:
    """Where nobody asks what decoding met with."""


def replay(
    path: Path | str,
    *,
    camera: str,
    rate_hz: float = 5.0,
    masks: Sequence[Polygon] = (),
    hold_last_s: float = 0.0,
    health: Health | None = None,
    activity: ActivityMeter | None = None,
) -> Iterator[Frame]:
    """Every picture chosen at `rate_hz`, or all of them where the clip is slower.

    Identical bit by bit from run to run. masks: polygons, relative. hold_last_s: the last picture
    is repeated for so many seconds; nothing moves in it and its health stays as it was.
    ConfigurationError for what is not a file, CameraRefused for a file that isn't video.
    """
    sampler = Sampler(camera, masks=Masks(masks), health=health, activity=activity)
    yield from sampled(path, sampler, rate_hz=rate_hz, hold_last_s=hold_last_s)


def sampled(
    path: Path | str,
    sampler: Sampler,
    *,
    rate_hz: float = 5.0,
    hold_last_s: float = 0.0,
    told: Callable[[Counts], None] = unheard,
) -> Iterator[Frame]:
    """As `replay`, through a sampler of the caller's. told: how many pictures were decoded and how
    many were damaged, once, after the file's last."""
    last: Frame | None = None
    for last in _frames(_file(path), sampler, rate_hz, told):
        yield last
    if last is None:
        return
    end = last.time + hold_last_s
    count = 1
    began = last.time
    while began + count / rate_hz <= end + 1e-9:
        yield sampler.hold(last, began + count / rate_hz)
        count += 1


def _file(path: Path | str) -> Source:
    source = parse_source(str(path))
    if source.kind is not Kind.FILE:
        raise ConfigurationError(
            f"{source.address} is not a file", remedy="only files are replayed", setting="source"
        )
    return source


def _frames(
    source: Source, sampler: Sampler, rate_hz: float, told: Callable[[Counts], None]
) -> Iterator[Frame]:
    feed = open_feed(source)
    try:
        decoder = Decoder(feed.stream, feed.facts, rate_hz=rate_hz)
        for packet in feed.packets():
            for decoded in decoder.step(packet):
                yield sampler.step(decoded)
        for decoded in decoder.flush():
            yield sampler.step(decoded)
        told(decoder.counts)
    finally:
        feed.close()
