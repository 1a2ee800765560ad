from django.urls import path

from . import views

app_name = "census"

urlpatterns = [
    path("", views.index, name="index"),
    path("census/<int:pk>/", views.show, name="show"),
    path("census/<int:pk>/progress.json", views.progress, name="progress"),
    path("census/<int:pk>/report/", views.report, name="report"),
    path("census/<int:pk>/stop/", views.stop, name="stop"),
    path("census/<int:pk>/summarise/", views.summarise, name="summarise"),
]
