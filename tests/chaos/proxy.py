"""A proxy between clients and a PostgreSQL server that can do what networks do."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self
from weakref import WeakSet

#: How a server says that it is idle: what was asked is done, and committed where it was to be.
READY_AND_IDLE = b"Z\x00\x00\x00\x05I"
CHUNK = 65_536
PATIENCE = 10.0


class _Link:
    """One client's connection, and the server's that belongs to it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.is_half_closed = False

    def reset(self) -> None:
        for side in (self.client, self.server):
            side.transport.abort()

    def half_close(self) -> None:
        """The client reads an end; what it writes still arrives."""
        self.is_half_closed = True
        if not self.client.is_closing():
            self.client.write_eof()


class Proxy:
    """Listens on `port` of 127.0.0.1 and forwards to the server's socket, on a thread of its own.

    Its verbs may be called from any thread, and take effect at once on every connection.
    """

    def __init__(self, *, socket: str) -> None:
        self.port = 0
        self._socket = socket
        self._links: set[_Link] = set()
        self._begun: WeakSet[asyncio.Task[Any] | None] = WeakSet()
        self._replies_to_lose = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos-proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        self.in_loop(self._open())
        return self

    def __exit__(self, *exception: object) -> None:
        self.in_loop(self.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def black_hole(self) -> None:
        """Forward nothing, in neither direction, until told otherwise; nobody is told."""
        self._loop.call_soon_threadsafe(self._gate.clear)

    def forward(self) -> None:
        """Forward again, what was held up first."""
        self._loop.call_soon_threadsafe(self._gate.set)

    def reset(self) -> None:
        """Reset every connection."""
        self._loop.call_soon_threadsafe(self._for_each, _Link.reset)

    def half_close(self) -> None:
        """Close every connection in one direction."""
        self._loop.call_soon_threadsafe(self._for_each, _Link.half_close)

    def lose_replies(self, count: int = 1) -> None:
        """Let the server do what is asked next, and reset that connection in place of the reply."""
        self._loop.call_soon_threadsafe(self._lose, count)

    def calm(self) -> None:
        """Do no harm any more."""
        self._loop.call_soon_threadsafe(self._calm)

    def _calm(self) -> None:
        self._replies_to_lose = 0
        self._gate.set()

    def _lose(self, count: int) -> None:
        self._replies_to_lose += count

    def _for_each(self, verb: Callable[[_Link], None]) -> None:
        for link in tuple(self._links):
            verb(link)

    def in_loop(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _open(self) -> None:
        self._gate = asyncio.Event()
        self._gate.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End every connection, those too that are only being made."""
        # One that was accepted as the server closes, and is not served yet, would never be ended.
        while asyncio.all_tasks().difference(self._begun, {asyncio.current_task()}):
            await asyncio.sleep(0)
        self._server.close()
        self._gate.set()
        while asyncio.all_tasks() - {asyncio.current_task()}:
            self._for_each(_Link.reset)
            await asyncio.sleep(0)
        # A transport that was aborted closes its socket in the round after.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._begun.add(asyncio.current_task())
        try:
            server, to_server = await asyncio.open_unix_connection(self._socket)
        except OSError:
            to_client.transport.abort()  # the server is down: so is what is behind this port
            return
        link = _Link(to_client, to_server)
        self._links.add(link)
        try:
            await asyncio.gather(self._requests(client, link), self._replies(server, link))
        except OSError:
            pass
        finally:
            link.reset()
            self._links.discard(link)

    async def _requests(self, client: asyncio.StreamReader, link: _Link) -> None:
        self._begun.add(asyncio.current_task())
        while data := await client.read(CHUNK):
            await self._gate.wait()
            link.server.write(data)
            await link.server.drain()
        link.server.close()

    async def _replies(self, server: asyncio.StreamReader, link: _Link) -> None:
        self._begun.add(asyncio.current_task())
        while data := await server.read(CHUNK):
            await self._gate.wait()
            if self._replies_to_lose and data.endswith(READY_AND_IDLE):
                self._replies_to_lose -= 1
                link.reset()
                return
            if not link.is_half_closed:
                link.client.write(data)
                await link.client.drain()
        link.client.close()
