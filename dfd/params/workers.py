"""The section ``workers`` of ``params.yaml``: where videos are decoded, and within which limits."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dfd.params.section import Section


class WorkerParams(Section):
    """The section ``workers``: where videos are decoded, and within which limits.

    These values change no result, except that a video that exceeds a limit gives no crops.

    Attributes:
        runner: Where the tasks of the stage ``faces`` run: in ``threads`` of this machine, or in
            ``dask``.
        dask_address: Address of the scheduler of a running Dask cluster, ``tcp://host:port``; None
            starts a local cluster. Its workers must see the project's folder under the same path.
        time_limit_s: Seconds that a video may take before it is given up.
        memory_limit_mb: Memory, in units of 2**20 bytes, that a video may take before it is given
            up.
    """

    SECTION: ClassVar[str] = "workers"

    runner: Literal["threads", "dask"]
    dask_address: Annotated[str, Field(pattern=r"^[a-z]+://\S+:\d+$")] | None
    time_limit_s: Annotated[int, Field(ge=1)]
    memory_limit_mb: Annotated[int, Field(ge=512)]
