"""Which files a census is about: plain Python."""

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

#: Caches and repositories hold copies, and hidden folders are nobody's source.
SKIPPED_FOLDERS = ("__pycache__", "node_modules")


class FolderRefused(ValueError):
    """The census may not, or cannot, look into this folder."""


def permitted_folder(text: str, *, roots: Sequence[Path]) -> Path:
    """Return the folder that `text` names, links followed; relative ones are below the first root
    that has them.

    FolderRefused if it lies outside every root, is no folder, or does not exist.
    """
    if "\0" in text:
        raise FolderRefused("A folder's name cannot contain a NUL character.")
    candidates = [(root / text).resolve() for root in roots]
    permitted = [path for path in candidates if _is_below_one_of(path, roots)]
    if not permitted:
        allowed = " or ".join(str(root) for root in roots)
        raise FolderRefused(f"{text} is not below {allowed}: the census looks nowhere else.")
    for path in permitted:
        if path.is_dir():
            return path
    raise FolderRefused(f"{permitted[0]} is not a folder.")


def is_permitted_file(path: Path, *, folders: Sequence[Path]) -> bool:
    """Whether the path, links followed, lies in one of the folders; it need not exist."""
    return _is_below_one_of(path.resolve(), folders)


def python_files(
    folder: Path, *, pattern: str = "*.py", limit: int | None = None
) -> Sequence[Path]:
    """Return at most `limit` files below `folder` whose name matches `pattern`, sorted by folder.

    Links to folders are not followed; a link to a file that is gone is listed as any other file.
    """
    return list(islice(_walk(folder, pattern), limit))


def _walk(folder: Path, pattern: str) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_source_folder(name))
        for name in sorted(files):
            if fnmatch(name, pattern) and _is_text(name):
                yield Path(parent, name)


def package_of(path: Path, *, folder: Path) -> str:
    """Return the top-level package or module that a file below `folder` belongs to."""
    first, *others = path.relative_to(folder).parts
    return first if others else Path(first).stem


def _is_source_folder(name: str) -> bool:
    return not name.startswith(".") and name not in SKIPPED_FOLDERS and _is_text(name)


def _is_text(name: str) -> bool:
    """Names that are no Unicode cannot be an argument of a job, which is JSON."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_below_one_of(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root.resolve()) for root in roots)
