"""The staff application, and the admin site that it replaces Django's by."""

from django.apps import AppConfig
from django.contrib.admin import apps


class StaffConfig(AppConfig):
    name = "staff"


class StaffAdminConfig(apps.AdminConfig):
    default_site = "staff.site.StaffSite"
