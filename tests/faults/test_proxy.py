"""The proxy does what it is told: else the faults would be none."""

import socket
import threading

import pytest

from tests.awaiting import eventually
from tests.faults.proxy import Proxy


@pytest.fixture
def echo():
    """A server that says everything back, and remembers what it heard."""
    server = Echo()
    yield server
    server.listener.close()


class Echo:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard, self.ends = [], []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[peer], daemon=True).start()

    def serve(self, peer):
        with peer:
            try:
                while data := peer.recv(1000):
                    self.heard.append(data)
                    peer.sendall(data)
            except OSError:
                self.ends.append("reset")
            else:
                self.ends.append("closed")


@pytest.fixture
def proxy(echo):
    between = Proxy(echo.port)
    yield between
    between.close()


@pytest.fixture
def client(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=2) as connection:
        yield connection


def said(client, words):
    client.sendall(words)
    return client.recv(1000)


def test_it_passes_on_both_ways_and_closes_with_the_client(client, echo):
    assert said(client, b"hello") == b"hello"

    client.close()
    assert eventually(lambda: echo.ends) == ["closed"]


def test_silence_swallows_everything_and_tells_nobody(client, echo, proxy):
    said(client, b"before")
    assert proxy.silence() == 1

    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        said(client, b"after")
    assert echo.heard == [b"before"]
    client.close()
    assert echo.ends == []


def test_a_new_connection_passes_after_a_silence(client, proxy):
    proxy.silence()

    with socket.create_connection(("127.0.0.1", proxy.port), timeout=2) as another:
        assert said(another, b"again") == b"again"


def test_while_it_silences_new_connections_are_silent_too(proxy, echo):
    proxy.silences = True
    another = socket.create_connection(("127.0.0.1", proxy.port), timeout=0.3)
    with another, pytest.raises(TimeoutError):
        said(another, b"again")
    assert echo.heard == []


def test_a_reset_breaks_both_sides(client, echo, proxy):
    said(client, b"hello")
    assert proxy.reset() == 1

    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert eventually(lambda: echo.ends) == ["reset"]


def test_half_closed_it_still_hears_the_client(client, echo, proxy):
    said(client, b"hello")
    proxy.half_close()

    assert client.recv(1) == b""
    client.sendall(b"still here")
    eventually(lambda: b"still here" in echo.heard)


def test_who_is_refused_gets_no_answer(proxy, echo):
    proxy.refuses = True
    with pytest.raises(ConnectionResetError):
        said(socket.create_connection(("127.0.0.1", proxy.port), timeout=2), b"hello")
    assert echo.heard == []


def test_a_delay_is_felt_in_both_directions(client, proxy):
    proxy.delay = 0.2
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        said(client, b"hello")
    client.settimeout(2)
    assert client.recv(1000) == b"hello"
