"""`python -m tests.mutants`: the whole run; status 1 if a mutant lives and nobody has said why."""

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.postgresql_server import HASTY, postgresql_server

from .known import LIST, known_survivors
from .mutant import Mutant
from .output import say
from .runs import ENDED, TESTS, merged, reports_of_forks, verdicts_of_fresh_interpreters
from .selection import CALL, IMPORT, Selection


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    began = time.monotonic()
    selection = Selection(only=asked.only, is_new=asked.new, shows=asked.shows)
    mutants = selection.of(asked.packages or TESTS)
    packages = {one.package for one in mutants}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {}
        if not all(one.is_for("postgresql") for one in mutants):
            urls["sqlite"] = ""
        if "store" in packages and not all(one.is_for("sqlite") for one in mutants):
            urls["postgresql"] = stack.enter_context(postgresql_server(settings=HASTY))
        reports = reports_of_forks(
            mutants,
            selection=selection,
            at_most=asked.at_most,
            tests=asked.tests,
            urls=urls,
            folder=folder,
        )
        verdicts = merged(reports)
        verdicts |= verdicts_of_fresh_interpreters(
            mutants, verdicts, reports=reports, tests=asked.tests, urls=urls
        )
    for line in figures(mutants, verdicts):
        say(line)
    say(f"{(time.monotonic() - began) / 60:.0f} minutes")
    alive = [one.name for one in mutants if verdicts[one.name] not in ENDED]
    return judged(alive, is_whole=selection.is_whole and not asked.packages)


def figures(mutants: Sequence[Mutant], verdicts: Mapping[str, str]) -> list[str]:
    """What became of the mutants of each package, and of each database's SQL."""
    counted: dict[str, Counter[str]] = {}
    for mutant in mutants:
        counted.setdefault(mutant.part, Counter())[verdicts[mutant.name]] += 1
    return [
        f"{part}: {each.total()} mutants, "
        + ", ".join(f"{count} {verdict}" for verdict, count in each.most_common())
        for part, each in counted.items()
    ]


def judged(alive: Sequence[str], *, is_whole: bool) -> int:
    """Tell which survivors are new and which of the known ones are none any more; the status."""
    known = known_survivors()
    new = [name for name in alive if name not in known]
    for name in new:
        say(f"LIVES, and {LIST.name} does not say why: {name}")
    if is_whole:
        for name in sorted(known.keys() - set(alive)):
            say(f"in {LIST.name}, but killed or gone: {name}")
    say(f"{len(alive)} live, {len(new)} of them unexplained")
    return bool(new)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"of {', '.join(TESTS)}")
    parser.add_argument(
        "--only", action="append", default=[], help="mutants with this text in their name"
    )
    parser.add_argument(
        "--shows",
        choices=[IMPORT, CALL],
        help="those that show when a module is imported, or when a function is called",
    )
    parser.add_argument(
        "--tests",
        action="append",
        default=[],
        metavar="PATH",
        help="these, in place of all tests of the packages: what lives may be killed by the others",
    )
    parser.add_argument(
        "--new", action="store_true", help=f"leave out those that {LIST.name} explains"
    )
    parser.add_argument(
        "--at-most",
        type=float,
        default=math.inf,
        metavar="SECONDS",
        help="of tests for each mutant, the quickest first: what lives may be killed by the others",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
