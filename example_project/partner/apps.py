from django.apps import AppConfig


class PartnerConfig(AppConfig):
    name = "example_project.partner"
    default_auto_field = "django.db.models.BigAutoField"
