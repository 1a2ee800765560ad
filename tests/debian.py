"""Programs of Debian that some tests need: `make test` skips those tests where they are missing,
`make chaos` says what to install and fails.
"""

import os

import pytest

#: Set by `make chaos`.
ALL_OF_IT = "JOBQUEUE_DEBIAN"


class DebianPackageIsMissing(RuntimeError):
    """The message says how to install it."""

    def __init__(self, package: str) -> None:
        super().__init__(_missing(package))


def needs(package: str, *, found: object) -> pytest.MarkDecorator:
    """Return the mark of a test that looks for something of this package."""
    skipped = not found and not os.environ.get(ALL_OF_IT)
    return pytest.mark.skipif(skipped, reason=_missing(package))


def _missing(package: str) -> str:
    return f"{package} is not installed: on Debian, 'apt-get install {package}'"
