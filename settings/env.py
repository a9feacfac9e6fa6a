"""Readers of environment variables: each returns a setting, or raises ImproperlyConfigured with the variable's name."""

import os
import re
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Limits on locks, statements and idle transactions. A send waits at most two seconds for the head row of a busy room,
# then fails with a retryable 503.
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000

POSTGRES_OPTIONS = frozenset(
    {"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "target_session_attrs"}
    | {"application_name", "connect_timeout", "passfile"}
)
SQLITE_SYNCHRONOUS = frozenset({"full", "normal", "extra"})
MIN_SECRET_KEY_LENGTH = 50  # the minimum of Django's `check --deploy`
DEFAULT_POOL_SIZE = 20


def text(name: str, default: str) -> str:
    """Read a line of text; an empty variable counts as unset."""
    return os.environ.get(name, "").strip() or default


def secret(name: str, default: str, *, may_be_empty: bool = False) -> str:
    """Read a secret from its variable, or from the file that NAME_FILE names, such as one in /run/secrets.

    Raises ImproperlyConfigured when both are set, and when the file cannot be read or is empty.
    """
    path = text(f"{name}_FILE", "")
    if not path:
        return text(name, default)
    if text(name, ""):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: remove one of them.")
    try:
        value = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ImproperlyConfigured(f"{name}_FILE: {path} cannot be read ({reason}).") from None
    if not value and not may_be_empty:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is empty.")
    return value or default


def flag(name: str, default: bool) -> bool:
    """Read a boolean."""
    raw = text(name, "").lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0 (or true/false, yes/no, on/off).")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Read one of the allowed words."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of: {', '.join(allowed)}.")
    return value


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """Read a whole number within [least, most]."""
    raw = text(name, "")
    if not raw:
        return default
    # ASCII digits only: int() would also accept "1_000", "+5" and digits of other scripts.
    if not re.fullmatch(r"-?[0-9]{1,18}", raw) or not least <= int(raw) <= most:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} to {most}.")
    return int(raw)


def words(name: str, default: list[str]) -> list[str]:
    """Read a list, separated by commas or spaces."""
    raw = text(name, "")
    return [word for word in re.split(r"[\s,]+", raw) if word] or list(default)


def origins(name: str, default: list[str]) -> list[str]:
    """Read web origins, scheme://host[:port]; those of hybrid apps have other schemes, or are file:// or null.

    A host in another script becomes its ASCII form, which browsers send.
    """
    found = []
    for origin in words(name, default):
        scheme, separator, host = origin.partition("://")
        if not host.isascii():
            with suppress(UnicodeError):
                host = host.encode("idna").decode()
        least = 1 if scheme.lower() in {"http", "https"} else 0
        is_origin = re.fullmatch(r"[A-Za-z][A-Za-z0-9+.\-]*", scheme) and re.fullmatch(r"[A-Za-z0-9.\-_\[\]:]*", host)
        if origin.lower() != "null" and not (separator and is_origin and len(host) >= least):
            raise ImproperlyConfigured(
                f"{name} must list origins such as https://app.example.com, capacitor://localhost or null, without "
                "path or closing slash."
            )
        found.append(f"{scheme}{separator}{host}".lower())
    return found


def hosts(name: str, default: list[str]) -> list[str]:
    """Read names of hosts, in the form that Django compares: lower case, without a port or a dot at the end."""
    return [re.sub(r"(?<=.)\.?(:[0-9]{1,5})?$", "", host.lower()) for host in words(name, default)]


def header_names(name: str, default: list[str]) -> list[str]:
    """Read names of HTTP headers (RFC 9110, section 5.1), in lower case."""
    found = [header.lower() for header in words(name, default)]
    if not all(re.fullmatch(r"[a-z0-9!#$%&'+.^_`|~\-]+", header) for header in found):
        raise ImproperlyConfigured(f"{name} must list names of headers.")
    return found


