"""An upstream that records what the proxy sends to it, and can respond with an endless body."""

import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import Self

CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


class Upstream:
    """A server: /readyz gives 200, /endless a body until the connection is cut, other paths 200 and an empty object."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []  # headers, with names in lower case
        self.cut = threading.Event()  # /endless met a closed connection
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/endless":
                    upstream._send_without_end(self)
                    return
                if self.path != "/readyz":
                    upstream.seen.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: object) -> None:
                pass

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def _send_without_end(self, request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        try:
            while True:
                request.wfile.write(CHUNK)
        except OSError:
            self.cut.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
