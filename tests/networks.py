"""A network of its own in this machine, and hosts in it, each with a name and a cable of its own.

They are namespaces, held open by this process alone: nothing is left when it has ended, however it
ended. They take root, and Debian's package iproute2.
"""

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

#: All addresses there can be in such a network; nobody outside of it sees them.
ADDRESSES = "10.213.0.0/16"
#: Each kind of namespace, and the number by which the system knows it.
KINDS = {"net": 0x40000000, "uts": 0x04000000}

_libc = ctypes.CDLL(None, use_errno=True)


class _Place:
    """A network and a host name, which a thread can enter."""

    def __init__(self, stack: ExitStack) -> None:
        namespaces = Path("/proc/thread-self/ns")
        self._files: dict[str, BinaryIO] = {
            kind: stack.enter_context((namespaces / kind).open("rb")) for kind in KINDS
        }

    @property
    def network(self) -> str:
        """The file by which other processes find the network."""
        return f"/proc/{os.getpid()}/fd/{self._files['net'].fileno()}"

    def enter(self) -> None:
        for kind, file in self._files.items():
            _call("setns", file.fileno(), KINDS[kind])


class Host:
    """A host that reaches this side of its cable at the address `server`."""

    def __init__(self, name: str, *, cable: str, server: str, place: _Place) -> None:
        self.name, self.server = name, server
        self._cable, self._place = cable, place

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let this thread be there; processes that it starts meanwhile stay there."""
        with _coming_back():
            self._place.enter()
            yield

    def unplug(self) -> None:
        """Nothing comes through from now on, in either direction, and nobody is told."""
        _ip("link", "set", self._cable, "down")

    def plug_in(self) -> None:
        _ip("link", "set", self._cable, "up")

    def url(self, url: str) -> str:
        """Return the URL of the database by which it is reached from there."""
        return urlsplit(url)._replace(netloc=f"postgres@{self.server}", query="").geturl()


@contextmanager
def own_network() -> Iterator[None]:
    """Let this thread, and the processes that it starts, be in a network of their own: the side of
    the server.
    """
    with _coming_back():
        _leave()
        _ip("link", "set", "lo", "up")
        yield


@contextmanager
def joined_hosts(*names: str) -> Iterator[list[Host]]:
    """Yield hosts whose cables are plugged into the network that this thread is in."""
    with ExitStack() as stack:
        yield [_joined(name, number=n, stack=stack) for n, name in enumerate(names, start=1)]


def _joined(name: str, *, number: int, stack: ExitStack) -> Host:
    cable, server, address = f"cable{number}", f"10.213.{number}.1", f"10.213.{number}.2"
    with _coming_back():
        _leave()
        socket.sethostname(name)
        place = _Place(stack)
    _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", place.network)
    _ip("address", "add", f"{server}/24", "dev", cable)
    host = Host(name, cable=cable, server=server, place=place)
    with host.inside():
        _ip("address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("link", "set", device, "up")
    host.plug_in()
    return host


def program() -> str | None:
    """Return where `ip` is, or None; an ordinary user's PATH lacks the folder it is in."""
    return shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def refusal() -> str | None:
    """Return why this machine lets nobody have such a network, or None where it does."""
    if program() is None:
        return "not installed: iproute2; on Debian, 'apt-get install iproute2'"
    try:
        with own_network(), joined_hosts("asked"):
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None) or error
        return f"no network of its own can be had, which takes root: {told}".strip()


@contextmanager
def _coming_back() -> Iterator[None]:
    with ExitStack() as stack:
        place = _Place(stack)
        try:
            yield
        finally:
            place.enter()


def _leave() -> None:
    """Be in a network without devices, and under a name that nobody else has."""
    _call("unshare", sum(KINDS.values()))


def _call(name: str, *arguments: int) -> None:
    # Of the os module from Python 3.12 on.
    if getattr(_libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _ip(*arguments: str) -> None:
    command = [program() or "ip", *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)
