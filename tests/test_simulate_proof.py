"""Only our own simulator can prove that it is one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.simulate_media import make_clip
from veilleur.cameras import simulated
from veilleur.cameras.simulated import PROOF_HEADER, is_our_simulator, secret_file
from veilleur.errors import ConfigurationError
from veilleur.simulation.faults import Fault, Kind
from veilleur.simulation.proof import proven
from veilleur.simulation.simulator import SimulatedCamera, Simulator

HOST = "127.0.0.1"


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Secrets of this test lie apart from everybody's."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "veilleur"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "ramp.mp4")


@pytest.fixture
def simulator(clip: Path, runtime: Path) -> Iterator[Simulator]:
    with Simulator([SimulatedCamera(clip), SimulatedCamera(clip)]) as running:
        yield running


@contextmanager
def impostor(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that says always the same. Yields its port and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                asked.append(peer.recv(4096))
                peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], asked
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def said(port: int, nonce: str) -> bytes:
    """What whoever listens there answers to this nonce."""
    with socket.create_connection((HOST, port), timeout=2.0) as connection:
        connection.sendall(
            f"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX-Veilleur-Nonce: {nonce}\r\n\r\n".encode()
        )
        return connection.recv(4096)


def test_each_camera_of_a_running_simulator_proves_itself(simulator: Simulator) -> None:
    assert is_our_simulator(HOST, simulator.port(0))
    assert is_our_simulator("localhost", simulator.port(1))


def test_the_secret_is_for_this_user_and_goes_with_the_simulator(
    simulator: Simulator, runtime: Path
) -> None:
    path = secret_file(simulator.port(0))
    assert path.parent == runtime
    assert (path.stat().st_mode & 0o777, runtime.stat().st_mode & 0o777) == (0o600, 0o700)
    with pytest.raises(ZeroDivisionError), proven(1):
        raise ZeroDivisionError
    assert not secret_file(1).exists()


def test_nobody_answers_after_the_end(clip: Path) -> None:
    with Simulator([SimulatedCamera(clip)]) as simulator:
        port = simulator.port(0)
    assert not secret_file(port).exists()
    assert not is_our_simulator(HOST, port)


def test_a_wrong_secret_proves_nothing(simulator: Simulator) -> None:
    path = secret_file(simulator.port(0))
    path.write_bytes(bytes(32))
    assert not is_our_simulator(HOST, simulator.port(0))
    path.write_bytes(b"")
    assert not is_our_simulator(HOST, simulator.port(0))


def test_an_old_answer_proves_nothing(simulator: Simulator) -> None:
    """The nonce is new each time."""
    old = said(simulator.port(0), "ab" * 16)
    assert PROOF_HEADER.encode() in old
    with impostor(old) as (port, asked):
        secret_file(port).write_bytes(secret_file(simulator.port(0)).read_bytes())
        secret_file(port).chmod(0o600)
        assert not is_our_simulator(HOST, port)
    assert asked, "it was asked"
    assert b"ab" * 16 not in asked[0]


def test_an_answer_for_another_port_proves_nothing(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tunnel that hands our nonce on to a true simulator gets an answer for the wrong port."""
    nonce = "cd" * 16
    monkeypatch.setattr("secrets.token_hex", lambda *_: nonce)
    with impostor(said(simulator.port(0), nonce)) as (port, asked):
        secret_file(port).write_bytes(secret_file(simulator.port(0)).read_bytes())
        secret_file(port).chmod(0o600)
        assert not is_our_simulator(HOST, port)
    assert asked


def test_a_true_answer_is_believed_through_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The impostor's answers fail for what they say, not for how they come."""
    nonce = "ef" * 16
    monkeypatch.setattr("secrets.token_hex", lambda *_: nonce)
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    with proven(port) as proof:
        answer = f"RTSP/1.0 200 OK\r\n{PROOF_HEADER}: {proof.answer(nonce)}\r\n\r\n".encode()
        monkeypatch.setattr(simulated, "_ask", lambda *_: answer)
        assert is_our_simulator(HOST, port)


def test_a_secret_that_others_can_read_is_no_secret(simulator: Simulator, runtime: Path) -> None:
    secret_file(simulator.port(0)).chmod(0o644)
    assert not is_our_simulator(HOST, simulator.port(0))
    runtime.chmod(0o755)
    assert not is_our_simulator(HOST, simulator.port(1))
    with pytest.raises(ConfigurationError, match="veilleur"), proven(1):
        pass


@pytest.mark.parametrize("answer", [b"", b"RTSP/1.0 200 OK\r\n\r\n", b"\xff" * 5000])
def test_another_server_proves_nothing(answer: bytes) -> None:
    with impostor(answer) as (port, asked), proven(port):
        assert not is_our_simulator(HOST, port)
    assert asked


def test_who_says_nothing_is_not_waited_for(simulator: Simulator) -> None:
    simulator.inject(0, Fault(Kind.SILENT))
    assert not is_our_simulator(HOST, simulator.port(0), timeout_s=0.2)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", ""])
def test_only_this_machine_can_be_ours(simulator: Simulator, host: str) -> None:
    """Not even asked: the secret of a port says nothing about another machine's."""
    assert not is_our_simulator(host, simulator.port(0))
