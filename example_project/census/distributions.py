"""Installed distributions, checked against the record their installer left: plain Python.

A wheel's RECORD names every file with its SHA-256, so a file that was edited or lost shows.
"""

import asyncio
import base64
import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

#: Files hashed at the same time: enough to keep a disk busy.
HASHED_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionFacts:
    """What was found of one distribution; `altered` and `missing` are paths as in its RECORD."""

    name: str
    version: str
    licence: str
    files_checked: int
    bytes_checked: int
    altered: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    name: str
    file: Path
    digest: str  #: such as sha256=…, in URL-safe Base64


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    size: int | None  #: None: the file is gone
    is_unchanged: bool


class DistributionGone(LookupError):
    """The folder holds no distribution of this name: it was uninstalled, or replaced, meanwhile."""


def distribution_names(folder: Path) -> Sequence[str]:
    """Return the names of the distributions installed in `folder`, sorted.

    What an interrupted installation left, which has no name, is passed over.
    """
    installed = (found.metadata for found in distributions(path=[str(folder)]))
    return sorted({metadata["Name"] for metadata in installed if "Name" in metadata})


async def check_distribution(name: str, *, folder: Path) -> DistributionFacts:
    """Hash the files of one distribution, in threads so that the event loop stays free.

    Only what its RECORD gives a hash for is read: bytecode and the RECORD itself have none.
    DistributionGone if `folder` does not hold it.
    """
    distribution = await asyncio.to_thread(_find, name, folder)
    recorded = _recorded(distribution)
    gate = asyncio.Semaphore(HASHED_AT_ONCE)

    async def check(entry: _Recorded) -> _Check:
        async with gate:
            return await asyncio.to_thread(_checked, entry)

    checks = await asyncio.gather(*(check(entry) for entry in recorded))
    return DistributionFacts(
        name=name,
        version=distribution.version,
        licence=_licence(distribution),
        files_checked=len(checks),
        bytes_checked=sum(check.size or 0 for check in checks),
        altered=tuple(
            check.name for check in checks if check.size is not None and not check.is_unchanged
        ),
        missing=tuple(check.name for check in checks if check.size is None),
    )


def _find(name: str, folder: Path) -> Distribution:
    for found in distributions(name=name, path=[str(folder)]):
        return found
    raise DistributionGone(f"{folder} holds no distribution named {name}")


def _recorded(distribution: Distribution) -> Sequence[_Recorded]:
    """Read the RECORD: `distribution.files` leaves out what is missing, since Python 3.12."""
    text = distribution.read_text("RECORD") or ""
    return [
        _Recorded(name=name, file=Path(str(distribution.locate_file(name))), digest=digest)
        for name, digest, _ in csv.reader(text.splitlines())
        if digest
    ]


def _checked(entry: _Recorded) -> _Check:
    algorithm, _, recorded = entry.digest.partition("=")
    try:
        size = entry.file.stat().st_size
        with entry.file.open("rb") as stream:
            digest = hashlib.file_digest(stream, algorithm).digest()
    except FileNotFoundError:
        return _Check(entry.name, None, False)
    found = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return _Check(entry.name, size, found == recorded)


def _licence(distribution: Distribution) -> str:
    """The declared expression, else the classifiers: the older field may hold a whole text."""
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    prefix = "License :: "
    named = [
        classifier.rpartition(" :: ")[2]
        for classifier in metadata.get_all("Classifier", [])
        if classifier.startswith(prefix)
    ]
    if named or "License" not in metadata:
        return ", ".join(named)
    return metadata["License"].partition("\n")[0]
