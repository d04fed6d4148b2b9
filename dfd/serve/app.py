"""The web application: a page and an API that judge uploaded videos."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.requests import ClientDisconnect

from dfd.detector.card import load_card
from dfd.detector.network import load_detector
from dfd.errors import DetectorError
from dfd.pages import environment
from dfd.scan.record import VerdictRecord
from dfd.scan.words import chance_of, explanation, headline
from dfd.scan.worker import NamedDetector
from dfd.serve import guard
from dfd.serve.bodies import read_fields
from dfd.serve.clients import Sessions
from dfd.serve.jobs import Job, Jobs
from dfd.serve.limits import Refused, ServerLimits
from dfd.serve.uploads import receive, upload_folder
from dfd.words import LEAK, SYNTHETIC

_LOGIN_S = 10  # seconds for the login form to arrive
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"description": description}
    for status, description in {
        401: "The token is missing or wrong.",
        408: "The file arrived too slowly.",
        413: "The file is too large.",
        415: "The body is neither a file nor a form with a file.",
        422: "There is no file, or the video is too long or has too many pixels.",
        429: "This client has too many open scans, or sent too many wrong tokens.",
        503: "The queue is full.",
    }.items()
}


@dataclass(frozen=True)
class Site:
    """Settings of the application.

    Attributes:
        detector: The detector that judges.
        limits: Limits of the server.
        token: Token that every request must contain; None if none is needed.
        hosts: Host names of the server; empty if any name is accepted.
    """

    detector: NamedDetector
    limits: ServerLimits
    token: str | None
    hosts: Sequence[str]


def make_app(site: Site) -> FastAPI:
    """Return the web application.

    Its worker processes and its folder for uploads exist from its start to its end.

    Args:
        site: Settings of the application.

    Raises:
        DetectorError: The detector cannot be loaded.

    Example, where ``detector_dir`` is a detector directory:
        >>> detector = NamedDetector(detector_dir, name="champion")
        >>> app = make_app(Site(detector, ServerLimits(), token=None, hosts=["localhost"]))
        >>> list(app.openapi()["paths"])
        ['/api/scan']
    """
    # Loading the network, too, reports a damaged detector now and not at the first request.
    cards = [load_detector(site.detector.directory).card]
    templates = environment("dfd.serve")
    templates.filters["chance"] = chance_of
    stylesheet = templates.get_template("style.css").render()

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        with upload_folder() as folder:
            app.state.jobs = Jobs(site.detector, site.limits, folder)
            try:
                yield
            finally:
                app.state.jobs.close()

    app = FastAPI(
        title="dfd",
        summary="Is this video real?",
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    sessions = Sessions()
    guards = guard.Guard(site.token, site.hosts, sessions)

    @app.get("/static/style.css", include_in_schema=False)
    async def style() -> Response:
        return Response(stylesheet, media_type="text/css")

    app.mount("/static", StaticFiles(packages=[("dfd.serve", "static")]), name="static")

    def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
        with suppress(DetectorError):  # a promotion may be replacing the directory right now
            cards[0] = load_card(site.detector.directory)
        leak = LEAK if cards[0].leaky else None
        synthetic = SYNTHETIC if cards[0].domain.synthetic else None
        about = {"card": cards[0], "limits": site.limits, "leak": leak, "synthetic": synthetic}
        return HTMLResponse(templates.get_template(name).render(about, **values), status)

    def refusal(request: Request, error: Refused) -> Response:
        headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"detail": error.detail}, error.status, headers)
        if error.status == 401:
            return RedirectResponse("/login", 303)
        answer = page("refused.html", error.status, detail=error.detail)
        answer.headers.update(headers)
        return answer

    @app.middleware("http")
    async def guarded(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        try:
            guards.check(request)
        except Refused as error:
            return guard.guarded(refusal(request, error))
        try:
            return guard.guarded(await call_next(request))
        except asyncio.CancelledError:  # raised only when the server is stopped
            return guard.guarded(refusal(request, Refused(503, "the server is being stopped")))

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return refusal(request, error)

    @app.exception_handler(ClientDisconnect)
    async def disconnected(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody receives it

    async def admitted(request: Request, for_page: bool) -> Job:
        jobs: Jobs = request.app.state.jobs
        job = jobs.admit(sessions.client_of(request), for_page)
        request.state.admitted = True  # see dfd.serve.connections
        try:
            job.name = await receive(request, job.path, site.limits)
        except BaseException:
            jobs.drop(job)
            raise
        jobs.start(job)
        return job

    def job_of(request: Request, job_id: str) -> Job:
        jobs: Jobs = request.app.state.jobs
        job = jobs.find(sessions.client_of(request), job_id)
        if job is None:
            raise Refused(404, "this session has no such scan; only the last scans are kept")
        return job

    @app.post("/api/scan", responses=_ANSWERS, openapi_extra=_BODY)
    async def scan(request: Request) -> VerdictRecord:
        """Judge one video and answer with its verdict record."""
        job = await admitted(request, for_page=False)
        # A client that disconnects must not cancel the scan's future, which the worker fills in.
        judged = await asyncio.shield(asyncio.wrap_future(job.outcome))
        return judged.record

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> Response:
        jobs: Jobs = request.app.state.jobs
        client = sessions.client_of(request)
        # Without a session, the owner would be an address, and the page show what programs sent.
        own = jobs.of(client) if client.session else []
        answer = page("home.html", scans=[(job, _about(job)) for job in own])
        if not client.session:
            sessions.begin(request, answer)
        return answer

    @app.post("/scans", include_in_schema=False)
    async def upload(request: Request) -> Response:
        job = await admitted(request, for_page=True)
        if "text/html" in request.headers.get("accept", ""):  # a form sent without JavaScript
            return RedirectResponse(f"/scans/{job.id}", 303)
        return JSONResponse({"id": job.id}, 202)

    @app.get("/scans/{job_id}", include_in_schema=False)
    async def scan_page(request: Request, job_id: str) -> Response:
        job = job_of(request, job_id)
        if "text/html" in request.headers.get("accept", ""):
            return page("scan.html", job=job, about=_about(job))
        jobs: Jobs = request.app.state.jobs
        about = _about(job)
        html = templates.get_template("item.html").render(job=job, about=about)
        return JSONResponse({**about, "record": None, "ahead": jobs.ahead(job), "html": html})

    @app.get("/scans/{job_id}/report", include_in_schema=False)
    async def report(request: Request, job_id: str) -> Response:
        job = job_of(request, job_id)
        if _about(job)["state"] != "done":
            raise Refused(404, "there is no report yet")
        policy = {"Content-Security-Policy": guard.REPORT}
        return HTMLResponse(job.outcome.result().report, headers=policy)

    @app.get("/scans/{job_id}/record.json", include_in_schema=False)
    async def record(request: Request, job_id: str) -> VerdictRecord:
        job = job_of(request, job_id)
        if _about(job)["state"] != "done":
            raise Refused(404, "there is no record yet")
        return job.outcome.result().record

    @app.get("/login", include_in_schema=False)
    async def login() -> Response:
        return page("login.html", wrong=False)

    @app.post("/login", include_in_schema=False)
    async def log_in(request: Request) -> Response:
        token = (await read_fields(request, _LOGIN_S)).get("token", "")
        if not guards.is_token(request, token):
            return page("login.html", 401, wrong=True)
        answer = RedirectResponse("/", 303)
        sessions.begin(request, answer)
        return answer

    return app


def _about(job: Job) -> dict[str, Any]:
    """Return the state of a scan, and its verdict or refusal in words.

    Returns:
        ``state`` (``waiting``, ``working``, ``done`` or ``refused``), ``headline``,
        ``explanation`` and ``record``, the verdict record or None.
    """
    about: dict[str, Any] = {"headline": "", "explanation": "", "record": None}
    if not job.outcome.done():
        return {**about, "state": "working" if job.running else "waiting"}
    error = job.outcome.exception()
    if error is not None:
        detail = error.detail if isinstance(error, Refused) else "it could not be judged"
        return {**about, "state": "refused", "headline": "Not judged", "explanation": detail}
    record = job.outcome.result().record
    words = {"headline": headline(record), "explanation": explanation(record)}
    return {**words, "record": record, "state": "done"}
