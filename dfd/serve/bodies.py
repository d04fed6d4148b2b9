"""Reading the bodies of requests: within a time that depends on their size, and small forms."""

import asyncio
import math
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from starlette.requests import Request

from dfd.serve.limits import Refused

_FORM = "application/x-www-form-urlencoded"
_FORM_BYTES = 4096
_FORM_FIELDS = 8


async def arriving(
    request: Request, within_s: float, bytes_per_s: float = math.inf
) -> AsyncIterator[bytes]:
    """Yield the body of a request in pieces, as they arrive, and give up one that is too slow.

    Args:
        request: The request.
        within_s: Seconds in which a body has to arrive, if it is shorter than ``bytes_per_s`` times
            this.
        bytes_per_s: Slowest rate of a longer body, in every such time anew: what arrived fast
            earns no pause.

    Raises:
        Refused: 408 if the body is too slow.
        ClientDisconnect: The client closed the connection before the end of the body.
    """
    loop = asyncio.get_running_loop()
    end, received = loop.time() + within_s, 0
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout_at(end):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Refused(
                408, f"too little arrived in {within_s:g} seconds; send it again"
            ) from error
        received += len(chunk)
        if received >= bytes_per_s * within_s:
            end, received = loop.time() + within_s, 0
        yield chunk


async def read_fields(request: Request, within_s: float) -> dict[str, str]:
    """Return the fields of a small form; nothing of it is written to the disk.

    Args:
        request: The request, of the type application/x-www-form-urlencoded.
        within_s: Seconds within which the whole body has to arrive.

    Raises:
        Refused: 408 if the form is too slow, 413 if it is longer than 4096 bytes, 415 for another
            type, 422 if it has more than eight fields.
        ClientDisconnect: The client closed the connection before the end of the form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise Refused(415, f"send the form as {_FORM}")
    body = bytearray()
    async for chunk in arriving(request, within_s):
        body += chunk
        if len(body) > _FORM_BYTES:
            raise Refused(413, f"longer than {_FORM_BYTES} bytes, the most this form may have")
    try:
        return dict(parse_qsl(body.decode("latin-1"), max_num_fields=_FORM_FIELDS))
    except ValueError as error:
        raise Refused(422, f"more than {_FORM_FIELDS} fields; send the form again") from error
