"""Simulated cameras, seen by FFmpeg: what is served is true, and each fault can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import pytest

from tests.simulate_media import COUNT, RATE, luma, make_clip, number, packets, pictures, viewer
from veilleur.errors import ConfigurationError
from veilleur.simulation import media
from veilleur.simulation.faults import Fault, Kind, Planned
from veilleur.simulation.message import Credentials
from veilleur.simulation.rtp import CLOCK_HZ, Codec
from veilleur.simulation.simulator import SimulatedCamera, Simulator

TICK = CLOCK_HZ // RATE


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "ramp.mp4")


@pytest.fixture
def simulator(clip: Path) -> Iterator[Simulator]:
    with Simulator([SimulatedCamera(clip)]) as running:
        yield running


def numbers(simulator: Simulator, count: int, transport: str = "tcp") -> list[int]:
    with viewer(simulator.url(0), transport) as camera:
        return [number(frame) for frame in islice(pictures(camera), count)]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_file_is_served_picture_by_picture(simulator: Simulator, transport: str) -> None:
    """The first viewer sees the file from its start; none is missing, none changed."""
    assert numbers(simulator, 20, transport) == list(range(20))


@pytest.mark.parametrize(
    ("encoder", "b_frames", "codec", "served"),
    [
        pytest.param("libx264", 2, None, "h264", id="H.264 with B-frames, as it is"),
        pytest.param("libx265", 0, None, "hevc", id="H.265, as it is"),
        pytest.param("mpeg4", 0, None, "h264", id="MPEG-4, coded as H.264"),
        pytest.param("mpeg4", 0, Codec.H265, "hevc", id="MPEG-4, coded as H.265"),
    ],
)
def test_what_cameras_do_not_send_is_coded_again(
    tmp_path: Path, encoder: str, b_frames: int, codec: Codec | None, served: str
) -> None:
    path = make_clip(tmp_path / "clip.mp4", encoder, b_frames)
    source = SimulatedCamera(path, codec=codec)
    with Simulator([source]) as simulator, viewer(simulator.url(0)) as camera:
        seen = [number(frame) for frame in islice(pictures(camera), 15)]
        assert camera.streams.video[0].codec_context.name == served
    # FFmpeg may probe a stream with B-frames for longer than a group of pictures lasts.
    assert seen[0] in (0, 12)
    assert seen == list(range(seen[0], seen[0] + 15))


def test_h264_is_not_coded_again(clip: Path, simulator: Simulator) -> None:
    """The slices of the file's first key frame are sent as they lie in the file."""
    with av.open(str(clip)) as file:
        packet = next(file.demux(file.streams.video[0]))
        assert simulator.media(0).units[0].payloads[-1][2:] in bytes(packet)


def test_time_goes_on_when_the_file_starts_again(simulator: Simulator) -> None:
    with viewer(simulator.url(0)) as camera:
        seen = list(islice(pictures(camera), COUNT + 5))
    assert [number(frame) for frame in seen[-5:]] == [0, 1, 2, 3, 4]
    times = [frame.pts for frame in seen if frame.pts is not None]
    assert {later - earlier for earlier, later in pairwise(times)} == {TICK}


def test_the_truth_names_each_picture_and_its_time(simulator: Simulator) -> None:
    assert len(numbers(simulator, 10)) == 10
    truth = simulator.frames_sent(0)[:10]
    assert [frame.index for frame in truth] == list(range(10))
    assert [frame.key for frame in truth] == [True] + [False] * 9
    steps = [later.captured - earlier.captured for earlier, later in pairwise(truth)]
    assert steps == pytest.approx([1 / RATE] * 9, abs=1e-5)
    assert all((b.timestamp - a.timestamp) % 2**32 == TICK for a, b in pairwise(truth))


def test_two_viewers_see_the_same_moment(simulator: Simulator) -> None:
    """Who comes later starts with a key frame and has missed what was before."""
    with viewer(simulator.url(0)) as first, viewer(simulator.url(0)) as second:
        early, late = pictures(first), pictures(second)
        seen = [number(frame) for frame in islice(early, 40)]
        started = number(next(late))
    assert started in seen
    assert started % 12 == 0


def test_cameras_have_ports_of_their_own_and_share_what_is_prepared(clip: Path) -> None:
    with Simulator([SimulatedCamera(clip), SimulatedCamera(clip)]) as simulator:
        assert simulator.port(0) != simulator.port(1)
        assert simulator.media(0) is simulator.media(1)


def test_the_audio_track_is_offered_and_counted(clip: Path) -> None:
    """What a viewer sets up can be asked for, so that a test sees that nobody wanted the sound."""
    with Simulator([SimulatedCamera(clip, audio=True)]) as simulator:
        with av.open(simulator.url(0), options={"allowed_media_types": "video"}) as camera:
            next(pictures(camera))
        wanted = [request.uri for request in simulator.requests(0) if request.method == "SETUP"]
    assert [uri.rsplit("/", 1)[-1] for uri in wanted] == ["video"]


