"""Payloads, faults and the plan of a fault, without a socket."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilleur.errors import ConfigurationError
from veilleur.simulation import rtp
from veilleur.simulation.faults import Fault, Kind, Planned, parse, spoil
from veilleur.simulation.message import BadRequest
from veilleur.simulation.message import parse as parse_request
from veilleur.simulation.rtp import Codec

HEADERS = {Codec.H264: b"\x65", Codec.H265: b"\x26\x01"}


def defragmented(codec: Codec, payloads: list[bytes]) -> bytes:
    """The NAL unit back from its fragments (RFC 6184, 5.8; RFC 7798, 4.4.3)."""
    size = len(HEADERS[codec])
    first, kind = payloads[0], payloads[0][size] & 0x3F
    if codec is Codec.H264:
        header = bytes([first[0] & 0xE0 | kind & 0x1F])
    else:
        header = bytes([first[0] & 0x81 | kind << 1, first[1]])
    return header + b"".join(payload[size + 1 :] for payload in payloads)


@given(st.sampled_from(Codec), st.binary(min_size=1, max_size=6000))
def test_a_picture_survives_being_cut(codec: Codec, body: bytes) -> None:
    nal = HEADERS[codec] + body
    payloads = rtp.fragment(codec, nal)
    assert all(len(payload) <= rtp.MAX_PAYLOAD for payload in payloads)
    assert (payloads[0] if len(payloads) == 1 else defragmented(codec, payloads)) == nal
    if len(payloads) > 1:
        marks = [payload[len(HEADERS[codec])] >> 6 for payload in payloads]
        assert marks == [2] + [0] * (len(marks) - 2) + [1], "start on the first, end on the last"


def test_parameter_sets_share_a_packet() -> None:
    sps, pps = b"\x67" + b"s" * 20, b"\x68" + b"p" * 4
    (payload,) = rtp.aggregate(Codec.H264, [sps, pps])
    assert payload == b"\x78" + struct.pack(">H", 21) + sps + struct.pack(">H", 5) + pps
    assert rtp.aggregate(Codec.H264, [sps]) == [sps]


@given(st.lists(st.binary(min_size=1, max_size=50).map(lambda b: b.replace(b"\0", b"\1"))))
def test_start_codes_of_both_lengths_are_found(nals: list[bytes]) -> None:
    code = random.Random(len(nals))
    stream = b"".join(code.choice([b"\0\0\1", b"\0\0\0\1"]) + nal for nal in nals)
    assert list(rtp.nal_units(stream)) == nals


def test_a_sender_report_ties_true_time_to_rtp_time() -> None:
    report = rtp.sender_report(7, 1_700_000_000.5, 10, 2000)
    _, kind, _, ssrc, seconds, fraction, stamp, packets, octets = struct.unpack_from(
        ">BBHIIIIII", report
    )
    assert (kind, ssrc, packets, octets) == (200, 7, 10, 2000)
    assert (seconds, fraction) == (1_700_000_000 + 2_208_988_800, 1 << 31)
    assert stamp == 1_700_000_000 * 90_000 % 2**32 + 45_000
    assert len(report) % 4 == 0


def test_spoiling_is_repeatable_and_does_what_it_says() -> None:
    payloads = [bytes([n]) * 200 for n in range(200)]

    def sent(kind: Kind) -> list[tuple[int, bytes]]:
        return list(spoil(payloads, [Fault(kind, amount=0.5)], random.Random(1)))

    assert sent(Kind.LOSS) == sent(Kind.LOSS)
    assert 50 < len(sent(Kind.LOSS)) < 150
    assert 250 < len(sent(Kind.DUPLICATE)) < 350
    assert {len(payload) for _, payload in sent(Kind.TRUNCATE)} == {100, 200}
    flipped = [payload for place, payload in sent(Kind.GARBAGE) if payload != payloads[place]]
    assert 50 < len(flipped) < 150
    assert list(spoil(payloads, [], random.Random(1))) == list(enumerate(payloads))


@pytest.mark.parametrize(
    ("text", "planned"),
    [
        ("stall@5", Planned(Fault(Kind.STALL), 5.0)),
        ("stall@5:10", Planned(Fault(Kind.STALL, 10.0), 5.0)),
        ("2/clock-step=-3600@0.5", Planned(Fault(Kind.CLOCK_STEP, None, -3600.0), 0.5, 1)),
        ("1/slow=20@5:10", Planned(Fault(Kind.SLOW, 10.0, 20.0), 5.0, 0)),
    ],
)
def test_a_fault_is_written_in_one_word(text: str, planned: Planned) -> None:
    assert parse(text) == planned


@pytest.mark.parametrize(
    "text",
    ["stall", "stal@5", "0/stall@5", "loss=2@1", "slow=0@1", "cut@1:5", "dark=3@1", "stall@-1", ""],
)
def test_a_fault_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert caught.value.setting == "fault"
    assert caught.value.remedy


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser_of_requests(head: bytes) -> None:
    with suppress(BadRequest):
        assert parse_request(head).body_length >= 0
