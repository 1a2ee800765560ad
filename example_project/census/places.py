"""Where the census looks and publishes: the settings CENSUS_…, or what fits this checkout."""

import sysconfig
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

CHECKOUT = Path(__file__).resolve().parents[2]
SITE_PACKAGES = Path(sysconfig.get_path("purelib")).resolve()
SAMPLES = Path(__file__).resolve().parent / "samples"


def roots() -> Sequence[Path]:
    """Return the folders below which all others must lie (CENSUS_ROOTS)."""
    return _paths("CENSUS_ROOTS", [SITE_PACKAGES, CHECKOUT])


def usual_folders() -> Sequence[Path]:
    """Return the folders of a census that names none (CENSUS_FOLDERS)."""
    return _paths("CENSUS_FOLDERS", [SITE_PACKAGES, SAMPLES])


def reports() -> Path:
    """Return the folder of published reports (CENSUS_REPORTS)."""
    return Path(getattr(settings, "CENSUS_REPORTS", CHECKOUT / "example_project" / "reports"))


def _paths(setting: str, default: Sequence[Path]) -> Sequence[Path]:
    return [Path(path) for path in getattr(settings, setting, default)]
