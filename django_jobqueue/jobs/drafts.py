"""A job that lacks nothing but its arguments."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.keys import fingerprint_of, unique_key_of
from django_jobqueue.core.payloads import dump_arguments, dump_payload
from django_jobqueue.core.specs import NewJob

from .handlers import Handler
from .limiting import filled_key
from .options import JobOptions, stored_backoff


class Draft:
    """One handler with one set of options; `with_arguments` may be called any number of times.

    InvalidOptions where what the call said and what the handler says do not go together.
    """

    __slots__ = ("_blank", "_filled", "_has_keys", "_key_template", "_options", "handler")

    def __init__(self, handler: Handler, said: JobOptions, *, template: str | None = None) -> None:
        self.handler = handler
        self._options = options = handler.options_with(said)
        # A key that the call gives is taken as it is: it may be made of what users type.
        self._key_template = None if said.concurrency_key else options.concurrency_key
        self._has_keys = options.wants_unique or self._key_template is not None
        self._blank = NewJob(
            handler=handler.name,
            queue=options.queue or "default",
            priority=options.priority or 0,
            run_at=options.run_at,
            delay=options.delay or 0.0,
            expires_at=options.expires_at,
            timeout_seconds=options.timeout,
            # The handler's own is looked up when the job fails, and may have changed by then.
            backoff=None if said.backoff is None else stored_backoff(said.backoff),
            unique_while=options.unique_while or "live",
            unique_for=options.unique_for,
            on_conflict=options.on_conflict or "skip",
            concurrency_key=said.concurrency_key,
            # The handler's own is looked up when the job is claimed, and may have changed by then.
            key_limit=said.key_limit,
            tags=dump_payload(options.tags or ()),
            meta=dump_payload(options.meta or {}),
            template=template,
            result_as=said.result_as,
            batch_id=said.batch,
        )
        #: The settings that were last in force, and the job with what they say.
        self._filled: tuple[JobQueueSettings | None, NewJob] = (None, self._blank)

    @property
    def timeout(self) -> float | None:
        """Seconds that the handler may take."""
        return self._blank.timeout_seconds

    def with_arguments(
        self,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        *,
        settings: JobQueueSettings,
    ) -> NewJob:
        """Return the job; InvalidArguments for a call that does not fit the handler's signature,
        PayloadError for arguments that cannot be stored.
        """
        spec, options = self.handler.arguments, self._options
        arguments = spec.bind(args, kwargs, later=options.result_as)
        payload = dump_arguments(arguments, max_bytes=settings.max_payload_bytes)
        fingerprint = fingerprint_of(self.handler.name, spec.canonical(arguments))
        job = msgspec.structs.replace(
            self._blank_under(settings),
            payload=payload,
            fingerprint=options.fingerprint or fingerprint,
        )
        if not self._has_keys:
            return job
        return self._with_keys(job, arguments, fingerprint=fingerprint)

    def _blank_under(self, settings: JobQueueSettings) -> NewJob:
        known, blank = self._filled  # read once: another thread may be at it
        if known is not settings:
            blank = msgspec.structs.replace(self._blank, **self._attempts(settings))
            self._filled = settings, blank
        return blank

    def _with_keys(
        self, job: NewJob, arguments: Mapping[str, object], *, fingerprint: str
    ) -> NewJob:
        options, template = self._options, self._key_template
        named = self.handler.arguments.named(arguments)
        unique_key = options.unique_key
        if unique_key is None and options.wants_unique:
            unique_key = unique_key_of(
                self.handler.name,
                fingerprint=fingerprint,
                named=named,
                unique=options.unique or False,
                unique_by=options.unique_by or (),
            )
        key = job.concurrency_key if template is None else filled_key(template, named)
        return msgspec.structs.replace(job, unique_key=unique_key, concurrency_key=key)

    def _attempts(self, settings: JobQueueSettings) -> dict[str, Any]:
        backoff = self._options.backoff or settings.backoff
        if not backoff.allows_retry:
            return {"max_attempts": 1}
        if (said := self._options.max_attempts) is not None:
            return {"max_attempts": said}
        return {"max_attempts": settings.max_attempts, "max_attempts_is_default": True}
