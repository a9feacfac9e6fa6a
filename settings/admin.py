"""The settings that only Django's admin needs."""

AUTHENTICATION_BACKENDS = ["staff.backend.StaffBackend"]
STATIC_URL = "/admin/static/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# A session of staff ends with the browser, and after eight hours. Its cookies reach no path but the admin's.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "parley_staff", "parley_csrf"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/admin"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 8 * 3_600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
