"""Whether what waits in the database can still be run: by the handlers of this process, which may
be those of the release that is about to be deployed.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from functools import partial

from django_jobqueue import conf
from django_jobqueue.core.errors import HandlerNotRegistered, InvalidArguments, JobQueueError
from django_jobqueue.core.queued import (
    Misfit,
    MisfitExample,
    Queued,
    QueuedCall,
    QueuedKind,
    QueuedStretch,
)
from django_jobqueue.core.schedules import ScheduleSnapshot, StoredTemplate
from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import DeathReason
from django_jobqueue.store import JobStore

from . import listing
from .declarations import declarations
from .handlers import Handler
from .registry import Registry, name_of_queue_handler
from .registry import registry as registry_of_process
from .schedules import job_to_repeat
from .site import site_store
from .templates import read

STRETCH = 200  #: payloads are held in memory, and each may be large
#: Each read is a short one; who asks is no probe, and rather waits than asks again.
READ_LIMIT = timedelta(seconds=30)
EXAMPLES = 5
DEFAULT_QUEUE = NewJob(handler="").queue


def check_queued(
    queues: Collection[str] = (), *, registry: Registry = registry_of_process
) -> Queued:
    """Return which stored calls the handlers of this process cannot run: of live jobs, of batches
    that have not finished, of schedules and of templates; of these queues, or of all.

    All of them are read, in short stretches and without a lock: what changes meanwhile may be
    missed. ReadTooSlow, or Django's DatabaseError, where the database does not answer.
    """
    store = site_store()
    looked_at = Counter(dict.fromkeys(QueuedKind, 0))
    found = _Findings(registry)
    for call in _calls(store, queues, registry):
        if not queues or not call.queue or call.queue in queues:
            looked_at[call.kind] += 1
            found.judge(call)
    return Queued(looked_at=looked_at, misfits=found.misfits())


class _Findings:
    """Keeps numbers and a few examples, however much does not fit."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._counts: Counter[tuple[QueuedKind, str, DeathReason]] = Counter()
        self._examples: dict[tuple[QueuedKind, str, DeathReason], dict[str, MisfitExample]] = {}

    def judge(self, call: QueuedCall) -> None:
        handler = call.handler or name_of_queue_handler(call.queue)
        try:
            _check(call, self._registry.get(handler))
        except HandlerNotRegistered as error:
            self._note(call, handler, DeathReason.HANDLER_MISSING, str(error))
        except InvalidArguments as error:
            self._note(call, handler, DeathReason.UNPROCESSABLE, error.outline)
        except JobQueueError as error:
            self._note(call, handler, DeathReason.UNPROCESSABLE, str(error))

    def _note(self, call: QueuedCall, handler: str, reason: DeathReason, why: str) -> None:
        about = (call.kind, handler, reason)
        self._counts[about] += 1
        examples = self._examples.setdefault(about, {})
        if len(examples) < EXAMPLES and why not in examples:
            examples[why] = MisfitExample(named=call.named, queue=call.queue, why=why)

    def misfits(self) -> tuple[Misfit, ...]:
        """By kind and handler, so that two looks at the same tell the same."""
        kinds = list(QueuedKind)
        order = sorted(self._counts, key=lambda about: (kinds.index(about[0]), *about[1:]))
        return tuple(
            Misfit(
                kind=kind,
                handler=handler,
                reason=reason,
                count=self._counts[kind, handler, reason],
                examples=tuple(self._examples[kind, handler, reason].values()),
            )
            for kind, handler, reason in order
        )


def _check(call: QueuedCall, handler: Handler) -> None:
    """Convert the arguments as a worker does, and of a template check all that its use would."""
    args, kwargs = handler.arguments_of(call.payload, later=call.later)
    if call.options is not None:
        job_to_repeat(handler, read(call.options), args, kwargs)


def _calls(store: JobStore, queues: Collection[str], registry: Registry) -> Iterator[QueuedCall]:
    with store.reading(at_most=READ_LIMIT):
        last = store.last_job_id()
    jobs = partial(store.queued_jobs, last=last, queues=queues)
    yield from _in_stretches(store, jobs)
    yield from _in_stretches(store, store.queued_by_batches)
    yield from map(_of_schedule, filter(_is_kept(registry), listing.schedules()))
    yield from (_of_template(one, registry) for one in listing.templates())


def _in_stretches(store: JobStore, read: Callable[..., QueuedStretch]) -> Iterator[QueuedCall]:
    after: int | None = 0
    while after is not None:
        with store.reading(at_most=READ_LIMIT):
            stretch = read(after=after, limit=STRETCH)
        yield from stretch.calls
        after = stretch.up_to


def _is_kept(registry: Registry) -> Callable[[ScheduleSnapshot], bool]:
    """A declared schedule is brought in step when a worker starts, unless its declaration is wrong;
    a disabled one enqueues nothing.
    """
    declared = declarations(registry, conf.current())
    wrong = {name for name, found in declared if isinstance(found, JobQueueError)}
    return lambda schedule: (
        schedule.disabled_at is None
        and (not schedule.source.is_declaration or schedule.name in wrong)
    )


def _of_schedule(schedule: ScheduleSnapshot) -> QueuedCall:
    return QueuedCall(
        kind=QueuedKind.SCHEDULE,
        named=schedule.name,
        handler=schedule.handler,
        queue=str(schedule.options.get("queue", DEFAULT_QUEUE)),
        payload=schedule.payload,
    )


def _of_template(template: StoredTemplate, registry: Registry) -> QueuedCall:
    queue = template.options.get("queue")
    if queue is None and template.handler in registry:
        queue = registry.get(template.handler).options.queue or DEFAULT_QUEUE
    return QueuedCall(
        kind=QueuedKind.TEMPLATE,
        named=template.name,
        handler=template.handler,
        queue=str(queue or ""),
        payload=template.payload,
        options=template.options,
    )
