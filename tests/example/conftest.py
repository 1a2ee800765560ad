from collections.abc import Sequence
from pathlib import Path

import pytest

from django_jobqueue.models import Job

SOURCES = {
    "shop/cart.py": "# Full.\nimport os\n\n\ndef total(prices):\n    return sum(prices)\n",
    "shop/__init__.py": "",
    "tool.py": '"""A tool."""\n',
}


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    """Three files below the only root of the census; reports are published beside it."""
    folder = tmp_path / "sources"
    for name, text in SOURCES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings.CENSUS_ROOTS = settings.CENSUS_FOLDERS = [folder]
    settings.CENSUS_REPORTS = tmp_path / "reports"
    return folder


def waiting_jobs(handler: str) -> Sequence[Job]:
    return list(Job.objects.filter(handler=f"census.{handler}").order_by("id"))
