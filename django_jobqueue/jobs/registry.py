"""Which handler has which name in this process."""

from collections.abc import Iterator
from threading import RLock

from django.utils.module_loading import autodiscover_modules

from django_jobqueue.core.errors import HandlerAlreadyRegistered, HandlerNotRegistered

from .handlers import Handler


def name_of_queue_handler(queue: str) -> str:
    """Return the name of the handler that serves a whole queue."""
    return f"queue:{queue}"


class Registry:
    """Handlers by name and by alias. Rows of the database run what is in here and nothing else."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._by_name: dict[str, Handler] = {}
        self.revision: int = 0  #: grows with every registration

    def register(self, handler: Handler, *, replace: bool = False) -> None:
        """Add `handler` under its name and its aliases, or not at all.

        HandlerAlreadyRegistered if another has one of these names, unless `replace`; then the other
        loses that name.
        """
        names = (handler.name, *handler.aliases)
        with self._lock:
            for name in names:
                if name in self._by_name and not replace:
                    raise HandlerAlreadyRegistered(name)
            # A new dictionary, so that lookups and loops need no lock.
            self._by_name = {**self._by_name, **dict.fromkeys(names, handler)}
            self.revision += 1

    def get(self, name: str) -> Handler:
        """Return the handler of a name or alias; HandlerNotRegistered suggests the nearest name."""
        by_name = self._by_name
        try:
            return by_name[name]
        except KeyError:
            raise HandlerNotRegistered(name, known=by_name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Handler]:
        """Each handler once, in the order of registration."""
        return iter(dict.fromkeys(self._by_name.values()))

    def __len__(self) -> int:
        return len(set(self._by_name.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name a job may bear, aliases included, sorted."""
        return tuple(sorted(self._by_name))


#: The handlers of this process.
registry: Registry = Registry()


def autodiscover() -> None:
    """Import the module `jobs` of each installed app that has one: its handlers register."""
    autodiscover_modules("jobs")
