"""A receiver of traces, as a collector is one: OTLP over HTTP, on a port of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    trace: str
    id: str
    parent: str
    failed: str
    """The kind of exception that ended it; empty for none."""


@dataclass
class Collector:
    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def take(self, raw: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(raw)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += [
                    Span(s.name, s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex(), s.status.message)
                    for s in scope.spans
                ]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def ancestors(self, span: Span) -> list[str]:
        """The names from its parent up, as far as they were sent."""
        by_id = {each.id: each for each in self.spans}
        names = []
        while above := by_id.get(span.parent):
            names.append(above.name)
            span = above
        return names


@contextmanager
def collector() -> Iterator[Collector]:
    receiving = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiving.take(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiving.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiving
        server.shutdown()
        thread.join()
