"""The PostgreSQL of compose.yaml on this machine: its roles, its backups and its restore, run as the containers do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.packaging.compose_file import SECRETS, command, environment, write_secrets
from tests.servers import OURS, ROOT
from tests.services import start_postgres


class Cluster:
    """A cluster whose superuser is `postgres`, as in the image, with the roles that compose.yaml makes.

    `backups` is the folder that the containers have as a volume.
    """

    def __init__(self, folder: Path) -> None:
        self.secrets = write_secrets(folder)
        self.backups = folder / "backups"
        self.backups.mkdir()
        self.server = start_postgres()
        self.server.create_database("parley")
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute("CREATE ROLE postgres LOGIN SUPERUSER")
        self.sql("ALTER ROLE parley RENAME TO made_by_initdb", database="postgres")
        for _ in range(2):  # each `docker compose up` runs it again
            self.run("roles").check_returncode()

    def url(self, role: str, database: str = "parley") -> str:
        return self.server.database_url(database).replace("//parley@", f"//{role}@")

    def sql(self, statement: str, *, database: str = "parley") -> list[tuple[object, ...]]:
        """Run a statement as the superuser, and return its rows."""
        with psycopg.connect(self.url("postgres", database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def run(
        self, service: str, *arguments: str, stdin: bytes | None = None, **changes: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the script of a service to its end; `changes` replaces variables of its environment."""
        entrypoint, given = self._container(service, changes)
        return subprocess.run([*entrypoint, *arguments], env=given, input=stdin, capture_output=True, check=False)

    def start(self, service: str) -> subprocess.Popen[bytes]:
        """Start the script of a service in a process group of its own."""
        entrypoint, given = self._container(service, {})
        return subprocess.Popen(entrypoint, env=given, start_new_session=True)

    def _container(self, service: str, changes: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        place = {"PGHOST": str(self.server.folder), "PGPORT": str(self.server.port)}
        path = f"{self.server.binaries}:{os.environ['PATH']}"
        given = environment(service, secrets=self.secrets) | place | {"PATH": path} | changes
        given = {name: value.replace("/var/lib/postgresql/data", str(self.backups)) for name, value in given.items()}
        return command(service, "entrypoint", secrets=self.secrets), given

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py as the owner of the tables, as the service `migrate` does."""
        owner = {name: value for name, value in os.environ.items() if name not in OURS} | {
            "DATABASE_URL": self.url("parley_owner"),
            "SECRET_KEY": SECRETS["secret_key"],
        }
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=owner, check=True, capture_output=True)
