"""A server that keeps what is posted to it: a collector of traces, and Sentry."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Collector:
    """`posted` has each path and body, uncompressed."""

    def __init__(self) -> None:
        posted = self.posted = list[tuple[str, bytes]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                is_gzip = self.headers.get("Content-Encoding") == "gzip"
                posted.append((self.path, gzip.decompress(body) if is_gzip else body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def place(self) -> str:
        """The host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def bodies(self, path_end: str) -> list[bytes]:
        """The bodies that were posted to paths with this end."""
        return [body for path, body in list(self.posted) if path.endswith(path_end)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
