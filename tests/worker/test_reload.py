"""Which changes of files have children replaced."""

from pathlib import Path

import pytest

from django_jobqueue.worker import reload
from django_jobqueue.worker.messages import Retire
from django_jobqueue.worker.quarantine import QUARANTINE
from django_jobqueue.worker.reload import Reload, source_files
from tests.store.helpers import make_job

from .household import Household

MODULE, OTHER = Path("site/jobs.py"), Path("site/models.py")


class Files:
    def __init__(self) -> None:
        self.moments, self.told = {MODULE: 1.0}, list[list[str]]()
        self.reload = Reload(snapshot=lambda: self.moments, changed=self.told.append)


def test_a_file_that_changed_is_told_once() -> None:
    files = Files()
    files.reload.tick()
    assert files.told == []

    files.moments = {MODULE: 2.0}
    files.reload.tick()
    files.reload.tick()

    assert files.told == [[str(MODULE)]]


def test_a_file_that_was_away_for_a_moment_has_changed() -> None:
    files = Files()
    files.moments = {}
    files.reload.tick()
    files.moments = {MODULE: 2.0}
    files.reload.tick()

    assert files.told == [[str(MODULE)]]


def test_what_was_only_imported_has_not_changed() -> None:
    files = Files()
    files.moments = {MODULE: 1.0, OTHER: 5.0}
    files.reload.tick()

    assert files.told == []


def test_what_is_imported_and_the_apps_of_the_site_are_looked_at() -> None:
    looked_at = source_files()()

    assert Path(reload.__file__) in looked_at
    app = Path(__file__).parents[2] / "example_project" / "census"
    assert set(app.glob("*.py")) <= set(looked_at)


@pytest.mark.django_db
class TestReplacing:
    def test_every_child_gives_its_place_to_another(self) -> None:
        house = Household("1", "2")
        house.tick()

        house.supervisor.replace_children("source files have changed")
        house.tick()

        assert house.names == ["1", "2", "1", "2"]
        assert house.started[0].told == [Retire("source files have changed")]
        assert house.started[0] in house.supervisor.children, "its jobs may end"

    def test_one_that_died_of_its_source_is_started_at_once(self) -> None:
        house = Household("1")
        house.tick()
        for _ in range(5):
            house.started[-1].ends(1)
            house.tick(after=house.tick())
        house.started[-1].ends(1)
        assert house.tick()

        house.supervisor.replace_children("source files have changed")

        before = len(house.started)
        house.tick()
        assert len(house.started) == before + 1

    def test_the_quarantine_has_another_child_only_for_suspects(self) -> None:
        house = Household("1")
        suspect = make_job(rescues=1)
        house.tick()
        suspect.delete()

        house.supervisor.replace_children("source files have changed")
        house.tick(after=60)

        assert house.names == ["1", QUARANTINE, "1"]
