"""Handlers that do what a test says: `acts` under a name, each call of which is in `told`."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from asgiref.sync import sync_to_async

from django_jobqueue import Constant, JobContext, PermitStrategy, TryAfter, job
from django_jobqueue.core.specs import ClaimedJob

acts: dict[str, Callable[[], object]] = {}
told: list[str] = []


class Broken(Exception):
    """What handlers raise on purpose."""


def _perform(name: str) -> object:
    told.append(name)
    return acts[name]() if name in acts else None


@job(name="testing.act", backoff=Constant(60, jitter=0))
def act(name: str) -> object:
    return _perform(name)


@job(name="testing.act_async", backoff=Constant(60, jitter=0))
async def act_async(context: JobContext, name: str) -> object:
    await context.aprogress(1, 2)
    await context.aprogress(2, 2)
    return await sync_to_async(_perform)(name)


@job(name="testing.act_in_transaction", transactional=True, timeout=10, backoff=Constant(60))
def act_in_transaction(name: str) -> object:
    return _perform(name)


@job(name="testing.limited", max_running=2)
def limited(name: str) -> object:
    return _perform(name)


@job(name="testing.rated", rate="1/m")
def rated(name: str) -> object:
    return _perform(name)


@job(name="testing.isolated", isolation="process")
def isolated(name: str) -> object:
    return _perform(name)


@job(name="testing.add")
def add(first: int, second: int = 1) -> int:
    return first + second


def break_down() -> None:
    raise Broken("on purpose")


#: What the strategies below answer, first come first served.
asked: list[bool] = []


class Sync(PermitStrategy):
    def acquire(self, job: ClaimedJob) -> AbstractContextManager[None] | TryAfter:
        return nullcontext() if asked.pop(0) else TryAfter(60)


class Async(PermitStrategy):
    async def acquire(self, job: ClaimedJob) -> AbstractContextManager[None] | TryAfter:
        return nullcontext() if asked.pop(0) else TryAfter(60)


@job(name="testing.permitted", permits=[Sync()])
def permitted(name: str) -> object:
    return _perform(name)


@job(name="testing.permitted_async", permits=[Async()])
async def permitted_async(name: str) -> object:
    return _perform(name)


@job(name="testing.at")
def at(moment: datetime) -> None:
    told.append(moment.isoformat())


@job(name="testing.nightly")
def nightly() -> None:
    told.append("nightly")