def networks(name: str, default: list[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read IP addresses and networks, separated by commas or spaces."""
    return tuple(_network(name, word) for word in words(name, default))


def _network(name: str, word: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(word)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must list addresses and networks such as 10.0.0.7, 172.16.0.0/12 or fd00::/8; {word!r} is neither."
        ) from None
    if network.prefixlen == 0:
        raise ImproperlyConfigured(f"{name}: {word} contains every address; list the addresses of the proxies.")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= 96:
        # A dual-stack listener reports IPv4 peers in this form; the address of a client is compared as plain IPv4.
        return IPv4Network((int(network.network_address.ipv4_mapped), network.prefixlen - 96))
    return network


def secret_key(file: Path) -> str:
    """Read SECRET_KEY, or generate one on first use and keep it in `file`, which only its owner can read."""
    given = secret("SECRET_KEY", "")
    if given:
        if len(given) < MIN_SECRET_KEY_LENGTH:
            raise ImproperlyConfigured(
                f"SECRET_KEY is too short: write at least {MIN_SECRET_KEY_LENGTH} random characters."
            )
        return given
    try:
        return _stored_secret(file)
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and none can be stored in {file} ({error.strerror}): set SECRET_KEY to at least "
            f"{MIN_SECRET_KEY_LENGTH} random characters."
        ) from error


def secret_key_fallbacks() -> list[str]:
    """Read SECRET_KEY_FALLBACKS: earlier keys, and during a rolling restart the next one."""
    found = re.findall(r"[^\s,]+", secret("SECRET_KEY_FALLBACKS", "", may_be_empty=True))
    if any(len(key) < MIN_SECRET_KEY_LENGTH for key in found):
        raise ImproperlyConfigured(
            f"SECRET_KEY_FALLBACKS must list keys of at least {MIN_SECRET_KEY_LENGTH} characters, "
            "with commas or spaces between them."
        )
    return found


def _stored_secret(file: Path) -> str:
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(64))
            # link() is atomic and fails if another process was first, so two workers never use different keys.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    kept = file.read_text().strip()
    if len(kept) < MIN_SECRET_KEY_LENGTH:
        raise ImproperlyConfigured(f"The secret key in {file} is damaged: delete the file or set SECRET_KEY.")
    return kept


def database(default: str) -> dict[str, Any]:
    """Read DATABASE_URL, sqlite:///path or postgres://user:password@host:port/name, as an entry of DATABASES.

    PostgreSQL also takes libpq's form with the folder of a socket in the query: postgres:///name?host=/run/postgresql.
    DATABASE_PASSWORD is for a URL without a password.
    """
    url = secret("DATABASE_URL", default)
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/"):
        if secret("DATABASE_PASSWORD", ""):
            raise ImproperlyConfigured("DATABASE_PASSWORD is for PostgreSQL; DATABASE_URL names a file of SQLite.")
        return _sqlite(rest[1:], own_folder=url == default)
    if scheme in {"postgres", "postgresql"}:
        return _postgres(url)
    raise ImproperlyConfigured(
        "DATABASE_URL must be sqlite:///path/to/file or postgres://user:password@host:5432/name "
        "(a socket: postgres:///name?host=/run/postgresql)."
    )


def _sqlite(rest: str, *, own_folder: bool) -> dict[str, Any]:
    path, _, query = rest.partition("?")
    options = _query("DATABASE_URL", query, frozenset({"synchronous"}))
    synchronous = options.get("synchronous", "full").lower()
    if synchronous not in SQLITE_SYNCHRONOUS:
        raise ImproperlyConfigured("DATABASE_URL: synchronous must be full, normal or extra.")
    file = Path(unquote(path)).absolute()
    if not path or path == ":memory:":
        raise ImproperlyConfigured("DATABASE_URL must name a file, which every thread and process opens.")
    if own_folder:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _restrict(file.parent)
    if not file.parent.is_dir() or file.is_dir():
        raise ImproperlyConfigured(f"DATABASE_URL: {file} is not a file in an existing folder.")
    _keep_private(file)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "CONN_MAX_AGE": None,  # threads keep their connection: opening the file costs as much as five queries
        "OPTIONS": {
            # IMMEDIATE takes the write lock at BEGIN: an upgrade from read to write would fail at once, without a wait.
            "transaction_mode": "IMMEDIATE",
            "timeout": STATEMENT_TIMEOUT_MS / 1000,  # SQLite's busy_timeout
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous.upper()}",
        },
    }


def _keep_private(file: Path) -> None:
    """Take the access of others from a database: it has messages and password hashes.

    SQLite gives its -wal and -shm files the mode of the database, so the database file is made here, before SQLite
    does. A group that the operator chose keeps its access.
    """
    with suppress(OSError):  # SQLite reports the fault of the folder
        file.touch(mode=0o600)
    for each in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        _restrict(each)


def _restrict(path: Path) -> None:
    """Remove the permissions of others from a file or folder."""
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & stat.S_IRWXO:
            path.chmod(mode & ~stat.S_IRWXO)


def _postgres(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Not chained: the parser's error can contain the URL with its password.
        raise ImproperlyConfigured("DATABASE_URL has a malformed host or port.") from None
    options = _query("DATABASE_URL", parts.query, POSTGRES_OPTIONS)
    name = unquote(parts.path.lstrip("/"))
    if not name or "/" in name:
        raise ImproperlyConfigured("DATABASE_URL must end in the name of the database: postgres://user@host/name.")
    host = options.pop("host", unquote(parts.hostname or ""))
    prepares = flag("DATABASE_PREPARE", True)  # False: behind a pool that gives each transaction any connection
    password = secret("DATABASE_PASSWORD", "")
    if password and parts.password:
        raise ImproperlyConfigured("DATABASE_URL has a password and DATABASE_PASSWORD is set: remove one of them.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": password or unquote(parts.password or ""),
        "HOST": host,
        "PORT": options.pop("port", str(port or "")),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        # tcp_user_timeout: a dead connection is noticed within seconds instead of a quarter of an hour.
        "OPTIONS": {
            "connect_timeout": 3,
            "tcp_user_timeout": 5_000,
            **options,
            "options": _session_limits(),
            "pool": _pool(),
            # Statements are prepared the fourth time that a connection runs them; only those whose values are bound by
            # the server have one text for all values.
            "server_side_binding": True,
            "prepare_threshold": 3 if prepares else None,
        },
        "DISABLE_SERVER_SIDE_CURSORS": not prepares,  # they too belong to one connection
    }


def _session_limits() -> str:
    limits = {
        "lock_timeout": LOCK_TIMEOUT_MS,
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
        # Every statement of Parley finds a bounded number of rows by their keys. While a table is small, PostgreSQL
        # would plan to read all of it, and a prepared statement keeps that plan while the table grows. These plans
        # remain possible where no index exists; without jit they would then be compiled, because they look expensive.
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "jit": "off",
    }
    return " ".join(f"-c {name}={value}" for name, value in limits.items())


def pool_size() -> int:
    """Read the maximum number of PostgreSQL connections of one process."""
    return integer("DATABASE_POOL_SIZE", DEFAULT_POOL_SIZE, least=2, most=1000)


def _pool() -> dict[str, Any]:
    size = pool_size()
    return {
        "min_size": min(2, size),
        "max_size": size,
        "timeout": 1.5,  # a busy or unreachable database soon gives 503
        # The pool doubles its pause between attempts until this time is over, and then starts anew. A short time keeps
        # the pauses short, so connections are back a second or two after the database.
        "reconnect_timeout": 2.0,
    }


def _query(variable: str, query: str, allowed: frozenset[str]) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    if (query and not pairs) or not all(value for _, value in pairs):
        raise ImproperlyConfigured(f"{variable}: after the question mark, write name=value.")
    for name, _ in pairs:
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise ImproperlyConfigured(f"{variable} has an unknown option; the known ones are: {known}.")
    return dict(pairs)


def redis_url() -> str:
    """Read REDIS_URL, with REDIS_PASSWORD in it; empty when unset."""
    url, password = secret("REDIS_URL", ""), secret("REDIS_PASSWORD", "")
    if url:
        _check_redis(url)
    if not password:
        return url
    parts = urlsplit(url)
    if not url or parts.password:
        raise ImproperlyConfigured("REDIS_PASSWORD needs a REDIS_URL, and one without a password.")
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.removesuffix(':')}:{quote(password, safe='')}@{host}").geturl()


def _check_redis(url: str) -> None:
    scheme, _, rest = url.partition("://")
    try:
        parts = urlsplit(url)
        reachable = bool(parts.path.strip("/")) if scheme == "unix" else bool(parts.hostname) and parts.port != 0
        numbered = scheme == "unix" or re.fullmatch(r"(/[0-9]{0,4})?", parts.path) is not None
    except ValueError:
        reachable = numbered = False
    if scheme not in {"redis", "rediss", "unix"} or not rest or not reachable or not numbered:
        raise ImproperlyConfigured(
            "REDIS_URL must be redis://[user:password@]host:6379/0, rediss://... or unix:///path/to/socket."
        ) from None


def channel_layer() -> Mapping[str, Any]:
    """Return the channel layer that carries hints between processes: Redis pub/sub, or without REDIS_URL the memory."""
    url = redis_url()
    if not url:
        # The default capacity of 100 drops hints of a burst. A lost hint delays events by a second and loses none.
        return {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
    host = {
        "address": url,
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
        "protocol": 2,  # with hiredis, RESP2 takes a third of the CPU of RESP3 per hint
    }
    return {
        "BACKEND": "realtime.layer.HintLayer",
        "CONFIG": {"hosts": [host], "prefix": text("REDIS_PREFIX", "parley")},
    }
