"""How often a job may run, and which failures are worth another run."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from .backoff import Backoff, Exponential
from .errors import InvalidOptions

DEFAULT_MAX_ATTEMPTS = 3
_MOST = 32_767  # what the attempt columns hold

ErrorClasses = tuple[type[BaseException], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The limits of one handler or job.

    `retry_on=None` retries every failure, a tuple only those classes; `discard_on` wins over it.
    `max_reprocess_count=None` sets no bound, for jobs that poll by snoozing; `max_rescues=0` never
    runs a job again after its process died. With `backoff=NoRetry()` one attempt is allowed,
    whatever `max_attempts` says.
    """

    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    backoff: Backoff = field(default_factory=Exponential)
    retry_on: ErrorClasses | None = None
    discard_on: ErrorClasses = ()
    max_reprocess_count: int | None = 100
    max_rescues: int = 3

    def __post_init__(self) -> None:
        _check_count("max_attempts", self.max_attempts, least=1)
        _check_count("max_rescues", self.max_rescues, least=0)
        if self.max_reprocess_count is not None:
            _check_count("max_reprocess_count", self.max_reprocess_count, least=1)
        if not isinstance(self.backoff, Backoff):
            raise InvalidOptions(
                "backoff", f"must be a backoff such as Exponential(initial=5), not {self.backoff!r}"
            )
        _check_classes("retry_on", () if self.retry_on is None else self.retry_on)
        _check_classes("discard_on", self.discard_on)

    @classmethod
    def of(
        cls,
        *,
        max_attempts: int | None = None,
        max_retries: int | None = None,
        backoff: Backoff | None = None,
        retry_on: type[BaseException] | Iterable[type[BaseException]] | None = None,
        discard_on: type[BaseException] | Iterable[type[BaseException]] = (),
        max_reprocess_count: int | None = 100,
        max_rescues: int = 3,
    ) -> Self:
        """Return the policy of options as users write them: `max_retries=n`, one class or many."""
        return cls(
            max_attempts=attempts_of(max_attempts=max_attempts, max_retries=max_retries),
            backoff=Exponential() if backoff is None else backoff,
            retry_on=None if retry_on is None else _classes("retry_on", retry_on),
            discard_on=_classes("discard_on", discard_on),
            max_reprocess_count=max_reprocess_count,
            max_rescues=max_rescues,
        )

    @property
    def attempts_allowed(self) -> int:
        return self.max_attempts if self.backoff.allows_retry else 1

    def is_worth_retrying(self, error: BaseException) -> bool:
        if isinstance(error, self.discard_on):
            return False
        return self.retry_on is None or isinstance(error, self.retry_on)


def attempts_of(
    *,
    max_attempts: int | None = None,
    max_retries: int | None = None,
    default: int = DEFAULT_MAX_ATTEMPTS,
) -> int:
    """Return how many attempts are meant; `max_retries=n` means n + 1. InvalidOptions if both."""
    if max_retries is None:
        attempts = default if max_attempts is None else max_attempts
        _check_count("max_attempts", attempts, least=1)
        return attempts
    if max_attempts is not None:
        raise InvalidOptions(
            "max_retries",
            f"({max_retries}) and max_attempts ({max_attempts}) say the same thing twice: "
            "max_attempts counts the first run too. Give one of them.",
        )
    _check_count("max_retries", max_retries, least=0, most=_MOST - 1)
    return max_retries + 1


def _check_count(option: str, value: object, *, least: int, most: int = _MOST) -> None:
    if type(value) is not int or not least <= value <= most:
        raise InvalidOptions(
            option, f"must be a whole number from {least} to {most:,}, not {value!r}"
        )


def _classes(
    option: str, given: type[BaseException] | Iterable[type[BaseException]]
) -> ErrorClasses:
    if isinstance(given, type):
        return (given,)
    try:
        return tuple(given)
    except TypeError:
        raise InvalidOptions(option, f"must be exception classes, not {given!r}") from None


def _check_classes(option: str, classes: object) -> None:
    if not isinstance(classes, tuple):
        raise InvalidOptions(option, f"must be a tuple of exception classes, not {classes!r}")
    for entry in classes:
        if not (isinstance(entry, type) and issubclass(entry, BaseException)):
            raise InvalidOptions(option, f"must name exception classes; {entry!r} is none")
