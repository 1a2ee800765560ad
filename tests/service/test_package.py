import doctest

from django_jobqueue import service


def test_the_example_of_the_package_runs_as_written():
    results = doctest.testmod(service)

    assert results.attempted > 0
    assert results.failed == 0


def test_every_public_name_exists():
    assert sorted(service.__all__) == service.__all__
    assert all(hasattr(service, name) for name in service.__all__)
