"""The plugin in the tests of another site: a pytest of its own, and a database in memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Whether or not the entry point is installed here, the plugin is loaded once.
PLUGIN = ("-p", "no:django_jobqueue", "-p", "django_jobqueue.testing.plugin")
TESTS_OF_A_SITE = """
import pytest
from tests.testing.jobs import act, told

def test_jobs_wait_until_they_are_run(jobqueue):
    act.enqueue("one")
    jobqueue.assert_enqueued(act, kwargs={"name": "one"})
    assert jobqueue.run_jobs().counts == {"succeeded": 1}
    jobqueue.refute_enqueued()

def test_jobs_run_inline(jobqueue_inline):
    act.enqueue("two")
    assert jobqueue_inline.counts == {"succeeded": 1}

def test_time_goes_on_when_it_is_told_to(jobqueue, jobqueue_clock):
    act.using(delay=3600).enqueue("three")
    assert not jobqueue.run_jobs()
    jobqueue_clock.tick(hours=1)
    assert len(jobqueue.run_jobs()) == 1

def test_statements_may_commit(transactional_db, jobqueue):
    act.enqueue("four")
    assert len(jobqueue.run_jobs()) == 1

@pytest.mark.django_db
def test_a_library_is_followed_without_any_fixture():
    from freezegun import freeze_time
    from django_jobqueue.testing import run_jobs
    with freeze_time("2031-03-01") as frozen:
        act.using(delay=3600).enqueue("five")
        assert not run_jobs()
        frozen.tick(3600)
        assert len(run_jobs()) == 1
"""


def run_python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parent.parent.parent
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "DJANGO_SETTINGS_MODULE": "tests.testing.site_settings",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_fixtures_work_in_the_tests_of_a_site(tmp_path: Path) -> None:
    (tmp_path / "test_site.py").write_text(TESTS_OF_A_SITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")

    ran = run_python("-m", "pytest", "-q", *PLUGIN, cwd=tmp_path)

    assert (ran.returncode, "5 passed" in ran.stdout) == (0, True), ran.stdout + ran.stderr


def test_a_site_does_well_without_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_site.py").write_text("def test_nothing(jobqueue): ...\n")

    ran = run_python("-m", "pytest", "-q", "-p", "no:django_jobqueue", cwd=tmp_path)

    assert "fixture 'jobqueue' not found" in ran.stdout


@pytest.mark.parametrize("module", ["django_jobqueue.testing.plugin", "django_jobqueue.testing"])
def test_loading_it_loads_neither_django_nor_anything_of_the_queue(
    module: str, tmp_path: Path
) -> None:
    loads = f"""
import sys, {module}
ours = sorted(name for name in sys.modules if name.startswith("django_jobqueue"))
print(ours, any(name.split(".")[0] == "django" for name in sys.modules))
"""

    ran = run_python("-c", loads, cwd=tmp_path)

    ours = ["django_jobqueue", "django_jobqueue.testing"]
    if module.endswith("plugin"):
        ours.append(module)
    assert ran.stdout == f"{ours} False\n", ran.stderr


def test_every_public_name_is_found_where_the_package_says() -> None:
    from django_jobqueue import testing

    assert sorted(testing.__all__) == list(testing.__all__) == dir(testing)
    assert all(getattr(testing, name).__name__ for name in testing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = testing.nonsense
