"""S8: what a camera's address may be. That no page takes one is in test_console_matrix."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from veilleur.cameras.source import Kind, parse_source
from veilleur.errors import ConfigurationError

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
