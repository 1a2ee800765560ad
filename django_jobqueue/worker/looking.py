"""When a pump asks its queues for work."""

import math
import random
from collections.abc import Callable

from django_jobqueue.core.clock import monotonic

from .heard import Heard


class Looking:
    """At once when somebody asked or when more is known to be there; else at growing intervals.

    After work it stays attentive for a while, because a wake-up may have been held back by its
    debounce; then it settles at `poll_seconds`, spread by a tenth so that workers do not march in
    step. Where others look too, it goes on to `longest_seconds` while nobody asks and nothing is in
    hand.

    Who was told of a job, and did not hear so many wake-ups that another may have been held back,
    settles with the first look that saw everything.
    """

    FIRST_PAUSE, ATTENTIVE_PAUSE, ATTENTIVE_SECONDS = 0.005, 0.02, 0.25

    def __init__(
        self,
        *,
        poll_seconds: float,
        longest_seconds: float | None = None,
        debounce_seconds: float = math.inf,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._poll_seconds, self._elapsed = poll_seconds, elapsed
        self._longest_seconds = longest_seconds or poll_seconds
        self._pause = self.FIRST_PAUSE
        self._next_at = 0.0
        self._found_at = 0.0
        self.is_asked = True  #: there may be work right now
        self.in_vain = False  #: whether the last look that had room for anything found nothing
        self._is_woken = False
        self.was_woken = False  #: whether somebody asked for the look that is being taken
        self._heard = Heard(debounce_seconds=debounce_seconds)
        self._is_told = self._was_told = self._was_found_told = self._is_bounded = False

    def ask(self, *, told: bool = False) -> None:
        """Look at once; from any thread. Who was `told` heard a wake-up of who enqueues."""
        if told:
            self._heard.add(self._elapsed())
            self._is_told = True
        self.is_asked = self._is_woken = True

    def ask_in(self, seconds: float) -> None:
        """Look no later than in so many seconds."""
        self._next_at = min(self._next_at, self._elapsed() + seconds)
        self._is_bounded = True

    @property
    def due_in(self) -> float:
        """Seconds until the next look."""
        return 0.0 if self.is_asked else max(0.0, self._next_at - self._elapsed())

    def begin(self) -> None:
        """A look is being taken: what is asked from now on is for the next one."""
        self.is_asked = False
        self.was_woken, self._is_woken = self._is_woken, False
        self._was_told, self._is_told = self._is_told, False
        self._is_bounded = False

    def found(self, count: int, *, of: int, in_hand: bool = False, had_room: bool = True) -> None:
        """The look found `count` jobs where it asked for `of`: a full answer says there is more.
        Without room for what its queues hold it asked for nothing, and nothing is known of them.
        """
        now = self._elapsed()
        if count or had_room:
            self.in_vain = not count
        if count:
            self._pause, self._found_at = self.FIRST_PAUSE, now
            self._was_found_told = self._was_told
            self.is_asked = self.is_asked or count >= of
        else:
            is_at_work = in_hand or self.was_woken
            usual = self._poll_seconds if is_at_work else self._longest_seconds
            longest = self.ATTENTIVE_PAUSE if self._is_attentive(now) else usual
            self._pause = min(self._pause * 2, longest)
        self._rest_from(now, self._pause)

    def saw(self, *, everything: bool) -> None:
        """The look found nothing in `everything` there is, or passed something over."""
        if not everything or not self._was_found_told or self._is_bounded:
            return
        now, last = self._elapsed(), max(self._found_at, self._heard.last)
        if not self._heard.are_many(now):
            # The first jobs under a limit are passed over until limits are asked for again.
            is_recent = self.was_woken or now - last < self._poll_seconds
            self._rest_from(now, self._poll_seconds if is_recent else self._longest_seconds)

    def _is_attentive(self, now: float) -> bool:
        """Whether work was found just now, or heard of so often that more may be there."""
        since = self._found_at
        if self._heard.are_many(now):
            since = max(since, self._heard.last)
        return now - since < self.ATTENTIVE_SECONDS

    def _rest_from(self, now: float, seconds: float) -> None:
        self._next_at = now + seconds * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
