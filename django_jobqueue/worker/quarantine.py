"""Where suspects run: in processes of their own, one job at a time in each."""

from collections.abc import Callable

from django_jobqueue.core.clock import monotonic
from django_jobqueue.store import JobStore

from .messages import Retire, Wake
from .places import Place

#: The name of the first place where suspects run; others have a number behind it.
QUARANTINE = "quarantine"


class Quarantine:
    """Decides which of its places have a child.

    The first has one as soon as suspects wait in a queue that the worker `serves`, a further one
    when they still do while all children there are busy: a long suspect must not keep the others.
    `store` is one for suspects.

    Children stay for a while after the last suspect, so that the next ones need not wait for an
    interpreter to start. Those of a worker that ends when nothing is due end by themselves.
    """

    #: How often to look, while there are children, whether they are still needed.
    LOOK_SECONDS = 5.0
    #: How often without: the poller tells of suspects that another host's workers left.
    SELDOM_SECONDS = 300.0
    #: How soon to look again while some wait.
    WAITING_LOOK_SECONDS = 0.25
    #: How long children stay when nobody is suspect any more.
    LINGER_SECONDS = 300.0

    def __init__(
        self,
        *,
        most: int,
        store: JobStore,
        serves: Callable[[str], bool],
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self.places = [
            Place(f"{QUARANTINE}-{number}" if number > 1 else QUARANTINE, runs_suspects=True)
            for number in range(1, most + 1)
        ]
        for place in self.places:
            place.is_done = True
        self._store, self._serves = store, serves
        self._elapsed = elapsed
        self._next_look, self._needed_at = 0.0, 0.0
        self.suspects_wait = False  #: as the last look found it

    @property
    def look_in(self) -> float:
        """Seconds until the next look is due."""
        return max(0.0, self._next_look - self._elapsed())

    def look_soon(self) -> None:
        """There may be suspects: have the next look come at once; from any thread."""
        self._next_look = 0.0

    def look(self) -> None:
        """Where it is due, look whether suspects wait, and call in who is needed for them."""
        if self.look_in:
            return
        now = self._elapsed()
        self._next_look = now + (self.LOOK_SECONDS if self._has_places else self.SELDOM_SECONDS)
        try:
            self.suspects_wait = self._do_suspects_wait()
        except Exception:
            self.look_soon()  # nobody knows: the next round asks again
            raise
        if self.suspects_wait:
            self._next_look = now + self.WAITING_LOOK_SECONDS
            self._call_in()
        if self.suspects_wait or any(place.is_busy for place in self.places):
            self._needed_at = now
        elif now - self._needed_at >= self.LINGER_SECONDS:
            self._send_away()

    @property
    def _has_places(self) -> bool:
        return not all(place.is_done for place in self.places)

    def _do_suspects_wait(self) -> bool:
        """A paused queue keeps its suspects, and no process starts in vain for them."""
        served = set(filter(self._serves, self._store.queues_with_ready_jobs()))
        return bool(served and served - self._store.paused_queues(served))

    def _call_in(self) -> None:
        """One at a time: while a child starts, or may take the next suspect, none is added."""
        open_places = [place for place in self.places if not place.is_done]
        for place in open_places:
            if place.child is not None:
                place.child.tell(Wake())
        if all(place.is_busy for place in open_places):
            for place in self.places:
                if place.is_done:
                    place.is_done = False
                    return

    def _send_away(self) -> None:
        for place in self.places:
            place.is_done = True
            if place.child is not None:
                place.child.tell(Retire("no job is suspect any more"))
