"""Handlers of whole queues: they take what is enqueued without a handler of its own."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any, ClassVar, Unpack

from django_jobqueue.core.errors import InvalidHandler
from django_jobqueue.core.serialization import ArgumentSpec
from django_jobqueue.core.signatures import resolved_signature

from .context import JobContext
from .handlers import Handler, HandlerOptions
from .registry import Registry, name_of_queue_handler
from .registry import registry as registry_of_process
from .targets import Target, is_async

_PLAIN = Parameter.POSITIONAL_OR_KEYWORD
_CONTEXT = "context"


class QueueHandler(ABC):
    """Serves every job of one queue that names no handler of its own.

        class Mail(QueueHandler, max_attempts=5):
            queue = "mail"

            def process(self, context: JobContext, payload: dict[str, str]) -> None: ...

        Queue("mail").enqueue({"to": "ada@example.com"})

    A class that says `queue` registers itself as `queue:mail`, which is what its jobs bear as their
    handler; a second one for the same queue raises HandlerAlreadyRegistered, unless
    `replace=True`. It takes the options of @job as keywords of the class. Each job is given to a
    new instance.
    """

    queue: ClassVar[str]
    handler: ClassVar[Handler]

    def __init_subclass__(
        cls,
        *,
        replace: bool = False,
        registry: Registry = registry_of_process,
        **options: Unpack[HandlerOptions],
    ) -> None:
        super().__init_subclass__()
        if "queue" not in vars(cls):
            return  # a base of others
        options.setdefault("name", name_of_queue_handler(cls.queue))
        options["queue"] = cls.queue
        cls.handler = Handler.of(cls, target_of=_target_of, **options)
        registry.register(cls.handler, replace=replace)

    @abstractmethod
    def process(self, context: JobContext, payload: Any) -> Any:
        """Do the work of one job, sync or async; it answers as any handler does.

        `payload` is what was enqueued, converted by its annotation.
        """


def _target_of(declared: Any, *, name: str) -> Target:
    process = declared.process
    signature = resolved_signature(name, process)
    parameters = list(signature.parameters.values())
    if len(parameters) != 3 or any(each.kind is not _PLAIN for each in parameters):
        raise InvalidHandler(name, "process() takes self, the context and the payload.")
    # By position: the stored form does not depend on what this class calls it.
    payload = parameters[2].replace(kind=Parameter.POSITIONAL_ONLY)
    return Target(
        function=_processing(declared),
        arguments=ArgumentSpec(name, Signature([payload]), context_parameter=_CONTEXT),
        is_async=is_async(process, name),
        context_parameter=_CONTEXT,
    )


def _processing(declared: type[QueueHandler]) -> Callable[..., Any]:
    def process(payload: Any, *, context: JobContext) -> Any:
        return declared().process(context, payload)

    return process
