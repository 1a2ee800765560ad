"""Which mutants are tried: all of the packages, unless somebody asks for some."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .known import known_survivors
from .mutant import Mutant, mutants_of

#: When a fault shows: as soon as its module is imported, or when one of its functions is called.
IMPORT, CALL = "import", "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Those with one of the texts `only` in their name; with `is_new`, without those that the list
    of survivors explains; with `shows`, only those that show then.
    """

    only: Sequence[str] = ()
    is_new: bool = False
    shows: str | None = None

    @property
    def is_whole(self) -> bool:
        return not (self.only or self.is_new or self.shows)

    def of(self, packages: Iterable[str]) -> list[Mutant]:
        return [one for one in mutants_of(packages) if self._has(one)]

    def options(self) -> list[str]:
        """Return them for the plugin."""
        texts = [f"--mutants-only={text}" for text in self.only]
        moment = [f"--mutants-shows={self.shows}"] if self.shows else []
        return [*texts, *moment, *["--mutants-new"] * self.is_new]

    def _has(self, mutant: Mutant) -> bool:
        moment = IMPORT if mutant.at_import else CALL
        return (
            mutant.is_one_of(self.only)
            and self.shows in (None, moment)
            and not (self.is_new and mutant.name in known_survivors())
        )
