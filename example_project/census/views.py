from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from django_jobqueue import cancel

from . import places
from .charts import bar_chart_of_packages, histogram_of_file_sizes
from .dead_letters import dead_letters_of
from .forms import CensusForm
from .jobs import summarise_census
from .models import Census
from .progress import progress_of
from .starting import NothingToCount, start_census

LISTED = 20


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List the censuses; a posted form starts one and goes to its page."""
    form = CensusForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            census = start_census(
                form.folders,
                pattern=form.cleaned_data["pattern"],
                limit=form.cleaned_data["limit"],
            )
        except NothingToCount as error:
            form.add_error(None, str(error))
        else:
            return redirect("census:show", pk=census.pk)
    context = {
        "form": form,
        "censuses": Census.objects.defer("summary")[:LISTED],
        "roots": dict.fromkeys([*places.usual_folders(), *places.roots()]),
    }
    return render(request, "census/index.html", context, status=400 if form.errors else 200)


@require_GET
@never_cache
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a census has come, and what was counted so far."""
    census = get_object_or_404(Census, pk=pk)
    context = {
        "census": census,
        "progress": progress_of(census),
        "dead_letters": dead_letters_of(census),
        "summary": census.summary,
    }
    if census.summary:
        context["charts"] = [
            bar_chart_of_packages(census.summary["packages"]),
            histogram_of_file_sizes(census.summary["file_sizes"]),
        ]
    return render(request, "census/census.html", context)


@require_GET
@never_cache
def progress(request: HttpRequest, pk: int) -> JsonResponse:
    """The numbers that the page's script asks for; `version` changes when the page has news."""
    census = get_object_or_404(Census.objects.defer("summary"), pk=pk)
    counted = progress_of(census)
    stamp = census.summarised_at.isoformat() if census.summarised_at else ""
    version = f"{stamp} {counted.dead} {census.report_name} {counted.is_settled}"
    return JsonResponse({**counted.as_json(), "version": version})


@require_GET
def report(request: HttpRequest, pk: int) -> FileResponse:
    """The published report as a text file."""
    census = get_object_or_404(Census.objects.defer("summary"), pk=pk)
    path = places.reports() / (census.report_name or "none")
    if not path.is_file():
        raise Http404(f"the report of census {pk} is not published")
    return FileResponse(path.open("rb"), content_type="text/plain; charset=utf-8")


@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel what is left of a census."""
    census = get_object_or_404(Census, pk=pk)
    done = cancel(fingerprint=census.fingerprint, reason="stopped on the page of the census")
    messages.success(
        request,
        f"{done.cancelled:,} waiting jobs were cancelled, "
        f"{done.asked:,} running ones were asked to stop.",
    )
    return redirect("census:show", pk=pk)


@require_POST
def summarise(request: HttpRequest, pk: int) -> HttpResponse:
    """Sum up again, after dead letters were requeued; asking twice enqueues one job."""
    census = get_object_or_404(Census, pk=pk)
    summary = summarise_census.using(fingerprint=census.fingerprint).enqueue(census_id=pk)
    if summary.created:
        messages.success(request, f"Job {summary.id} will add it up again.")
    else:
        messages.info(request, f"Job {summary.id} is already adding it up.")
    return redirect("census:show", pk=pk)
