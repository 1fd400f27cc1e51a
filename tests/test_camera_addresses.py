"""S8: what a camera's address may be. That no page takes one is in test_console_matrix."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.watching import Made, laboratory, member, of, until
from veilleur.cameras import reachable
from veilleur.cameras.reachable import Objection, objection, settled
from veilleur.cameras.source import Kind, Reach, parse_source
from veilleur.catalogue import Event
from veilleur.engine.french import say
from veilleur.engine.lineup import line_up
from veilleur.engine.node import Node
from veilleur.engine.report import Condition
from veilleur.errors import CameraRefused, ConfigurationError
from veilleur.law.authorisation import Authorisation, Period
from veilleur.site import load_site

SCHEMES = (
    "http https httpproxy ftp ftps sftp smb gopher gophers ldap dict telnet jar netdoc data "
    "concat concatf subfile crypto cache async pipe fd unix tee md5 tcp udp udplite tls dtls sctp "
    "rtp srtp srt rtmp rtmps rtmpt rtmpe mmsh mmst hls icecast ipfs ipns bluray lavfi file "
    "prompeg rist zmq android_content x11grab alsa dshow javascript"
)
FORMS = (
    "{}://169.254.169.254/latest/meta-data/",
    "{}://127.0.0.1:8443/api/v1/stops",
    "{}:/etc/passwd",
    "{}:a.mp4|/etc/passwd",
    "{},,start,0,end,0,,:/etc/passwd",
    "{}://user:rtsp%3A@[::1]/x",
)
WRONG = [form.format(scheme) for scheme, form in itertools.product(SCHEMES.split(), FORMS)]


def test_no_address_but_rtsp_and_files_is_taken(tmp_path: Path) -> None:
    assert len(WRONG) > 300
    taken = []
    for address in (*WRONG, *(address.upper() for address in WRONG)):
        try:
            taken.append(parse_source(address, folder=tmp_path))
        except ConfigurationError:
            continue
    assert taken == []


@pytest.mark.parametrize(
    "text",
    ["rtsp://cam/x -i /etc/passwd", "rtsp://cam/x\r\nX: y", "rtsp://cam/$(id)", "rtsp://cam/;id"],
)
def test_what_looks_like_a_command_stays_part_of_one_address(text: str) -> None:
    """No shell and no argument list is made of it: it goes to the library as one value."""
    try:
        source = parse_source(text)
    except ConfigurationError:
        return
    assert source.kind is Kind.RTSP
    assert source.host == "cam"


# ---------------------------------------------------------------------- where it may lead
LOOPBACK = ["127.0.0.1", "127.0.0.53", "127.255.255.254", "::1"]
METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"]
LINK_LOCAL = ["169.254.0.1", "169.254.10.20", "169.254.255.255"]
MULTICAST = ["224.0.0.1", "224.0.0.251", "239.1.2.3", "232.0.0.1"]
NOBODY = ["0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.255", "250.1.1.1"]
IPV6 = [
    *("fd00:ec2::254", "fd20:ce::254"),
    *("fe80::1", "fe80::a9fe:a9fe", "febf::1", "fe80::1%eth0"),
    *("ff02::1", "ff05::fb", "ff0e::1"),
    *("::", "100::1"),
]
NEVER = [*METADATA, *LINK_LOCAL, *MULTICAST, *NOBODY, *IPV6]
GOOD = ["10.0.0.5", "192.168.1.64", "172.16.9.9", "100.64.0.7", "192.0.2.7", "203.0.113.9"]
GOOD_6 = ["fd12:3456::7", "2001:db8::7", "64:ff9b::a00:5"]


def disguised(address: str) -> list[str]:
    """The ways in which an IPv4 address is written as one of IPv6, and as odd numbers."""
    if ":" in address:
        return [address]
    a, b, c, d = map(int, address.split("."))
    number = (a << 24) | (b << 16) | (c << 8) | d
    pair = f"{number >> 16:x}:{number & 0xFFFF:x}"
    flipped = number ^ 0xFFFFFFFF
    teredo = f"2001:0:4136:e378:8000:63bf:{flipped >> 16:x}:{flipped & 0xFFFF:x}"
    return [address, f"::ffff:{pair}", f"64:ff9b::{pair}", f"2002:{pair}::1", teredo]


FORBIDDEN = [one for address in (*LOOPBACK, *NEVER) for one in disguised(address)]
NAMES = ["camera.example", "localhost", "metadata.google.internal", "a.b.c.rebind.example"]


def resolving(*addresses: str) -> reachable.Resolve:
    return lambda host, port: addresses


def refused(address: str, *answers: str, reach: Reach = Reach.NETWORK) -> bool:
    """Is no connection made to it, whatever its name is said to be?"""
    source = parse_source(address).reaching(reach)
    try:
        settled(source, resolving(*answers))
    except CameraRefused as refusal:
        return refusal.cause == "address" and bool(refusal.remedy)
    return False


def literal(address: str) -> str:
    return f"rtsp://[{address.partition('%')[0]}]/x" if ":" in address else f"rtsp://{address}/x"


def test_no_address_and_no_name_leads_to_where_no_camera_is() -> None:
    asked: list[tuple[str, tuple[str, ...]]] = [(literal(one), ()) for one in FORBIDDEN]
    asked += [(f"rtsp://{name}:8554/x", (address,)) for address in FORBIDDEN for name in NAMES]
    assert len(asked) > 300
    assert [one for one in asked if not refused(one[0], *one[1])] == []


def test_by_the_site_file_s_word_this_machine_and_nothing_else_is_reached_too() -> None:
    here = [one for address in LOOPBACK for one in disguised(address)]
    assert not any(refused(literal(one), reach=Reach.EITHER) for one in here)
    never = [one for address in NEVER for one in disguised(address)]
    assert all(refused("rtsp://cam/x", one, reach=Reach.EITHER) for one in never)


def test_a_simulator_that_has_proven_itself_is_looked_for_on_this_machine_alone() -> None:
    """Its name may lead elsewhere a moment later."""
    assert all(refused("rtsp://cam/x", one, reach=Reach.HERE) for one in (*GOOD, *GOOD_6, *NEVER))
    assert not any(refused("rtsp://cam/x", one, reach=Reach.HERE) for one in LOOPBACK)


@pytest.mark.parametrize("address", [*GOOD, *GOOD_6])
def test_a_camera_of_the_network_is_connected_to_where_it_was_looked_up(address: str) -> None:
    found = settled(parse_source("rtsp://u:p@cam.lan:8554/live"), resolving(address))
    assert (found.host, found.port, found.user) == (address, 8554, "u")
    assert settled(parse_source(literal(address))).host == address


def test_a_name_is_looked_up_once_and_only_what_was_judged_is_connected_to() -> None:
    answers = iter([["fe80::1", "127.0.0.1", "10.0.0.5"], ["127.0.0.1"]])
    source = parse_source("rtsp://cam.local/live")
    found = settled(source, lambda host, port: next(answers))
    assert found.host == "10.0.0.5"
    assert settled(found, lambda host, port: next(answers)) == found
    assert next(answers) == ["127.0.0.1"], "an address in digits is not looked up"


@pytest.mark.parametrize("name", ["127.1", "0x7f.0.0.1", "0177.0.0.1", "localhost"])
def test_odd_numbers_are_looked_up_and_judged(name: str) -> None:
    """By this machine's own resolver."""
    with pytest.raises(CameraRefused, match="this machine itself"):
        settled(parse_source(f"rtsp://{name}:8554/x"))


