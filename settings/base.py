"""The settings of a Parley process, from the environment: a malformed variable is an error, every default is safe."""

import sys
from pathlib import Path

from corsheaders.defaults import default_headers

from settings import email, env, jwts
from wire.logs import FORMATTERS

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / ".var"  # the database file and the generated secret key of a development server; ignored by git

DEBUG = env.flag("DEBUG", False)
SECRET_KEY_IS_GENERATED = not env.secret("SECRET_KEY", "")
SECRET_KEY = env.secret_key(VAR_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.secret_key_fallbacks()

# The address and the server of `manage.py serve`.
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, least=0, most=65535)
SERVER = env.choice("SERVER", "daphne", ("daphne", "uvicorn"))
WORKERS = env.integer("WORKERS", 1, least=1, most=64)

# The names of a server that only this machine can reach are known; other servers need the setting (`check --deploy`).
_LOCAL = ["localhost", "127.0.0.1", "[::1]", "10.0.2.2"]  # the last is this machine to an Android emulator
_LOOPBACK = HOST in {"localhost", "127.0.0.1", "::1"}
LOOPBACK_ONLY = _LOOPBACK and not env.text("ALLOWED_HOSTS", "")  # a developer's own server
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", _LOCAL if _LOOPBACK else ["*"])

# Off on a developer's own server, for tests and load generators; on where strangers can reach the server.
RATE_LIMITS = env.flag("RATE_LIMITS", not LOOPBACK_ONLY)

# GET /metrics: with this bearer token, or on a port of its own, or without either on a developer's own server.
METRICS_TOKEN = env.secret("METRICS_TOKEN", "")
METRICS_HOST = env.text("METRICS_HOST", "127.0.0.1")
METRICS_PORT = env.integer("METRICS_PORT", 0, least=0, most=65535)  # 0: no port of its own

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "channels",
    "corsheaders",
    "drf_spectacular",
    "accounts",
    "eventlog",
    "api",
    "realtime",
    "contracts",
]
MIDDLEWARE = [
    "wire.middleware.RequestIdMiddleware",
    "wire.middleware.SecurityHeadersMiddleware",
    "wire.origins.OriginMiddleware",
    "wire.middleware.ProblemMiddleware",
]
# Django's admin for staff. Without it nothing of it is loaded.
ADMIN = env.flag("ADMIN", False)
ADMIN_PATH = "admin/"
if ADMIN:
    INSTALLED_APPS += [
        "staff.apps.StaffAdminConfig",
        "django.contrib.sessions",
        "django.contrib.messages",
        "staff.apps.StaffConfig",
    ]
    MIDDLEWARE.insert(-1, "staff.middleware.StaffMiddleware")
    from settings.admin import *  # noqa: F403
ROOT_URLCONF = "settings.urls"
ASGI_APPLICATION = "settings.asgi.application"
AUTH_USER_MODEL = "accounts.User"

