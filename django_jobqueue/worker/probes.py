"""`/livez`, `/readyz` and `/metrics` of a worker, over HTTP."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, NamedTuple

from django_jobqueue.conf import Address
from django_jobqueue.core.clock import monotonic
from django_jobqueue.events import EventBus
from django_jobqueue.service import ServiceTask, ServiceTaskKind, StopReceiver, TickingTask
from django_jobqueue.service.threads import service_thread

from .metrics import Metrics, PlainMetrics, metrics_of_site
from .standing import Standing

logger = logging.getLogger(__name__)

PLAIN = "text/plain; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Answer(NamedTuple):
    status: HTTPStatus
    body: str
    content_type: str = PLAIN


class Probes(TickingTask):
    """Looks once a second how the worker stands, and answers with that, however many ask.

    It listens for as long as the service runs, so also while the worker drains: then it is alive,
    but not ready. An address that cannot be had is an error of registration: nothing runs then.
    Whether the database answers has no say in whether the worker is alive.
    """

    id = "probes"
    kind = ServiceTaskKind.UNCONSTRAINED_TASK
    #: A loop of this process that did not get round for so long does not live.
    STALE_SECONDS = 10.0

    def __init__(
        self,
        address: Address,
        *,
        look: Callable[[], Standing],
        events: EventBus,
        metrics: Metrics | None = None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(interval=1.0, max_backoff=1.0)
        self._address, self._look, self._events, self._elapsed = address, look, events, elapsed
        self._metrics = metrics or PlainMetrics()
        self._standing = Standing(why_not_ready="preconditions do not hold")
        self._looked_at = elapsed()
        self._is_stopping = False

    @contextmanager
    def around(self) -> Iterator[None]:
        with ExitStack() as undo:
            server = undo.enter_context(self._server())
            thread = service_thread("probes-server", partial(server.serve_forever, 0.1))
            thread.start()
            undo.callback(thread.join)
            undo.callback(server.shutdown)
            undo.enter_context(self._metrics.listening(self._events))
            host, port = server.server_address[:2]
            self._events.emit("probes.listening", host=host, port=port)
            yield

    def run(self, stop: StopReceiver) -> None:
        super().run(stop)
        self._is_stopping = True
        self._standing = Standing(why_not_ready="stopping")

    def tick(self) -> None:
        self._standing = self._look()
        self._looked_at = self._elapsed()

    def answer(self, path: str) -> Answer:
        """Return what is said to who asks for this path."""
        standing = self._standing
        match path.partition("?")[0]:
            case "/livez" if self._is_alive():
                return Answer(HTTPStatus.OK, "alive\n")
            case "/livez":
                return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "not alive\n")
            case "/readyz" if not self._is_alive():
                return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "not ready: not alive\n")
            case "/readyz" if standing.why_not_ready is None:
                return Answer(HTTPStatus.OK, "ready\n")
            case "/readyz":
                body = f"not ready: {standing.why_not_ready}\n"
                return Answer(HTTPStatus.SERVICE_UNAVAILABLE, body)
            case "/metrics":
                body = self._metrics.exposition(standing)
                return Answer(HTTPStatus.OK, body, PROMETHEUS)
        return Answer(HTTPStatus.NOT_FOUND, "not found\n")

    def _is_alive(self) -> bool:
        # The service bounds what comes after stop.
        return self._is_stopping or self._elapsed() - self._looked_at < self.STALE_SECONDS

    def _server(self) -> "_Server":
        try:
            return _Server(self._address, self.answer)
        except OSError as error:
            why = error.strerror or error
            raise OSError(f"cannot listen on {self._address}: {why}") from error


def probing(
    address: Address, *, look: Callable[[], Standing], events: EventBus
) -> list[ServiceTask]:
    """Return the probes of a worker, and what its metrics need besides."""
    metrics = metrics_of_site()
    return [*metrics.tasks(), Probes(address, look=look, events=events, metrics=metrics)]


class _Server(ThreadingMixIn, TCPServer):
    """HTTPServer would look up its own name first, and wait for a resolver that is away."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: Address, answer: Callable[[str], Answer]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.answer = answer
        super().__init__((address.host, address.port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up before the answer is no news."""
        logger.debug("a probe was not answered", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = 5.0  #: for who connects and says nothing
    server_version, sys_version = "jobqueue", ""

    def do_GET(self) -> None:
        self._reply(self.server.answer(self.path))

    def do_HEAD(self) -> None:
        self.do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Repeat nothing of a request that was not understood."""
        self._reply(Answer(HTTPStatus(code), "refused\n"))

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every second: say nothing."""

    def _reply(self, answer: Answer) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
