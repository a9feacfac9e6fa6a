"""Django's admin for staff, at /admin/: installed only with ADMIN=1. It shows; every change goes through a service."""