@pytest.mark.parametrize("password", ["simple", 'p@:/ ss%41wö"rd?#&=+', "日本語 \\ ' ;"])
def test_a_password_may_hold_any_character(clip: Path, password: str) -> None:
    source = SimulatedCamera(clip, credentials=Credentials("ad min", password))
    with Simulator([source]) as simulator:
        assert numbers(simulator, 3) == [0, 1, 2]
        wrong = simulator.url(0).replace("@127", "x@127")
        with pytest.raises(av.HTTPUnauthorizedError), viewer(wrong):
            pass


# --- faults of the connection -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.STALL, Kind.CUT, Kind.RESET, Kind.END])
def test_a_stream_that_breaks_ends_for_the_viewer(simulator: Simulator, kind: Kind) -> None:
    with viewer(simulator.url(0), timeout_s=0.5) as camera:
        stream = packets(camera)
        assert len(list(islice(stream, 5))) == 5
        simulator.inject(0, Fault(kind))
        assert len(list(stream)) < RATE
        if kind in (Kind.CUT, Kind.RESET):
            assert simulator.wait_for_viewers(0, 0)
        else:
            assert simulator.viewers(0) == 1, "the connection stays open"


def test_after_a_stall_the_stream_goes_on(simulator: Simulator) -> None:
    stall = Fault(Kind.STALL)
    with viewer(simulator.url(0)) as camera:
        stream = pictures(camera)
        before = number(list(islice(stream, 5))[-1])
        simulator.inject(0, stall)
        sent = len(simulator.frames_sent(0))
        assert not simulator.wait_for_frames(0, sent + 1, timeout_s=0.3)
        simulator.clear(0, stall)
        later = [number(frame) for frame in islice(stream, sent + 5)]
    assert max(abs(b - a) for a, b in pairwise([before, *later])) > 3, "pictures are missing"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.REFUSE, ConnectionRefusedError),
        (Kind.SILENT, av.FFmpegError),
        (Kind.WRONG_PASSWORD, av.HTTPUnauthorizedError),
        (Kind.NOT_FOUND, av.HTTPNotFoundError),
    ],
)
def test_a_camera_that_cannot_be_had_says_why_and_comes_back(
    simulator: Simulator, kind: Kind, error: type[Exception]
) -> None:
    fault = Fault(kind)
    simulator.inject(0, fault)
    with pytest.raises(error), viewer(simulator.url(0), timeout_s=0.3):
        pass
    simulator.clear(0, fault)
    assert len(numbers(simulator, 2)) == 2


def test_a_planned_fault_comes_and_goes_by_itself(clip: Path) -> None:
    plan = Planned(Fault(Kind.NOT_FOUND, duration_s=0.1), at_s=0.0)
    with Simulator([SimulatedCamera(clip, faults=(plan,))]) as simulator:

        def opens() -> bool:
            try:
                return len(numbers(simulator, 1)) == 1
            except av.HTTPNotFoundError:
                return False

        assert simulator.wait_for(opens)


# --- faults of the packets ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.TRUNCATE, Kind.LOSS])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_spoilt_packets_spoil_pictures(simulator: Simulator, kind: Kind, transport: str) -> None:
    with viewer(simulator.url(0), transport) as camera:
        simulator.inject(0, Fault(kind, amount=0.5))
        begun = len(simulator.frames_sent(0))
        stream = pictures(camera)
        simulator.wait_for_frames(0, begun + 25)
        simulator.inject(0, Fault(Kind.CUT))
        whole = [frame for frame in stream if not frame.is_corrupt]
    sent = [frame.index for frame in simulator.frames_sent(0)]
    assert [number(frame) for frame in whole] != sent[: len(whole)] or len(whole) < len(sent)


def test_packets_that_come_twice_disturb_until_they_no_longer_do(simulator: Simulator) -> None:
    """FFmpeg lets a packet that comes twice in a row pass twice, and its pictures are spoilt."""
    twice = Fault(Kind.DUPLICATE, amount=1.0)
    simulator.inject(0, twice)
    with viewer(simulator.url(0), "udp") as camera:
        stream = pictures(camera)
        assert len(list(islice(stream, 10))) == 10
        simulator.clear(0, twice)
        clear = len(simulator.frames_sent(0))
        seen = [number(frame) for frame in islice(stream, 2 * RATE)]
    sent = [frame.index for frame in simulator.frames_sent(0)]
    whole = sent[sent.index(seen[-RATE], clear) :][:RATE]
    assert seen[-RATE:] == whole


