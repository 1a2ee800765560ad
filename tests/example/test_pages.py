from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from django_jobqueue.models import DeadJob, Job
from example_project.census.jobs import summarise_census
from example_project.census.models import Census, FileReport
from example_project.census.starting import start_census

from .test_jobs import count_files

pytestmark = pytest.mark.django_db


class Elements(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def census(folder: Path) -> Census:
    return start_census([folder])


def page_of(client: Client, census: Census) -> str:
    response = client.get(reverse("census:show", args=[census.pk]))
    assert response.status_code == 200
    return response.content.decode()


def bury(census: Census, folder: Path, *, error: dict[str, str]) -> DeadJob:
    """Move the first file's job to the dead letters."""
    job = Job.objects.filter(handler="census.analyse_file").earliest("id")
    job.delete()
    return DeadJob.objects.create(
        id=900,
        handler=job.handler,
        payload=job.payload,
        fingerprint=census.fingerprint,
        reason="discarded",
        attempt=1,
        error=error,
    )


class TestStarting:
    def start(self, client: Client, **fields: object):
        return client.post(reverse("census:index"), {"pattern": "*.py", **fields})

    def test_the_form_starts_a_census_and_leads_to_its_page(self, client: Client, folder: Path):
        response = self.start(client)

        census = Census.objects.get()
        assert response.status_code == 302
        assert response["Location"] == reverse("census:show", args=[census.pk])
        assert Job.objects.filter(fingerprint=census.fingerprint).count() == 5

    def test_folder_pattern_and_limit_are_heeded(self, client: Client, folder: Path):
        self.start(client, folder="shop", pattern="*a*.py", limit="1")

        census = Census.objects.get()
        assert census.folders == [str(folder / "shop")]
        assert census.files_found == 1

    def test_census_and_jobs_are_stored_in_one_transaction(
        self, client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
    ):
        from example_project.census import starting

        depths = []

        def watched(census: Census, **_: object) -> None:
            depths.append(len(connection.savepoint_ids))
            raise ConnectionAbortedError("the database went away")

        monkeypatch.setattr(starting, "_enqueue", watched)
        outside = len(connection.savepoint_ids)

        with pytest.raises(ConnectionAbortedError):
            self.start(client)

        assert depths == [outside + 1]
        assert not Census.objects.exists()

    @pytest.mark.parametrize("outside", ["/etc", "..", "shop/../../.."])
    def test_a_folder_outside_the_roots_is_refused_and_said_so(
        self, client: Client, folder: Path, outside: str
    ):
        response = self.start(client, folder=outside)

        assert response.status_code == 400
        assert "is not below" in response.content.decode()
        assert not Census.objects.exists()

    @pytest.mark.parametrize("fields", [{"limit": "0"}, {"limit": "many"}, {"pattern": ""}])
    def test_nonsense_is_refused(self, client: Client, folder: Path, fields: dict[str, str]):
        assert self.start(client, **fields).status_code == 400
        assert not Census.objects.exists()

    def test_a_pattern_that_fits_no_file_is_refused(self, client: Client, folder: Path):
        response = self.start(client, pattern="*.rb")

        assert response.status_code == 400
        assert "has a name like *.rb" in response.content.decode()

    def test_a_form_from_elsewhere_is_refused(self, folder: Path):
        assert self.start(Client(enforce_csrf_checks=True)).status_code == 403

    def test_the_list_shows_the_censuses_newest_first(self, client: Client, folder: Path):
        first, second = start_census([folder]), start_census([folder])

        text = client.get(reverse("census:index")).content.decode()

        assert text.index(f"Census {second.pk}<") < text.index(f"Census {first.pk}<")


class TestProgress:
    def test_the_numbers_are_those_of_the_jobs(self, client: Client, census: Census, folder: Path):
        bury(census, folder, error={})

        told = client.get(reverse("census:progress", args=[census.pk])).json()

        assert (told["waiting"], told["dead"], told["total"]) == (4, 1, 5)
        assert (told["percent"], told["is_settled"]) == (20, False)

    def test_the_version_changes_with_every_summary(self, client: Client, census: Census):
        url = reverse("census:progress", args=[census.pk])
        before = client.get(url).json()["version"]
        summarise_census(census_id=census.pk)

        assert client.get(url).json()["version"] != before

    def test_a_census_without_live_jobs_is_settled(self, client: Client, census: Census):
        Job.objects.all().delete()

        told = client.get(reverse("census:progress", args=[census.pk])).json()

        assert (told["percent"], told["is_settled"]) == (100, True)

    def test_numbers_are_never_cached(self, client: Client, census: Census):
        response = client.get(reverse("census:progress", args=[census.pk]))

        assert "no-store" in response["Cache-Control"]

    def test_an_unknown_census_is_not_found(self, client: Client):
        for name in ("show", "progress", "report"):
            assert client.get(reverse(f"census:{name}", args=[404])).status_code == 404


class TestPage:
    def test_without_script_a_live_page_reloads_itself(self, client: Client, census: Census):
        assert any("http-equiv" in meta for meta in Elements(page_of(client, census)).named("meta"))

        Job.objects.all().delete()
        settled = Elements(page_of(client, census)).named("meta")
        assert not any("http-equiv" in meta for meta in settled)

    def test_the_charts_show_every_package_and_every_size(
        self, client: Client, census: Census, folder: Path
    ):
        count_files(census, folder)
        summarise_census(census_id=census.pk)

        page = Elements(page_of(client, census))

        assert len(page.named("svg")) == 2
        kinds = [bar["class"] for bar in page.named("rect")]
        assert kinds == ["code", "comment", "blank"] * 2 + ["code"] * 8

    def test_numbers_in_charts_have_a_decimal_point_in_every_language(
        self, client: Client, census: Census, folder: Path, settings
    ):
        settings.LANGUAGE_CODE = "de"
        count_files(census, folder)
        summarise_census(census_id=census.pk)

        for bar in Elements(page_of(client, census)).named("rect"):
            assert all(float(bar[name] or "") >= 0 for name in ("x", "y", "width", "height"))

    def test_nothing_on_the_page_needs_inline_script_or_style(
        self, client: Client, census: Census, folder: Path
    ):
        count_files(census, folder)
        summarise_census(census_id=census.pk)

        page = Elements(page_of(client, census))

        assert all(script.get("src") for script in page.named("script"))
        assert not page.named("style")
        for _, attributes in page.found:
            assert not any(name == "style" or name.startswith("on") for name in attributes)

    def test_dead_letters_lead_into_the_admin(self, client: Client, census: Census, folder: Path):
        letter = bury(census, folder, error={"type": "SyntaxError", "message": "bad <b>"})

        text = page_of(client, census)

        assert reverse("admin:jobqueue_deadjob_change", args=[letter.pk]) in text
        assert "SyntaxError: bad &lt;b&gt;" in text
        assert "sources/<wbr>tool.py" in text

    def test_hostile_names_are_escaped(self, client: Client, census: Census, folder: Path):
        (folder / "<script>x").mkdir()
        (folder / "<script>x/y.py").write_text("def f(): pass\n")
        count_files(census, folder)
        summarise_census(census_id=census.pk)

        assert all(
            script.get("src") for script in Elements(page_of(client, census)).named("script")
        )
        assert FileReport.objects.filter(package="<script>x").exists()

    def test_a_report_is_served_once_it_is_published(
        self, client: Client, census: Census, tmp_path: Path
    ):
        url = reverse("census:report", args=[census.pk])
        assert client.get(url).status_code == 404
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "census.md").write_text("# Found\n")
        Census.objects.update(report_name="census.md")

        response = client.get(url)

        assert b"".join(response.streaming_content) == b"# Found\n"
        assert response["Content-Type"].startswith("text/plain")


