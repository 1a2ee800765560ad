"""What the proxy does to a connection is what it says, seen from both ends."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .proxy import READY_AND_IDLE, Proxy

PATIENCE = 10.0


class Ends:
    """A client's socket, and the server's that the proxy connected it to."""

    def __init__(self, proxy: Proxy, listener: socket.socket) -> None:
        self.client = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)
        self.server, _ = listener.accept()
        self.server.settimeout(PATIENCE)
        # Once something has come through, the proxy knows the connection.
        self.client.sendall(b"hello")
        assert self.server.recv(5) == b"hello"

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as it:
        it.bind(str(tmp_path / "s"))
        it.listen()
        it.settimeout(PATIENCE)
        yield it


@pytest.fixture
def proxy(listener: socket.socket) -> Iterator[Proxy]:
    with Proxy(socket=listener.getsockname()) as it:
        yield it


@pytest.fixture
def ends(proxy: Proxy, listener: socket.socket) -> Iterator[Ends]:
    it = Ends(proxy, listener)
    yield it
    it.close()


def is_reset(end: socket.socket) -> bool:
    try:
        return end.recv(100) == b""
    except ConnectionError:
        return True


def test_it_forwards_both_ways(ends: Ends) -> None:
    ends.client.sendall(b"question")
    assert ends.server.recv(100) == b"question"
    ends.server.sendall(b"answer")
    assert ends.client.recv(100) == b"answer"


def test_in_a_black_hole_nothing_arrives_until_it_ends(proxy: Proxy, ends: Ends) -> None:
    proxy.black_hole()
    ends.client.sendall(b"held up")
    ends.server.settimeout(0.2)
    with pytest.raises(TimeoutError):
        ends.server.recv(100)

    proxy.forward()
    ends.server.settimeout(PATIENCE)
    assert ends.server.recv(100) == b"held up"


def test_a_reset_is_seen_by_both(proxy: Proxy, ends: Ends) -> None:
    proxy.reset()

    assert is_reset(ends.client)
    assert is_reset(ends.server)


def test_half_closed_the_client_reads_an_end_and_is_still_heard(proxy: Proxy, ends: Ends) -> None:
    proxy.half_close()

    assert ends.client.recv(100) == b""
    ends.client.sendall(b"still here")
    assert ends.server.recv(100) == b"still here"


def test_a_lost_reply_is_one_that_says_that_all_is_done(proxy: Proxy, ends: Ends) -> None:
    proxy.lose_replies()
    ends.server.sendall(b"a row")
    assert ends.client.recv(100) == b"a row"

    ends.client.sendall(b"commit")
    assert ends.server.recv(100) == b"commit", "the server did what was asked"
    ends.server.sendall(b"done" + READY_AND_IDLE)
    assert is_reset(ends.client)


def test_other_replies_are_not_lost(proxy: Proxy, listener: socket.socket, ends: Ends) -> None:
    proxy.lose_replies()
    ends.server.sendall(READY_AND_IDLE)
    assert is_reset(ends.client)

    others = Ends(proxy, listener)
    others.server.sendall(READY_AND_IDLE)
    assert others.client.recv(100) == READY_AND_IDLE
    others.close()


def test_a_server_that_is_down_is_a_connection_that_ends(tmp_path: Path) -> None:
    with Proxy(socket=str(tmp_path / "nobody")) as proxy:
        client = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)
        assert is_reset(client)
        client.close()


def test_nothing_of_it_is_left_behind(listener: socket.socket) -> None:
    with Proxy(socket=listener.getsockname()) as proxy:
        ends = Ends(proxy, listener)

    assert is_reset(ends.client)
    assert "chaos-proxy" not in {thread.name for thread in threading.enumerate()}
    ends.close()


def test_who_connects_as_it_closes_sees_an_end(listener: socket.socket) -> None:
    clients: list[socket.socket] = []

    with Proxy(socket=listener.getsockname()) as proxy:

        async def connect_and_close() -> None:
            clients.append(socket.create_connection(("127.0.0.1", proxy.port), PATIENCE))
            # One round of the loop accepts it; the next would begin to serve it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await proxy.close()

        proxy.in_loop(connect_and_close())

    [client] = clients
    assert is_reset(client)
    client.close()
