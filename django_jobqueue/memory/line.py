"""Single flight: the first caller gets the token and works, the others wait for it and go on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from .errors import LineLost
from .holds import Hold, LineBackend, LineWait, ProcessBackend

logger = logging.getLogger("django_jobqueue.memory")

PROCESS = "process"

#: Where lines of each scope are kept; a scope that needs Django joins when Django is set up.
_backends: dict[str, Callable[[], LineBackend]] = {PROCESS: ProcessBackend}


def provide_scope(scope: str, backend: Callable[[], LineBackend]) -> None:
    """Let `Line(name, scope=scope)` be kept by what `backend()` returns."""
    _backends[scope] = backend


class LineStatus(StrEnum):
    """Whether somebody holds the token of a line."""

    FREE = "free"
    BUSY = "busy"


class Token:
    """The right to work while the others wait, until it is released: by `release()`, at the end of
    a `with` or `async with` block, or when nobody refers to it any more.
    """

    __slots__ = ("_hold", "_lender", "_rights", "line")

    def __init__(self, line: "Line", hold: Hold, *, lender: "Token | None" = None) -> None:
        self.line: Line = line
        self._hold = hold
        self._lender = lender  # kept alive: what was borrowed must not be dropped meanwhile
        self._rights = [True]  # taken out by the one call that releases it, which is atomic

    @property
    def is_held(self) -> bool:
        """Whether it was neither released nor lost."""
        return not (self._was_released or self.is_lost)

    @property
    def is_lost(self) -> bool:
        """Whether somebody else may hold the line by now; never, within a process."""
        return self._hold.is_lost

    def check(self) -> None:
        """Raise LineLost if somebody else may hold the line; long work calls it now and then."""
        if self.is_lost:
            raise LineLost(self.line.name)

    def release(self) -> None:
        """Free the line and wake all who wait. The second time only warns in the log."""
        if self._is_first_release():
            self._hold.release()

    async def arelease(self) -> None:
        """As `release`."""
        if self._is_first_release():
            await self._hold.arelease()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.arelease()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._hold is other._hold

    def __hash__(self) -> int:
        return hash(self._hold)

    def __repr__(self) -> str:
        return f"<Token of {self.line!r}, {'held' if self.is_held else 'not held'}>"

    def __del__(self) -> None:
        if self._lender is None:
            self._hold.drop()

    @property
    def _was_released(self) -> bool:
        return not self._rights or (self._lender is not None and self._lender._was_released)

    def _is_first_release(self) -> bool:
        """Whether there is something to release now; the lender of a borrowed token does that."""
        try:
            self._rights.pop()
        except IndexError:
            logger.warning("a token of the line %r was released before", self.line.name)
            return False
        return self._lender is None

    def _lent(self) -> "Token":
        return Token(self.line, self._hold, lender=self)


@dataclass(frozen=True, slots=True)
class Acquired:
    """The line was free, and the caller works now."""

    token: Token

    def or_token(self, token: Token | None) -> "Acquired":
        """Return this answer: no other token is needed."""
        return self


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else works. `shared.wait()`, or awaiting `shared`, returns once they are done."""

    shared: LineWait
    line: "Line"

    def or_token(self, token: Token | None) -> "Acquired | Busy":
        """Return `Acquired` if `token` is the one that holds the line, and this answer otherwise.

        So a function that was handed its caller's token, or None, works in its turn. What it
        acquires so is borrowed: releasing it does nothing, the caller's own token decides.
        ValueError for the token of another line.
        """
        if token is None:
            return self
        if token.line is not self.line:
            raise ValueError(f"{token!r} gives no right to {self.line!r}")
        return Acquired(token._lent()) if token.is_held else self


class Line:
    """Work that one caller at a time does, while the others wait for it to be done.

    `scope="process"` is for the threads and coroutines that share this object; `name` is for the
    log. With `scope="cluster"` all workers and web processes that use the same name share the line,
    on a leased row that a dead holder loses. `backend` keeps it wherever else you like.
    """

    def __init__(
        self, name: str = "", *, scope: str = PROCESS, backend: LineBackend | None = None
    ) -> None:
        self.name = name
        self._backend = _backend_of(scope) if backend is None else backend

    def try_acquire_token(self) -> Acquired | Busy:
        """Take the token if the line is free; never waits for anybody who holds it."""
        return self._told(self._backend.try_hold(self.name))

    async def atry_acquire_token(self) -> Acquired | Busy:
        """As `try_acquire_token`."""
        return self._told(await self._backend.atry_hold(self.name))

    def status(self) -> LineStatus:
        """Look, and touch nothing: the answer may be wrong by the time it is read."""
        return _status(self._backend.is_held(self.name))

    async def astatus(self) -> LineStatus:
        """As `status`."""
        return _status(await self._backend.ais_held(self.name))

    def __repr__(self) -> str:
        return f"Line({self.name!r})"

    def _told(self, answer: Hold | LineWait) -> Acquired | Busy:
        if isinstance(answer, Hold):
            return Acquired(Token(self, answer))
        return Busy(answer, self)


def _status(is_held: bool) -> LineStatus:
    return LineStatus.BUSY if is_held else LineStatus.FREE


def _backend_of(scope: str) -> LineBackend:
    try:
        return _backends[scope]()
    except KeyError:
        raise ValueError(
            f"scope={scope!r} must be one of {', '.join(map(repr, _backends))}. For 'cluster', "
            "django_jobqueue must be in INSTALLED_APPS, and Django set up."
        ) from None
