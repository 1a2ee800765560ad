import pytest

from django_jobqueue.models import Job, QueueRecord, WorkerRecord

from .factories import (
    list_url,
    make_dead,
    make_job,
    make_queue,
    make_worker,
    page_url,
    shown,
)

pytestmark = pytest.mark.django_db


class TestQueues:
    def test_a_queue_tells_its_counts(self, admin_client):
        make_queue("email")
        make_job(queue="email")
        make_job(queue="email")
        make_job("running", queue="email")
        make_dead(queue="email")
        make_job(queue="other")

        [row] = admin_client.get(list_url(QueueRecord)).context["cl"].result_list

        assert (row.ready_count, row.running_count, row.dead_count) == (2, 1, 1)

    def test_a_count_stops_at_its_bound(self, admin_client):
        make_queue("email")
        Job.objects.bulk_create(Job(handler="h", queue="email") for _ in range(1005))

        assert "1000+" in admin_client.get(list_url(QueueRecord)).content.decode()

    def test_queues_with_jobs_but_no_row_are_named(self, staff):
        make_queue("email")
        for queue in ("email", "reports & co"):
            make_job(queue=queue)
        make_job("scheduled", queue="later")

        response = staff("add_queuerecord").get(list_url(QueueRecord))

        assert [name for name, _ in response.context["rowless"]] == ["later", "reports & co"]
        assert "add/?name=reports%20%26%20co" in response.content.decode()
        assert "add/?name" not in staff().get(list_url(QueueRecord)).content.decode()

    @pytest.mark.parametrize(
        ("columns", "holds"),
        [
            ({}, False),
            ({"paused_at": "2026-01-01T00:00Z"}, True),
            ({"paused_at": "2026-01-01T00:00Z", "paused_until": "2026-01-02T00:00Z"}, False),
            ({"paused_at": "2026-01-01T00:00Z", "paused_until": "2999-01-02T00:00Z"}, True),
        ],
    )
    def test_a_pause_whose_time_is_over_does_not_hold(self, admin_client, columns, holds):
        make_queue(**columns)
        [row] = admin_client.get(list_url(QueueRecord)).context["cl"].result_list

        assert row.pause_holds == holds

    def test_a_search_goes_by_the_first_letters(self, admin_client):
        make_queue("email")
        make_queue("reports")

        assert shown(admin_client.get(list_url(QueueRecord), {"q": "rep"})) == ["reports"]


class TestWorkers:
    def test_a_worker_tells_who_it_is_and_what_it_does(self, admin_client):
        make_worker(host="box7", queues=["a", "b", "c", "d", "e", "f"], concurrency=11, running=3)
        page = admin_client.get(list_url(WorkerRecord)).content.decode()

        for text in ("box7:4711", "alive", "a, b, c, d, e …", ">11<", ">3<", "lapsed", "ago"):
            assert text in page

    def test_a_worker_without_named_queues_serves_all(self, admin_client):
        worker = make_worker(queues=[])

        assert ">all<" in admin_client.get(list_url(WorkerRecord)).content.decode()
        assert "all" in admin_client.get(page_url(worker)).content.decode()

    def test_its_page_leads_to_the_jobs_it_runs(self, admin_client):
        worker = make_worker()
        job = make_job("running", worker_id=worker.pk)
        make_job("running")
        address = f"{list_url(Job)}?worker_id={worker.pk}"

        assert address in admin_client.get(page_url(worker)).content.decode()
        assert shown(admin_client.get(address)) == [job.pk]
