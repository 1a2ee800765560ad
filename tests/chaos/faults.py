"""What a storm does to workers, connections and the server; a seed says which, when and to whom."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import count

import psycopg

from tests.failpoints.points import Action as Strike
from tests.failpoints.points import Failpoints, Point

from .fleet import Fleet
from .history import Event, History
from .proxy import Proxy
from .server import Server
from .watching import Watch

#: Longer than a lease of the settings of a storm. What a dead worker ran may run again, in a child
#: of its own that takes a second or two to come up.
PAST_THE_LEASE = (3.0, 8.0)
THREE_LEASES = 4.5
#: Suspects of one worker run one at a time: a successor may have to wait for its turn.
LONGEST_PAUSE = 25.0
LOOK_SECONDS = 0.05
#: Where an error is not the handler's own.
AROUND_COMMITS = [point for point in Point if point.endswith("commit")]
#: What cannot be done now is tried so often, each a second later.
TRIES = 20

Action = Callable[[], None]


class NothingToHit(Exception):
    """There is nothing just now that this fault could be done to."""


class Agenda:
    """What is to be done, and when, in seconds from the beginning."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Action]] = []
        self._order = count()

    def add(self, moment: float, action: Action) -> None:
        heappush(self._due, (moment, next(self._order), action))

    def take(self, *, until: float) -> Action | None:
        """Return the next that is due, if any is."""
        if self.is_empty or self._due[0][0] > until:
            return None
        return heappop(self._due)[2]

    @property
    def is_empty(self) -> bool:
        return not self._due


def spread(
    names: Sequence[str], *, seconds: float, chance: random.Random
) -> list[tuple[float, str]]:
    """Return a moment for each name, one in each of as many equal spans, in any order of names."""
    shuffled = chance.sample(names, len(names))
    span = seconds / max(1, len(names))
    return [((index + chance.random()) * span, name) for index, name in enumerate(shuffled)]


