"""A stand-in for the partner's API on this machine: a real HTTP server with secrets that expire."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, BrokenBarrierError, Lock, Thread
from uuid import uuid4

MEETING_SECONDS = 15.0


class PartnerAPI(ThreadingHTTPServer):
    """Counts what it is asked for.

    The first `meeting` requests with an expired secret are answered together, so that all of those
    who sent them are refused at the same time.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *, meeting: int = 1) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.renewals = self.refusals = self.answers = 0
        self._secret = uuid4().hex
        self._lock = Lock()
        self._meeting = Barrier(meeting, timeout=MEETING_SECONDS)
        self._size = meeting

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def is_accepted(self, secret: str) -> bool:
        """Say whether a secret has not expired; one that has is refused in company."""
        with self._lock:
            if secret == self._secret:
                self.answers += 1
                return True
            self.refusals += 1
            meets = self.refusals <= self._size
        if meets:
            self._meeting.wait()
        return False

    def renew(self) -> str:
        """Give out a new secret; the old one has expired."""
        with self._lock:
            self.renewals += 1
            self._secret = uuid4().hex
            return self._secret


class _Request(BaseHTTPRequestHandler):
    server: PartnerAPI  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        secret = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            accepted = self.server.is_accepted(secret)
        except BrokenBarrierError:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "too few came at once"})
        else:
            status = HTTPStatus.OK if accepted else HTTPStatus.UNAUTHORIZED
            self._answer(status, {"article": self.path} if accepted else {})

    def do_POST(self) -> None:
        self._answer(HTTPStatus.OK, {"secret": self.server.renew()})

    def _answer(self, status: HTTPStatus, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the counters tell it all."""


@contextmanager
def partner_api(*, meeting: int = 1) -> Iterator[PartnerAPI]:
    """Serve the API for the length of the block."""
    api = PartnerAPI(meeting=meeting)
    thread = Thread(target=api.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.shutdown()
        api.server_close()
        thread.join()
