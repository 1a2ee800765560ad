"""Putting the points where they belong: around the exchange of the pump, and around each sync
handler.
"""

import functools
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections

from django_jobqueue.store.postgresql import PostgreSQLStore
from django_jobqueue.store.sqlite import SQLiteStore
from django_jobqueue.worker.timeouts import TimeoutWatch

from .points import Action, Failpoints, Point

END_MYSELF = "SELECT pg_terminate_backend(pg_backend_pid())"


class Struck(RuntimeError):
    """What `raise` raises."""


def install(failpoints: Failpoints) -> None:
    """Put all points in the way of this process; once."""
    for store in (SQLiteStore, PostgreSQLStore):
        store.finish_and_claim = _around_exchange(store.finish_and_claim, failpoints)  # type: ignore[attr-defined,method-assign]
    TimeoutWatch.run = _around_handlers(TimeoutWatch.run, failpoints)  # type: ignore[method-assign]


def _around_exchange(exchange: Callable[..., Any], failpoints: Failpoints) -> Callable[..., Any]:
    @functools.wraps(exchange)
    def exchange_with_points(store: Any, finished: Any, **claim: Any) -> Any:
        def reach(point: Point) -> None:
            _act(
                failpoints.take(point), point, terminate=lambda: store.session.rows(END_MYSELF, {})
            )

        if finished:
            reach(Point.BEFORE_FINISH_COMMIT)
        if claim["wanted"]:
            reach(Point.BEFORE_CLAIM_COMMIT)
        held, claimed = exchange(store, finished, **claim)
        if finished:
            reach(Point.AFTER_FINISH_COMMIT)
        if claimed:
            reach(Point.AFTER_CLAIM_COMMIT)
        return held, claimed

    return exchange_with_points


def _around_handlers(run: Callable[..., Any], failpoints: Failpoints) -> Callable[..., Any]:
    @functools.wraps(run)
    def run_with_points(watch: Any, held: Any, call: Callable[[], Any]) -> Any:
        def reach(point: Point) -> None:
            _act(failpoints.take(point), point, terminate=_terminate_own_connection)

        def call_with_points() -> Any:
            reach(Point.BEFORE_HANDLER)
            answer = call()
            reach(Point.AFTER_HANDLER)
            return answer

        return run(watch, held, call_with_points)

    return run_with_points


def _act(action: Action | None, point: Point, *, terminate: Callable[[], object]) -> None:
    # The signals go to this thread, which so does nothing more before they are heeded.
    match action:
        case Action.KILL:
            signal.pthread_kill(threading.get_ident(), signal.SIGKILL)
        case Action.PAUSE:
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        case Action.RAISE:
            raise Struck(f"at {point}, in process {os.getpid()}")
        case Action.TERMINATE:
            terminate()


def _terminate_own_connection() -> None:
    """Of the handler, who hears of it when it uses the connection next."""
    with suppress(DatabaseError), connections["default"].cursor() as cursor:
        cursor.execute(END_MYSELF)
