"""What a site adds to its workers, in real processes."""

import pytest

from .jobs import work
from .processes import Deployment

pytestmark = pytest.mark.acceptance

SERVICES = "tests.acceptance.services"


@pytest.mark.parametrize("processes", ["0", "1"])
def test_nothing_is_claimed_before_a_precondition_of_the_site_holds(
    deployment: Deployment, processes: str
) -> None:
    work.enqueue(1)
    worker = deployment.worker("--processes", processes, SERVICES=[f"{SERVICES}.GateIsOpen"])
    assert deployment.has_noted("looked 20 times")
    assert "child.started" not in worker.output
    assert "worker.registered" not in worker.output

    (deployment.folder / "gate").touch()

    assert deployment.has_noted("end 1"), worker.output


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([f"{SERVICES}.Missing"], f"names '{SERVICES}.Missing', which cannot be imported"),
        ([f"{SERVICES}.GateIsOpen"] * 2, "has the id 'gate is open', which another service task"),
    ],
    ids=["missing", "twice"],
)
def test_a_service_that_cannot_be_is_refused_in_one_sentence(
    deployment: Deployment, paths: list[str], message: str
) -> None:
    worker = deployment.run("runjobs", "--until-empty", SERVICES=paths)

    assert worker.status() == 1
    assert message in worker.output
    assert "Traceback" not in worker.output
    assert "worker.registered" not in worker.output
