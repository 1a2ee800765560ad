"""When a pump asks its queues for work."""

import math
import random
from collections import deque
from collections.abc import Callable

from django_jobqueue.core.clock import monotonic
from django_jobqueue.jobs.wakeups import BURST


class Looking:
    """At once when somebody asked or when more is known to be there; else at growing intervals.

    After work it stays attentive for a while, because a wake-up may have been held back by its
    debounce; then it settles at `poll_seconds`, spread by a tenth so that workers do not march in
    step. Where others look too, it goes on to `longest_seconds` while nobody asks and nothing is in
    hand.

    Who enqueues holds a wake-up back only where it follows ten within ten times its
    `debounce_seconds`. Who was told of a job, and did not hear so many, settles at once.
    """

    FIRST_PAUSE, ATTENTIVE_PAUSE, ATTENTIVE_SECONDS = 0.005, 0.02, 0.25
    #: As much longer may those be heard that were sent within some time.
    LATE = 1.2

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
        self._debounce_seconds = debounce_seconds
        self._told_at: deque[float] = deque(maxlen=BURST - 1)
        self._is_told = self._was_told = self._was_found_told = self._is_bounded = False

    def ask(self, *, told: bool = False) -> None:
        """Look at once; from any thread. Who was `told` heard a wake-up of who enqueues."""
        if told:
            now = self._elapsed()
            # Of the first that is heard nobody knows how many others went before it.
            self._told_at.extend([now] * (1 if self._told_at else BURST))
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
            attentive = now - self._found_at < self.ATTENTIVE_SECONDS
            is_at_work = in_hand or self.was_woken
            usual = self._poll_seconds if is_at_work else self._longest_seconds
            longest = self.ATTENTIVE_PAUSE if attentive else usual
            self._pause = min(self._pause * 2, longest)
        self._rest_from(now, self._pause)

    def saw(self, *, everything: bool) -> None:
        """The look found nothing in `everything` there is, or passed something over."""
        if not everything or not self._was_found_told or self._is_bounded:
            return
        now, last = self._elapsed(), max(self._found_at, self._told_at[-1])
        if not self._hears_many(now):
            # The first jobs under a limit are passed over until limits are asked for again.
            is_recent = self.was_woken or now - last < self._poll_seconds
            self._rest_from(now, self._poll_seconds if is_recent else self._longest_seconds)

    def _hears_many(self, now: float) -> bool:
        """Whether somebody may have spent all wake-ups that were saved."""
        heard, span = self._told_at, self.LATE * BURST * self._debounce_seconds
        return len(heard) == heard.maxlen and now - heard[0] <= span

    def _rest_from(self, now: float, seconds: float) -> None:
        self._next_at = now + seconds * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