def test_a_file_and_a_local_device_have_no_address(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    for text in (str(tmp_path / "a.mp4"), "/dev/video0"):
        assert settled(parse_source(text)) == parse_source(text)


def test_every_objection_is_told_in_french() -> None:
    told = set()
    for address in (*FORBIDDEN, "10.0.0.5"):
        for reach in Reach:
            with contextlib.suppress(CameraRefused):
                settled(parse_source("rtsp://cam/x").reaching(reach), resolving(address))
                continue
            wrong = objection(address, reach)
            assert wrong is not None
            words = str(reachable._refusal("cam", wrong))
            assert say(words, "fr").startswith(("cam ", "à cam "))
            assert not {"is", "the", "no", "camera"} & set(say(words, "fr").split())
            told.add(wrong)
    assert told == set(Objection)


# ---------------------------------------------------------------------- in the whole
def test_a_camera_at_a_forbidden_address_is_refused_before_anything_is_sent() -> None:
    """Over the real way: nursery, worker, report. Nobody answers there in any case."""
    one = member("gate", "rtsp://169.254.169.254/latest")
    with Node([one], laboratory([one]), Made()) as node:
        until(lambda: of(node, "gate").condition is Condition.REFUSED, node)
        assert "169.254.169.254 is where a cloud keeps its keys" in of(node, "gate").cause


NOW = datetime(2026, 12, 1, 14, tzinfo=UTC)
ACT = Authorisation(
    reference="Act 7",
    authority="Prefect",
    cameras=("tunnel", "other"),
    events=tuple(Event),
    period=Period.model_validate(
        {"from": NOW - timedelta(days=1), "until": NOW + timedelta(days=1)}
    ),
)
SITE = """
site: s
cameras:
  - {id: tunnel, source: "rtsp://127.0.0.1:8554/x", allow_loopback: true, rules: []}
  - {id: other, source: "rtsp://127.0.0.1:8555/x", rules: []}
"""


def test_this_machine_is_reached_only_by_the_site_file_s_word_or_by_proof(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(SITE)
    for ours, expected in ((False, [Reach.EITHER, Reach.NETWORK]), (True, [Reach.HERE] * 2)):
        found = line_up(
            [],
            load_site(file),
            ACT,
            folder=tmp_path,
            is_our_simulator=lambda *_, ours=ours: ours,
            at=NOW,
        )
        assert [one.settings.source.reach for one in found.members] == expected
