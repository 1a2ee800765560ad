"""What `manage.py runjobs` says before it begins."""

import gc
import io

import pytest
from django.core.management import call_command
from django.test import override_settings


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("debug", [True, False])
def test_a_worker_with_debug_is_warned_of(*, debug: bool) -> None:
    printed = io.StringIO()

    with override_settings(DEBUG=debug):
        call_command("runjobs", "--until-empty", stderr=printed)

    assert ("DEBUG is on" in printed.getvalue()) is debug


@pytest.mark.django_db(transaction=True)
def test_a_process_that_goes_on_collects_its_garbage_as_before() -> None:
    call_command("runjobs", "--until-empty")

    assert gc.get_freeze_count() == 0