class Faults:
    """Each method is one fault; what must be undone goes on the agenda."""

    def __init__(
        self,
        *,
        chance: random.Random,
        agenda: Agenda,
        fleet: Fleet,
        history: History,
        watch: Watch,
        failpoints: Failpoints,
        proxies: Sequence[Proxy] = (),
        server: Server | None = None,
        url: str = "",
    ) -> None:
        self._chance, self._agenda, self._fleet, self._history = chance, agenda, fleet, history
        self._watch, self._proxies, self._server, self._url = watch, proxies, server, url
        self._failpoints, self._resumed = failpoints, set[int]()
        self._now = 0.0
        self.done: Counter[str] = Counter()

    def plan(self, groups: Sequence[Mapping[str, int]], *, seconds: float) -> None:
        """Put so many of each fault on the agenda; those of one group never come at once."""
        for group in groups:
            names = [name for name, times in group.items() for _ in range(times)]
            for moment, name in spread(names, seconds=seconds, chance=self._chance):
                self._agenda.add(moment, partial(self._strike, name, moment))
        self._agenda.add(seconds, partial(self._disarm_in_the_end, seconds, tries=TRIES))

    def strike_until(self, moment: float) -> None:
        """Do, and undo, whatever is due by then."""
        self._now = moment
        self._resume_what_paused_itself(moment)
        while (action := self._agenda.take(until=moment)) is not None:
            action()

    @property
    def are_over(self) -> bool:
        """Nothing is left to be done or undone."""
        return self._agenda.is_empty

    def _strike(self, name: str, moment: float, *, tries: int = TRIES) -> None:
        fault: Callable[[float], None] = getattr(self, name)
        moment = max(moment, self._now)  # on a slow machine it comes late, and what follows too
        try:
            fault(moment)
        except NothingToHit:
            if tries > 1:
                again = partial(self._strike, name, moment + 1.0, tries=tries - 1)
                self._agenda.add(moment + 1.0, again)
            return
        self._history.note(Event(event="fault", what=name))
        self.done[name] += 1

    def kill(self, moment: float) -> None:
        """Of the process that was started; with children, the supervisor alone."""
        self._fleet.kill(self._any_worker())

    def kill_child(self, moment: float) -> None:
        children = [pid for index in range(len(self._fleet)) for pid in self._fleet.children(index)]
        if not children:
            raise NothingToHit
        self._fleet.kill_child(self._chance.choice(children))

    def kill_tree(self, moment: float) -> None:
        self._fleet.kill_tree(self._any_worker())

    def pause(self, moment: float) -> None:
        """Of the process that was started; with children, they run on, and nobody beats for
        them.
        """
        pids = self._fleet.pause(self._any_worker())
        self._agenda.add(
            moment + self._chance.uniform(*PAST_THE_LEASE), partial(self._fleet.resume, pids)
        )

    def pause_tree(self, moment: float) -> None:
        """Of the worker that runs most, until a successor runs one of its jobs: so that what it
        reports then, it reports late, and something is at stake.
        """
        busiest = max(range(len(self._fleet)), key=self._runs_of)
        if not self._runs_of(busiest):
            raise NothingToHit
        pids = self._fleet.pause_tree(busiest)
        self._resume_once_met(pids, moment, at_the_latest=moment + LONGEST_PAUSE)

    def _runs_of(self, index: int) -> int:
        return self._watch.runs_in(self._fleet.tree(index))

    def _resume_once_met(self, pids: list[int], moment: float, *, at_the_latest: float) -> None:
        if self._watch.has_met(pids) or moment > at_the_latest:
            self._fleet.resume(pids)
            return
        again = partial(
            self._resume_once_met, pids, moment + LOOK_SECONDS, at_the_latest=at_the_latest
        )
        self._agenda.add(moment + LOOK_SECONDS, again)

    def failpoint_kill(self, moment: float) -> None:
        self._failpoints.arm(self._chance.choice(list(Point)), Strike.KILL)

    def failpoint_pause(self, moment: float) -> None:
        self._failpoints.arm(self._chance.choice(list(Point)), Strike.PAUSE)

    def failpoint_terminate(self, moment: float) -> None:
        self._failpoints.arm(self._chance.choice(list(Point)), Strike.TERMINATE)

    def failpoint_raise(self, moment: float) -> None:
        self._failpoints.arm(self._chance.choice(AROUND_COMMITS), Strike.RAISE)

    def _disarm_in_the_end(self, moment: float, *, tries: int) -> None:
        """Once all of it has happened, or nobody came to it for long."""
        moment = max(moment, self._now)
        if self._failpoints.are_armed and tries:
            again = partial(self._disarm_in_the_end, moment + 1.0, tries=tries - 1)
            self._agenda.add(moment + 1.0, again)
            return
        self._failpoints.disarm()
        self._agenda.add(moment + 1.0, lambda: None)  # what was taken just before is seen then

    def _resume_what_paused_itself(self, moment: float) -> None:
        paused = {one.pid for one in self._failpoints.fired() if one.action is Strike.PAUSE}
        for pid in paused - self._resumed:
            later = moment + self._chance.uniform(*PAST_THE_LEASE)
            self._agenda.add(later, partial(self._fleet.resume, [pid]))
        self._resumed |= paused

    def terminate(self, moment: float) -> None:
        """End a connection of some worker or producer from the server's side."""
        try:
            self._terminate_one()
        except psycopg.OperationalError as error:
            raise NothingToHit from error  # the server is down: they have ended already

    def _terminate_one(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as mine:
            others = mine.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid"
            ).fetchall()
            if not others:
                raise NothingToHit
            mine.execute("SELECT pg_terminate_backend(%s)", self._chance.choice(others))

    def restart(self, moment: float) -> None:
        assert self._server is not None
        self._server.crash()
        self._server.start()

    def outage(self, moment: float) -> None:
        assert self._server is not None
        self._server.crash()
        self._agenda.add(moment + THREE_LEASES, self._server.start)

    def hold_up(self, moment: float) -> None:
        """Whatever was on its way arrives, later than the lease."""
        proxy = self._any_proxy()
        proxy.black_hole()
        self._agenda.add(moment + self._chance.uniform(*PAST_THE_LEASE), proxy.forward)

    def cut_off(self, moment: float) -> None:
        """Nothing arrives, and then the connections are reset."""
        proxy = self._any_proxy()
        proxy.black_hole()
        later = moment + self._chance.uniform(*PAST_THE_LEASE)
        self._agenda.add(later, proxy.reset)
        self._agenda.add(later, proxy.forward)

    def half_close(self, moment: float) -> None:
        self._any_proxy().half_close()

    def lose_replies(self, moment: float) -> None:
        self._any_proxy().lose_replies(self._chance.randint(1, 3))

    def _any_worker(self) -> int:
        return self._chance.randrange(len(self._fleet))

    def _any_proxy(self) -> Proxy:
        return self._chance.choice(self._proxies)
