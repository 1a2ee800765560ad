"""`path("jobqueue/", include("django_jobqueue.urls"))`."""

from django.urls import path

from . import views

app_name = "jobqueue"
urlpatterns = [path("health/", views.health, name="health")]
