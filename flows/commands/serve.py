"""``dfd serve``: the page and the API on this machine."""

import asyncio
import logging
import os
import socket
from contextlib import suppress
from typing import Annotated

import typer

from dfd.errors import ScanError

_LAST_ANSWERS_S = 5  # for answers on their way when the server is stopped


def serve(
    model: Annotated[
        str,
        typer.Option(help="A detector's folder, models:/NAME@champion or models:/NAME/VERSION."),
    ] = "models/champion",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    token: Annotated[
        str | None,
        typer.Option(envvar="DFD_TOKEN", help="What every request must show.", show_envvar=True),
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Listen beyond this machine without a token.")
    ] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name this server goes by, behind a proxy say.")
    ] = None,
    scans: Annotated[int | None, typer.Option(min=1, help="Scans at once; all cores.")] = None,
    queue: Annotated[int, typer.Option(min=0, help="Scans that may wait.")] = 16,
    upload_mb: Annotated[int, typer.Option(min=1, help="Largest file, in MB.")] = 512,
    duration: Annotated[float, typer.Option(min=1, help="Longest video, in seconds.")] = 1800,
) -> None:
    """Serve a page that judges videos, and POST /api/scan, until Ctrl-C."""
    import uvicorn

    from dfd.serve.app import Site, make_app
    from dfd.serve.guard import LOOPBACK
    from dfd.serve.limits import ServerLimits
    from flows.commands.scanning import find_detector

    local = host in LOOPBACK
    if not local and not token and not open_to_all:
        raise ScanError(
            f"--host {host}: whoever reaches it could use it; give a --token, or say --open-to-all"
        )
    limits = ServerLimits(
        upload_mb=upload_mb, duration_s=duration, scans=scans or os.cpu_count() or 1, queue=queue
    )
    hosts = [*(allow_host or ()), *(LOOPBACK if local or allow_host else ())]
    app = make_app(Site(find_detector(model), limits, token, hosts))
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancelled_answer)
    with _listening(host, port) as listener, suppress(KeyboardInterrupt):
        name = f"[{host}]" if ":" in host else host
        print(f"http://{name}:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def _is_no_cancelled_answer(record: logging.LogRecord) -> bool:
    """Pass over tracebacks of answers that were still under way when the server was stopped."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or say in one line why there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ScanError(
            f"{host}, port {port}: {error.strerror}; choose another with --port or --host"
        ) from error
