"""A job that lacks nothing but its arguments."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.keys import fingerprint_of, unique_key_of
from django_jobqueue.core.payloads import dump_payload
from django_jobqueue.core.specs import NewJob

from .handlers import Handler
from .limiting import filled_key
from .options import JobOptions, stored_backoff


class Draft:
    """One handler with one set of options; `with_arguments` may be called any number of times.

    InvalidOptions where what the call said and what the handler says do not go together.
    """

    __slots__ = ("_blank", "_key_template", "_options", "handler")

    def __init__(self, handler: Handler, said: JobOptions, *, template: str | None = None) -> None:
        self.handler = handler
        self._options = options = handler.options_with(said)
        # A key that the call gives is taken as it is: it may be made of what users type.
        self._key_template = None if said.concurrency_key else options.concurrency_key
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
        payload = dump_payload(arguments, max_bytes=settings.max_payload_bytes)
        own_fingerprint = fingerprint_of(self.handler.name, spec.canonical(arguments))
        unique_key = options.unique_key
        if unique_key is None and options.wants_unique:
            unique_key = unique_key_of(
                self.handler.name,
                fingerprint=own_fingerprint,
                named=spec.named(arguments),
                unique=options.unique or False,
                unique_by=options.unique_by or (),
            )
        return msgspec.structs.replace(
            self._blank,
            concurrency_key=self._concurrency_key(spec.named(arguments)),
            payload=payload,
            **self._attempts(settings),
            fingerprint=options.fingerprint or own_fingerprint,
            unique_key=unique_key,
        )

    def _concurrency_key(self, named: Mapping[str, object]) -> str | None:
        template = self._key_template
        return self._blank.concurrency_key if template is None else filled_key(template, named)

    def _attempts(self, settings: JobQueueSettings) -> dict[str, Any]:
        backoff = self._options.backoff or settings.backoff
        if not backoff.allows_retry:
            return {"max_attempts": 1}
        if (said := self._options.max_attempts) is not None:
            return {"max_attempts": said}
        return {"max_attempts": settings.max_attempts, "max_attempts_is_default": True}