DATABASES = {"default": env.database(f"sqlite:///{VAR_DIR / 'parley.sqlite3'}")}
# Database threads of one process for sockets. Each keeps a connection, and REST needs connections too.
WS_DB_THREADS = min(8, env.pool_size() // 2)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.redis_url()  # empty: the in-memory layer
REDIS_PREFIX = env.text("REDIS_PREFIX", "parley")
HINT_EVENTS = env.flag("HINT_EVENTS", True)  # without them no text passes through Redis
LIMITS_REDIS_SECONDS = 0.1  # the longest wait of a log-in for the counts of other processes
CHANNEL_LAYERS = {"default": env.channel_layer()}

PASSWORD_HASHERS = ["accounts.hashers.OneCoreArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {"user_attributes": ["username", "display_name"]}),
        ("MinimumLengthValidator", {}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]

TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

# The search for users finds all users, users who share a room with the caller, or only an exact username.
USER_SEARCH = env.choice("USER_SEARCH", "all", ("all", "shared_rooms", "exact"))

# The life of an unused session, and the longest life of any session.
SESSION_IDLE_SECONDS = env.integer("SESSION_IDLE_SECONDS", 30 * 86_400, least=1, most=3_650 * 86_400)
SESSION_MAX_SECONDS = env.integer("SESSION_MAX_SECONDS", 365 * 86_400, least=1, most=3_650 * 86_400)

# JWTs of an app's backend, which are exchanged for sessions. Without a key there are none.
JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE = jwts.jwt_settings()

# Whether `serve` runs the background jobs; if not, `manage.py worker` does.
RUN_JOBS = env.flag("RUN_JOBS", True)

# The time for which the audit of what operators did is kept.
AUDIT_DAYS = env.integer("AUDIT_DAYS", 365, least=1, most=36_500)

# Web origins that may call, none by default. Tokens travel in headers, so credentials (cookies) are never allowed. The
# Origin of a socket is checked against this list and the server's own hosts.
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS", [])
CORS_ALLOW_ALL_ORIGINS = env.flag("CORS_ALLOW_ALL_ORIGINS", False)
# Headers of tracing and error reporting: a browser sends no request with a header that is not allowed.
_TRACING = ["traceparent", "tracestate", "baggage", "sentry-trace"]
CORS_ALLOW_HEADERS = [*default_headers, "x-request-id", *env.header_names("CORS_ALLOW_HEADERS", _TRACING)]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy", "Location", "Parley-Revocation"]

# Outgoing e-mail: verification of addresses and password resets. Without EMAIL_URL there is none.
_EMAIL = email.email_server()
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL = _EMAIL
EMAIL_TIMEOUT = 10  # seconds, of each step
DEFAULT_FROM_EMAIL = email.email_from(is_used=bool(EMAIL_HOST))
PUBLIC_URL = email.public_url(is_used=bool(EMAIL_HOST))
CSRF_TRUSTED_ORIGINS = ["/".join(PUBLIC_URL.split("/")[:3])] if PUBLIC_URL else []

# Proxies whose X-Forwarded-For is trusted. Without them the peer of the TCP connection is the client.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", [])

# HTTPS=1 means that the proxy serves TLS. Clients then use HTTPS only (HSTS).
HTTPS = env.flag("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS  # of the admin; nothing else has cookies
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "no-referrer"

# Checks of Django about pages and cookies, which do not exist here, or about the proxy's domain.
SILENCED_SYSTEM_CHECKS = [
    # SecurityMiddleware: wire.middleware sets its headers, and a redirected JSON client has already sent its token.
    "security.W001",
    "security.W002",  # X-Frame-Options: JSON is not framed
    "security.W003",  # CSRF: tokens travel in a header that no other site can add
    "corsheaders.E013",  # an origin without a host: env.origins has checked the list, and apps have such origins
    "admin.E408",  # staff.middleware runs the middlewares of the admin for its paths only
    "admin.E409",
    "admin.E410",
]

# Liveness of a socket: each ping needs its pong, and a client must read the bytes that wait for it.
WS_PING_INTERVAL_SECONDS = env.integer("WS_PING_INTERVAL_SECONDS", 25, least=1, most=3600)
WS_PING_TIMEOUT_SECONDS = env.integer("WS_PING_TIMEOUT_SECONDS", 20, least=1, most=3600)
WS_STALL_SECONDS = env.integer("WS_STALL_SECONDS", 20, least=1, most=3600)
# The time after which an idle HTTP connection is closed: longer than a proxy's, so that the proxy closes it first.
HTTP_IDLE_SECONDS = env.integer("HTTP_IDLE_SECONDS", 75, least=1, most=3600)
# The time for which a stopping server still accepts while /readyz returns 503: longer than a proxy's check interval.
DRAIN_SECONDS = env.integer("DRAIN_SECONDS", 0, least=0, most=5)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["wire.parsers.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["wire.renderers.JsonRenderer"],
    "DEFAULT_SCHEMA_CLASS": "wire.schema.Schema",
    "EXCEPTION_HANDLER": "wire.views.handle_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

# The settings of openapi.yaml, which `manage.py contracts` writes.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [],  # enums inline, so that generators write "public" | "private"
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PATH_CONVERTER_OVERRIDES": {
        "id": {"type": "string", "format": "uuid"},
        "external_id": {"type": "string", "minLength": 1, "maxLength": 255},
    },
}

# The log is on stderr: JSON for machines, or text on a developer's own server.
LOG_FORMAT = env.choice("LOG_FORMAT", "text" if LOOPBACK_ONLY else "json", ("text", "json"))
ACCESS_LOG = env.flag("ACCESS_LOG", True)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": FORMATTERS[LOG_FORMAT]}},
    "filters": {"outages": {"()": "wire.outages.OutageFilter"}, "repeats": {"()": "wire.logs.RepeatFilter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "line",
            "filters": ["outages", "repeats"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))},
    "loggers": {
        "django": {"handlers": [], "propagate": True, "level": "WARNING"},
        # Django would log a line for each 4xx response; these are errors of the client.
        "django.request": {"handlers": [], "propagate": True, "level": "ERROR"},
        "django.security": {"handlers": [], "propagate": True, "level": "ERROR"},
        "asyncio": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
    },
}
