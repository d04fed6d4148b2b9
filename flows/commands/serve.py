"""``dfd serve``: a page and an API that judge videos."""

import ipaddress
import logging
import os
import re
import socket
from contextlib import suppress
from typing import Annotated

import typer

from dfd.errors import ScanError
from flows.commands.scan import Model

_TOKEN = re.compile(r"[!-~]{16,}")
_SHUTDOWN_S = 5  # seconds for open requests to end when the server is stopped


def serve(
    model: Model = "models/champion",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free port.")
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="DFD_TOKEN", help="Token that every request must contain.", show_envvar=True
        ),
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Let other machines connect without a token.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Host name by which clients reach this server, such as the name of a proxy. "
            "Repeat it for several names."
        ),
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="Address or network of a proxy that tells the client's address in "
            "X-Forwarded-For. Repeat it for several."
        ),
    ] = None,
    scans: Annotated[
        int | None, typer.Option(min=1, help="Scans at the same time; one per core if not given.")
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Most uploads that may wait.")] = 16,
    upload_mb: Annotated[int, typer.Option(min=1, help="Largest upload in MB.")] = 512,
    duration: Annotated[float, typer.Option(min=1, help="Longest video in seconds.")] = 1800,
) -> None:
    """Serve a page and an API (POST /api/scan) that judge uploaded videos, until Ctrl-C."""
    import uvicorn

    from dfd.serve.app import Site, make_app
    from dfd.serve.connections import BACKLOG, OnceAMinute, connection_class
    from dfd.serve.guard import LOOPBACK
    from dfd.serve.limits import ServerLimits
    from flows.commands.scanning import find_detector

    local = host in LOOPBACK
    if not local and not token and not open_to_all:
        raise ScanError(
            f"--host {host}: anyone who reaches this address could use the server; give a --token, "
            "or --open-to-all"
        )
    if token is not None and not _TOKEN.fullmatch(token):
        raise ScanError(
            "--token or DFD_TOKEN: a token has at least 16 letters, digits and ASCII signs, and no "
            "spaces; `openssl rand -hex 16` prints one"
        )
    for address in proxy or ():
        _check_address(address)
    limits = ServerLimits(
        upload_mb=upload_mb, duration_s=duration, scans=scans or os.cpu_count() or 1, queue=queue
    )
    hosts = [*map(str.lower, allow_host or ()), *(LOOPBACK if local or allow_host else ())]
    app = make_app(Site(find_detector(model), limits, token, hosts))
    with _listening(host, port) as listener, suppress(KeyboardInterrupt):
        config = uvicorn.Config(
            app,
            http=connection_class(),
            ws="none",
            backlog=BACKLOG,
            proxy_headers=bool(proxy),
            forwarded_allow_ips=proxy,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_not_cancellation)
        for name in ("uvicorn.error", "asyncio"):
            logging.getLogger(name).addFilter(OnceAMinute())
        address = f"[{host}]" if ":" in host else host
        print(f"http://{address}:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def _check_address(proxy: str) -> None:
    try:
        ipaddress.ip_network(proxy)
    except ValueError as error:
        raise ScanError(f"--proxy {proxy}: no IP address or network; example: 10.0.0.2") from error


def _is_not_cancellation(record: logging.LogRecord) -> bool:
    """Drop log records of the requests that were cancelled when the server was stopped."""
    import asyncio  # slow to import, and `dfd --help` does not need it

    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Raises:
        ScanError: The port is in use, or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ScanError(
            f"{host}, port {port}: {error.strerror}; choose another with --port or --host"
        ) from error
