"""docs/performance.md is what the kept results make of it, and says what they say."""

import sys
from argparse import Namespace
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.__main__ import parser
from benchmarks.document.charts import Bar, bar_chart
from benchmarks.document.results import keep, kept_results
from benchmarks.document.targets import TARGETS, target_rows
from benchmarks.document.writing import DOCS, SECTIONS, differences, files_of, write
from benchmarks.plan import PLAN, Measurement, arguments_of, run_all, warnings_about

from .sample_results import RESULTS


def test_the_document_is_what_the_kept_results_make():
    assert differences(kept_results()) == [], "run `python -m benchmarks document`"


def test_every_section_is_measured_by_the_plan():
    measured = {measurement.name for measurement in PLAN}

    assert {need for section in SECTIONS for need in section.needs} == measured


@pytest.mark.parametrize("is_quick", [False, True], ids=["full", "quick"])
@pytest.mark.parametrize("measurement", PLAN, ids=lambda measurement: measurement.name)
def test_every_command_of_the_plan_is_understood(measurement, is_quick):
    options = Namespace(quick=is_quick, newer_python="python3.13")

    understood = parser().parse_args(arguments_of(measurement, options))

    assert understood.benchmark == measurement.command.split()[0]


def test_the_samples_have_what_the_plan_measures():
    assert RESULTS.keys() == {measurement.name for measurement in PLAN}


def test_a_page_of_all_results_leaves_nothing_unmeasured():
    files = files_of(RESULTS)

    assert "ot measured" not in files["performance.md"]
    for section in SECTIONS:
        assert f"## {section.heading}" in files["performance.md"]


def test_first_pickups_stand_by_themselves_in_results_that_tell_them_apart():
    page = files_of(RESULTS)["performance.md"]
    peers = deepcopy(RESULTS["peers"])
    for about in peers["latency"].values():
        del about["first_ms"]
    before = files_of({"peers": peers})["performance.md"]

    assert "| pickup p50, ms | pickup p99, ms | first pickup, ms |" in page
    assert "stands by itself" in page
    assert "| pickup p50, ms | pickup p99, ms |\n" in before
    assert "stands by itself" not in before


def test_pickups_of_each_round_are_listed_where_results_tell_rounds_apart():
    peers = deepcopy(RESULTS["peers"])
    del peers["latency"]["django_jobqueue"]["p99_runs"]
    page = " ".join(files_of({"peers": peers})["performance.md"].split())

    assert "pgqueuer's pickups of each round, ms: p50 2.00, 3.00; p99 8.00, 10.50" in page
    assert "django_jobqueue's pickups of each round" not in page


def test_every_chart_is_shown_and_every_shown_chart_is_there():
    files = files_of(RESULTS)
    charts = {name for name in files if name.endswith(".svg")}

    assert charts
    assert {name for name in charts if f"]({name})" in files["performance.md"]} == charts
    assert files["performance.md"].count(".svg)") == len(charts)


def test_every_chart_is_well_formed():
    for name, text in files_of(RESULTS).items():
        if name.endswith(".svg"):
            assert ElementTree.fromstring(text).tag.endswith("svg"), name


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_section_without_its_result_says_so(section):
    others = {name: found for name, found in RESULTS.items() if name not in section.needs}
    page = files_of(others)["performance.md"]

    assert f"Not measured yet: {', '.join(section.needs)}." in page


def test_a_bound_that_was_not_kept_is_told():
    rows = {measure: (measured, kept) for measure, _, measured, kept in target_rows(RESULTS)}

    assert rows["drain, one worker, of the limit beside it"] == ("0.60", "yes")
    assert rows["the same, two workers"] == ("0.40", "no")
    assert rows["drain, one worker, of pgqueuer at its best batch size"] == ("3", "yes")
    assert rows["pickup latency, idle worker, p50, of pgqueuer's"] == ("0.80", "yes")
    assert rows["statements per second of an idle worker"] == ("1.20", "yes")


def test_a_bound_that_was_not_kept_leads_to_the_profile_that_says_why():
    [target] = [one for one in TARGETS if one.measure == "SQLite drain, of huey's SQLite storage"]

    assert target.verdict(3.0) == "yes"
    assert target.verdict(2.9) == "no: [why](decisions/0033-an-exchange-on-sqlite.md)"


def test_every_profile_is_there():
    profiles = [target.profile for target in TARGETS if target.profile]

    assert profiles
    assert [profile for profile in profiles if not (DOCS / profile).exists()] == []


def test_every_target_is_read_from_the_results():
    assert [target.measure for target in TARGETS if target.read(RESULTS) is None] == []
    assert [target.measure for target in TARGETS if target.read({}) is not None] == []


def test_bars_are_as_long_as_their_values_and_labels_are_escaped():
    chart = bar_chart("a < b", [Bar(label="<one>", value=10), Bar(label="two", value=5)])

    widths = [
        float(element.get("width"))
        for element in ElementTree.fromstring(chart).iter()
        if element.tag.endswith("rect")
    ]
    assert widths[0] == 2 * widths[1]
    assert "&lt;one&gt;" in chart


def test_what_is_no_longer_measured_has_no_chart_any_more(tmp_path):
    write(RESULTS, folder=tmp_path)
    assert differences(RESULTS, folder=tmp_path) == []

    without = {name: found for name, found in RESULTS.items() if name != "bloat"}
    assert differences(without, folder=tmp_path) == ["performance.md", "performance/bloat.svg"]
    write(without, folder=tmp_path)

    assert differences(without, folder=tmp_path) == []


def planned(folder: Path, *measurements: Measurement) -> int:
    (folder / "docs").mkdir()
    options = Namespace(quick=True, only=None, newer_python=None)
    return run_all(options, plan=measurements, results=folder / "kept", docs=folder / "docs")


def test_what_will_be_left_out_is_said_at_the_beginning(monkeypatch):
    monkeypatch.setenv("PATH", "")
    peers = Measurement(name="peers", command="peers", quick="")

    told = list(warnings_about([peers], newer_python=sys.executable))

    assert told[0].startswith("peers will leave a system out: it needs redis-server")
    assert list(warnings_about([MEMORY], newer_python=None)) == []


MEMORY = Measurement(
    name="drain", command="memory --database sqlite", quick="--jobs 10 --runs 1 --workers 1"
)


@pytest.mark.acceptance
def test_all_keeps_each_result_and_makes_the_document(tmp_path):
    assert planned(tmp_path, MEMORY) == 0

    [name] = kept_results(tmp_path / "kept")
    assert name == "drain"
    assert (tmp_path / "docs" / "performance.md").exists()


@pytest.mark.acceptance
def test_all_goes_on_after_a_failure_and_keeps_the_result_from_before(tmp_path, capsys):
    keep("broken", '{"jobs": 1}', folder=tmp_path / "kept")
    broken = Measurement(name="broken", command="memory --jobs none", quick="")

    assert planned(tmp_path, broken, MEMORY) == 1

    assert kept_results(tmp_path / "kept").keys() == {"broken", "drain"}
    assert kept_results(tmp_path / "kept")["broken"] == {"jobs": 1}
    assert "failed: broken" in capsys.readouterr().err