def test_a_slow_network_loses_pictures_up_to_a_key_frame(simulator: Simulator) -> None:
    served = simulator.media(0)
    octets = sum(len(piece) for unit in served.units for piece in unit.payloads)
    simulator.inject(0, Fault(Kind.SLOW, amount=octets / served.period_s / 4000))
    with viewer(simulator.url(0)) as camera:
        times = [packet.pts for packet in islice(packets(camera), 15)]
    known = [time for time in times if time is not None]
    assert any(later - earlier > 2 * TICK for earlier, later in pairwise(known))
    sent = [frame.index for frame in simulator.frames_sent(0)]
    assert any((later - earlier) % COUNT > 1 for earlier, later in pairwise(sent))


@pytest.mark.parametrize("hours", [1, -1, 5])
def test_a_clock_step_moves_the_stamps_not_the_truth(simulator: Simulator, hours: int) -> None:
    with viewer(simulator.url(0)) as camera:
        stream = packets(camera)
        times = [packet.pts for packet in islice(stream, 5)][1:]
        simulator.inject(0, Fault(Kind.CLOCK_STEP, amount=3600.0 * hours))
        times += [packet.pts for packet in islice(stream, RATE)]
    known = [time for time in times if time is not None]
    steps = {(later - earlier) % 2**32 for earlier, later in pairwise(known)}
    assert steps == {TICK, (TICK + 3600 * hours * CLOCK_HZ) % 2**32}
    truth = simulator.frames_sent(0)
    gaps = [later.captured - earlier.captured for earlier, later in pairwise(truth)]
    assert gaps == pytest.approx([1 / RATE] * len(gaps), abs=1e-5)


@pytest.mark.parametrize("kind", [Kind.NO_PARAMETERS, Kind.NO_KEY])
def test_what_a_decoder_cannot_do_without_can_be_withheld(simulator: Simulator, kind: Kind) -> None:
    """A second of pictures without parameter sets, or without a key frame, shows nothing whole."""
    simulator.inject(0, Fault(kind))
    with viewer(simulator.url(0)) as camera:
        assert simulator.wait_for_frames(0, RATE)
        simulator.inject(0, Fault(Kind.CUT))
        assert not [frame for frame in pictures(camera) if not frame.is_corrupt and frame.key_frame]
    described = any(frame.key for frame in simulator.frames_sent(0))
    assert described is (kind is Kind.NO_PARAMETERS)


# --- faults of the picture ----------------------------------------------------------------------


def shown(simulator: Simulator, fault: Fault) -> list[av.VideoFrame]:
    """The camera with the fault, once it has set in, begun while somebody watches."""
    with viewer(simulator.url(0)) as camera:
        stream = pictures(camera)
        assert number(next(stream)) == 0
        simulator.inject(0, fault)
        return list(islice(stream, RATE))[10:]


def test_a_frozen_camera_repeats_one_picture_while_time_goes_on(simulator: Simulator) -> None:
    seen = shown(simulator, Fault(Kind.FREEZE))
    assert max(map(luma, seen)) - min(map(luma, seen)) < 1.0
    assert seen[-1].pts == (seen[0].pts or 0) + (RATE - 11) * TICK


def test_a_dark_camera_shows_almost_nothing(simulator: Simulator) -> None:
    assert max(map(luma, shown(simulator, Fault(Kind.DARK)))) < 30.0


def test_the_resolution_changes_in_mid_stream_and_back(simulator: Simulator) -> None:
    half = Fault(Kind.RESOLUTION)
    with viewer(simulator.url(0)) as camera:
        stream = pictures(camera)
        assert next(stream).width == 160
        simulator.inject(0, half)
        assert any(frame.width == 80 for frame in islice(stream, 3 * RATE))
        simulator.clear(0, half)
        assert any(frame.width == 160 for frame in islice(stream, 3 * RATE))


def test_odd_sides_are_made_even_where_a_picture_is_coded(tmp_path: Path) -> None:
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=RATE)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 161, 91, "yuv444p"
        container.mux(stream.encode(av.VideoFrame(161, 91, "yuv444p")))
        container.mux(stream.encode(None))
    made = [media.load(path)] + [
        change(path, Codec.H264) for change in (media.dark, media.frozen, media.smaller)
    ]
    assert [(one.width, one.height) for one in made] == [(160, 90)] * 3 + [(80, 44)]


# --- bad input ----------------------------------------------------------------------------------


def test_what_is_no_video_is_refused_with_its_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no video")
    for path in (text, tmp_path / "absent.mp4", tmp_path):
        with pytest.raises(ConfigurationError, match=path.name):
            Simulator([SimulatedCamera(path)]).__enter__()


def test_a_taken_port_is_named(clip: Path, simulator: Simulator) -> None:
    taken = Simulator([SimulatedCamera(clip)], port=simulator.port(0))
    with pytest.raises(ConfigurationError, match=str(simulator.port(0))), taken:
        pass


def test_time_bases_stay_exact_over_many_loops(simulator: Simulator) -> None:
    """A loop lasts as long as its pictures: no drift against the file's rate."""
    assert simulator.media(0).period_s == pytest.approx(float(Fraction(COUNT, RATE)))
