"""Running the application under uvicorn: a taken port and a failed start are told in one line, a stop loses nothing."""

import asyncio
import errno
import logging
import signal
import socket
from types import FrameType

import structlog
import uvicorn
from starlette.applications import Starlette

from app.http_protocol import BoundedHttp
from app.live import LiveServer
from app.settings import Settings

log = structlog.get_logger()

_BACKLOG = 2048


class PortTaken(Exception):  # noqa: N818 - named for what is wrong, as all our errors
    def __init__(self, port: int, setting: str) -> None:
        super().__init__(f"port {port} is taken; choose another with {setting}=<port>")


def listen(host: str, port: int, *, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port, setting) from None
        raise
    return listener


def serve_app(app: Starlette, settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. The graceful bound covers requests; operations have their own."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it tells of our start and stop, as we do
    config = server_config(app, settings)
    with (
        listen(settings.host, settings.port, setting="PORT") as listener,
        asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
    ):
        runner.run(_serve(app, LiveServer(config, lambda: app.state.feed.end_streams()), listener))


def server_config(app: Starlette, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHttp,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        timeout_keep_alive=settings.keep_alive_seconds,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=int(settings.drain_seconds),
        ws_max_size=65_536,
        lifespan="off",
    )


async def _serve(app: Starlette, server: uvicorn.Server, listener: socket.socket) -> None:
    def stop(_: int, __: FrameType | None) -> None:
        # Also before uvicorn listens to signals itself, and again after it has stopped, when it raises the signal
        # once more while the rest of the stop is still to come.
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    async with app.router.lifespan_context(app):
        host, port = listener.getsockname()[:2]
        log.info("service.listening", url=f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        await server.serve(sockets=[listener])
        log.info("service.stopping")
    log.info("service.stopped")
