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

from tests.postgresql_server import postgresql_server

from .known import LIST, known_survivors
from .mutant import Mutant, mutants_of
from .output import say
from .runs import ENDED, TESTS, merged, reports_of_forks, verdicts_of_fresh_interpreters

#: Nothing that the tests need lasts, so the server need not write it to the disk.
HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    began = time.monotonic()
    mutants = _chosen(asked)
    packages = list(dict.fromkeys(one.package for one in mutants))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {}
        if not all(one.is_for("postgresql") for one in mutants):
            urls["sqlite"] = ""
        if "store" in packages and not all(one.is_for("sqlite") for one in mutants):
            urls["postgresql"] = stack.enter_context(postgresql_server(settings=HASTY))
        reports = reports_of_forks(
            packages,
            only=asked.only,
            is_new=asked.new,
            at_most=asked.at_most,
            urls=urls,
            folder=folder,
        )
        verdicts = merged(reports)
        verdicts |= verdicts_of_fresh_interpreters(mutants, verdicts, reports=reports, urls=urls)
    for line in figures(mutants, verdicts):
        say(line)
    say(f"{(time.monotonic() - began) / 60:.0f} minutes")
    alive = [one.name for one in mutants if verdicts[one.name] not in ENDED]
    return judged(
        alive, known=known_survivors(), is_whole=not (asked.packages or asked.only or asked.new)
    )


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


def judged(alive: Sequence[str], *, known: Mapping[str, str], is_whole: bool) -> int:
    """Tell which survivors are new and which of the known ones are none any more; the status."""
    new = [name for name in alive if name not in known]
    for name in new:
        say(f"LIVES, and {LIST.name} does not say why: {name}")
    if is_whole:
        for name in sorted(known.keys() - set(alive)):
            say(f"in {LIST.name}, but killed or gone: {name}")
    say(f"{len(alive)} live, {len(new)} of them unexplained")
    return bool(new)


def _chosen(asked: argparse.Namespace) -> list[Mutant]:
    known = known_survivors() if asked.new else {}
    return [
        one
        for one in mutants_of(asked.packages or TESTS)
        if one.is_one_of(asked.only) and one.name not in known
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"of {', '.join(TESTS)}")
    parser.add_argument(
        "--only", action="append", default=[], help="mutants with this text in their name"
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
