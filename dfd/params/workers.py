"""The section ``workers`` of ``params.yaml``: where and how safely videos are decoded."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dfd.params.section import Section


class WorkerParams(Section):
    """The section ``workers``: where videos are decoded and how safely; it changes no result.

    Attributes:
        runner: Where videos are extracted: ``threads`` of this machine, or ``dask``.
        dask_address: Scheduler of an existing Dask cluster, ``tcp://host:port``; None for a local
            one. Its workers must see the project's folder under the same path.
        time_limit_s: Seconds after which a video is given up.
        memory_limit_mb: Memory, in 2**20 bytes, above which a video is given up.
    """

    SECTION: ClassVar[str] = "workers"

    runner: Literal["threads", "dask"]
    dask_address: Annotated[str, Field(pattern=r"^[a-z]+://\S+:\d+$")] | None
    time_limit_s: Annotated[int, Field(ge=1)]
    memory_limit_mb: Annotated[int, Field(ge=512)]
