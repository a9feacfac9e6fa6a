"""The wiring of a Parley process: every choice comes from the environment, refused when malformed, safe when silent."""

import sys
from pathlib import Path

from corsheaders.defaults import default_headers

from settings import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / ".var"  # the database file and the generated secret of a development server; outside git

DEBUG = env.flag("DEBUG", False)
SECRET_KEY_IS_GENERATED = not env.text("SECRET_KEY", "")
SECRET_KEY = env.secret_key(VAR_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.secret_key_fallbacks()

# What `manage.py serve` listens on, and with what.
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, least=0, most=65535)
SERVER = env.choice("SERVER", "daphne", ("daphne", "uvicorn"))
WORKERS = env.integer("WORKERS", 1, least=1, most=64)

# A server of this machine alone knows its names; one that the network reaches must be told them (`check --deploy`).
_LOCAL = ["localhost", "127.0.0.1", "[::1]", "10.0.2.2"]  # the last one is this machine to an Android emulator
ON_A_DESK = HOST in {"localhost", "127.0.0.1", "::1"} and not env.text("ALLOWED_HOSTS", "")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", _LOCAL if HOST in {"localhost", "127.0.0.1", "::1"} else ["*"])

# Off on a desk, where tests and load generators are welcome; on where strangers can reach the server.
RATE_LIMITS = env.flag("RATE_LIMITS", not ON_A_DESK)

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
    "django.middleware.security.SecurityMiddleware",
    "wire.origins.OriginMiddleware",
    "wire.middleware.ProblemMiddleware",
]
ROOT_URLCONF = "settings.urls"
ASGI_APPLICATION = "settings.asgi.application"
AUTH_USER_MODEL = "accounts.User"

DATABASES = {"default": env.database(f"sqlite:///{VAR_DIR / 'parley.sqlite3'}")}
# Threads of one process that work for sockets; each keeps a connection, and REST needs some too.
WS_DB_THREADS = min(8, env.pool_size() // 2)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.redis_url()  # empty: the in-memory layer
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

# Whom the search of people finds: everybody, those with whom one shares a room, or nobody but by the exact username.
USER_SEARCH = env.choice("USER_SEARCH", "all", ("all", "shared_rooms", "exact"))

# How long an unused session lives, and any session at most (design section 8).
SESSION_IDLE_SECONDS = env.integer("SESSION_IDLE_SECONDS", 30 * 86_400, least=1, most=3_650 * 86_400)
SESSION_MAX_SECONDS = env.integer("SESSION_MAX_SECONDS", 365 * 86_400, least=1, most=3_650 * 86_400)

# Browsers of other origins: none until they are named. Tokens travel in headers, so credentials (cookies) are never
# allowed. The same list, beside the server's own hosts, is what a socket's Origin is checked against.
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS", [])
CORS_ALLOW_ALL_ORIGINS = env.flag("CORS_ALLOW_ALL_ORIGINS", False)
# What tracing and error reporting add to requests: a browser refuses a request that has one which is not allowed.
_TRACING = ["traceparent", "tracestate", "baggage", "sentry-trace"]
CORS_ALLOW_HEADERS = [*default_headers, "x-request-id", *env.header_names("CORS_ALLOW_HEADERS", _TRACING)]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After", "Location", "Parley-Revocation"]

# The proxies whose X-Forwarded-For is believed. Without them the peer of the TCP connection is the client.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", [])

# TLS usually ends at the proxy; HTTPS=1 says that it does, and clients are then told to come back by HTTPS only.
HTTPS = env.flag("HTTPS", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = False  # the proxy's work: a JSON client that is redirected has sent its token in clear already
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"

# What Django's `check --deploy` asks of pages and cookies, of which there are none here, or of the proxy's domain.
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # X-Frame-Options: JSON is not framed
    "security.W003",  # CSRF: tokens travel in a header that no foreign page can add
    "security.W005",  # HSTS for subdomains: the domain's owner decides
    "security.W008",  # redirect to HTTPS: see SECURE_SSL_REDIRECT
    "corsheaders.E013",  # an origin without a host: env.origins has checked the list, and apps have such origins
    "security.W021",  # HSTS preload: the domain's owner decides
]

# Liveness of every socket (design section 6): a pong must answer each ping, and waiting bytes must move.
WS_PING_INTERVAL_SECONDS = env.integer("WS_PING_INTERVAL_SECONDS", 25, least=1, most=3600)
WS_PING_TIMEOUT_SECONDS = env.integer("WS_PING_TIMEOUT_SECONDS", 20, least=1, most=3600)
WS_STALL_SECONDS = env.integer("WS_STALL_SECONDS", 20, least=1, most=3600)
# How long a connection without a request is kept: longer than a proxy keeps it, so that the proxy closes it first.
HTTP_IDLE_SECONDS = env.integer("HTTP_IDLE_SECONDS", 75, least=1, most=3600)
# How long a server that was told to end still accepts while /readyz answers 503: longer than a proxy's check interval.
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

# What `manage.py contracts` makes openapi.yaml with.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [],  # enums stay where they are used: a generator then writes "public" | "private"
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
}

# Warnings and errors only, on stderr: an access log is the proxy's work, and it would hold what clients write.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"outages": {"()": "wire.outages.OutageFilter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "line",
            "filters": ["outages"],
        }
    },
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))},
    "loggers": {
        "django": {"handlers": [], "propagate": True, "level": "WARNING"},
        # 4xx answers are the client's business; they would be a line each.
        "django.request": {"handlers": [], "propagate": True, "level": "ERROR"},
        "django.security": {"handlers": [], "propagate": True, "level": "ERROR"},
        "asyncio": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
    },
}
