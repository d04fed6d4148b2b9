"""``dfd serve``: the page and the API on this machine."""

import os
from typing import Annotated

import typer

from dfd.errors import ScanError


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
    from dfd.serve.limits import Limits
    from flows.scan import find_detector
    from tasks.isolated import spare_workers_the_program

    local = host in LOOPBACK
    if not local and not token and not open_to_all:
        raise ScanError(
            f"--host {host}: whoever reaches it could use it; give a --token, or say --open-to-all"
        )
    spare_workers_the_program()
    limits = Limits(
        upload_mb=upload_mb, duration_s=duration, scans=scans or os.cpu_count() or 1, queue=queue
    )
    hosts = [*(allow_host or ()), *(LOOPBACK if local or allow_host else ())]
    app = make_app(Site(find_detector(model), limits, token, hosts))
    print(f"http://{host}:{port}", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)
