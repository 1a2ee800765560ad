import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import django_jobqueue

ROOT = Path(__file__).resolve().parent.parent


def run(code: str, *, path: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=path,
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestImporting:
    def test_a_settings_file_may_import_it_without_loading_django_or_a_model(self):
        loaded = run(
            "import sys, django_jobqueue; django_jobqueue.Exponential(initial=1);"
            "print(*(name for name in sys.modules if name.split('.')[0] in ('django', 'asgiref')))"
        )

        assert loaded.split() == []

    def test_queues_and_lines_in_memory_work_without_django(self):
        printed = run(
            "import sys\n"
            "from django_jobqueue import Line, MemoryQueue, OperationQueue\n"
            "queue = MemoryQueue()\n"
            "queue.register('print', lambda job: print(job.payload))\n"
            "queue.push('print', 'worked')\n"
            "queue.start()\n"
            "queue.shutdown()\n"
            "with Line().try_acquire_token().token: OperationQueue().stop()\n"
            "try: Line('a', scope='cluster')\n"
            "except ValueError as error: print(error)\n"
            "print(*(name for name in sys.modules if name.split('.')[0] in ('django', 'asgiref')))"
        )

        assert printed.splitlines() == [
            "worked",
            "scope='cluster' must be one of 'process'. For 'cluster', django_jobqueue must be in "
            "INSTALLED_APPS, and Django set up.",
            "",
        ]

    def test_the_import_itself_loads_no_other_module_of_the_package(self):
        loaded = run(
            "import sys, django_jobqueue;"
            "print(*(name for name in sys.modules if name.startswith('django_jobqueue.')))"
        )

        assert loaded.split() == []


class TestNames:
    @pytest.mark.parametrize("name", django_jobqueue.__all__)
    def test_every_public_name_can_be_had(self, name: str):
        assert getattr(django_jobqueue, name) is not None

    def test_all_names_exactly_what_resolves(self):
        assert set(django_jobqueue.__all__) == set(django_jobqueue._HOME_OF)

    def test_type_checkers_are_told_of_the_same_names_and_homes(self):
        told = {
            alias.name: node.module
            for node in ast.walk(ast.parse(Path(django_jobqueue.__file__).read_text()))
            if isinstance(node, ast.ImportFrom) and node.level == 1
            for alias in node.names
        }

        assert told == django_jobqueue._HOME_OF

    def test_an_unknown_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="has no attribute 'jobs_'"):
            django_jobqueue.jobs_  # noqa: B018

    def test_dir_lists_the_public_names_before_their_first_use(self):
        assert set(django_jobqueue.__all__) <= set(dir(django_jobqueue))

    def test_the_version_is_a_literal_that_the_build_can_read(self):
        [version] = [
            node.value
            for node in ast.parse(Path(django_jobqueue.__file__).read_text()).body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "__version__"
        ]

        assert ast.literal_eval(version) == django_jobqueue.__version__


class TestStart:
    def test_modules_named_jobs_of_installed_apps_are_imported_at_start(self, tmp_path: Path):
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "__init__.py").touch()
        (tmp_path / "shop" / "jobs.py").write_text(
            "from django_jobqueue import job\n@job\ndef send(user_id: int) -> None: ...\n"
        )
        (tmp_path / "site_settings.py").write_text(
            "INSTALLED_APPS = ['shop', 'django.contrib.contenttypes', 'django_jobqueue']\n"
            "USE_TZ = True\n"
            "ENGINE = 'django.db.backends.sqlite3'\n"
            "DATABASES = {'default': {'ENGINE': ENGINE, 'NAME': ':memory:'}}\n"
        )

        names = run(
            "import django; django.setup();"
            "from django_jobqueue import registry; print(*registry.names)",
            path=tmp_path,
            DJANGO_SETTINGS_MODULE="site_settings",
        )

        assert names.split() == ["shop.jobs.send"]