class TestSteering:
    def test_stopping_cancels_the_jobs_of_this_census_only(
        self, client: Client, census: Census, folder: Path
    ):
        other = start_census([folder])

        response = client.post(reverse("census:stop", args=[census.pk]), follow=True)

        assert "5 waiting jobs were cancelled" in response.content.decode()
        assert {job.fingerprint for job in Job.objects.all()} == {other.fingerprint}

    def test_adding_up_again_enqueues_one_job_however_often_it_is_asked(
        self, client: Client, census: Census
    ):
        Job.objects.all().delete()
        url = reverse("census:summarise", args=[census.pk])

        first = client.post(url, follow=True).content.decode()
        second = client.post(url, follow=True).content.decode()

        assert "will add it up again" in first
        assert "is already adding it up" in second
        assert Job.objects.count() == 1

    @pytest.mark.parametrize("name", ["stop", "summarise"])
    def test_looking_at_a_page_changes_nothing(self, client: Client, census: Census, name: str):
        assert client.get(reverse(f"census:{name}", args=[census.pk])).status_code == 405


class TestAdmin:
    @pytest.mark.parametrize("model", ["census", "filereport", "distributionreport"])
    def test_results_can_be_looked_at_but_not_added(
        self, admin_client: Client, census: Census, folder: Path, model: str
    ):
        count_files(census, folder)

        listed = admin_client.get(reverse(f"admin:census_{model}_changelist"))
        adding = admin_client.get(reverse(f"admin:census_{model}_add"))

        assert (listed.status_code, adding.status_code) == (200, 403)
