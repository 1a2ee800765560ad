"""Programs of Debian that some tests need: those tests are skipped where they are missing.

`python -m tests.debian PACKAGE …` says what to install, and fails where one is missing.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import pytest

from tests import faketime, networks, pgbouncer

#: What finds something of each package, or None.
FINDERS: Mapping[str, Callable[[], object]] = MappingProxyType(
    {
        "pgbouncer": pgbouncer.program,
        "faketime": faketime.library,
        "iproute2": networks.program,
    }
)


def needs(package: str) -> pytest.MarkDecorator:
    """Return the mark of a test that cannot do without this package."""
    return pytest.mark.skipif(FINDERS[package]() is None, reason=_told([package]))


def _told(packages: Sequence[str]) -> str:
    names = " ".join(packages)
    return f"not installed: {names}; on Debian, 'apt-get install {names}'"


def main(packages: Sequence[str]) -> int:
    missing = [package for package in packages if FINDERS[package]() is None]
    if missing:
        sys.stderr.write(f"{_told(missing)}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
