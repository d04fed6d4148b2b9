"""The model that MLflow loads and serves: videos in, verdict records out.

Read as code, never unpickled; it runs by the copy of ``dfd`` that is logged beside it.
"""

import base64
import binascii
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

if TYPE_CHECKING:
    from dfd.scan.record import VerdictRecord

_TIME_S, _MEMORY_MB = 900, 4096  # of one video, as `dfd scan` allows
_FOLDER = "DFD_VIDEOS"  # variable that names the folder below which files may be read
_LONGEST_PATH = 4096


class ServedModel(PythonModel):
    """A detector directory behind MLflow's ``predict``.

    A video that crashes its decoder, hangs or balloons costs its own worker process and gets a
    record that says so.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Check that the detector is the one that was logged with the model, and whole.

        MLflow's telemetry is off from here on; what MLflow does before it loads a model is not in
        this model's hands.
        """
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        from dfd.detector.network import load_detector
        from dfd.errors import DetectorError
        from dfd.isolation import Limits, WorkerPool
        from dfd.scan.worker import NamedDetector

        directory = Path(context.artifacts["detector"])
        card = load_detector(directory).card
        if card.sha256 != context.model_config["detector"]:
            raise DetectorError(
                f"{directory}: not the detector that was logged with this model; restore mlruns/"
            )
        self.detector = NamedDetector(directory, card.candidate, None)
        self.pool = WorkerPool(1, Limits(_TIME_S, _MEMORY_MB))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the verdict record of every video, as JSON.

        Args:
            context: As MLflow gives it.
            model_input: The column ``video``: each a file's content in base64, or the path of a
                file below the folder that the variable ``DFD_VIDEOS`` of this process names.
                Without that variable no path is read.
            params: None are known.

        Raises:
            MlflowException: A value is neither; no video is judged then.
        """
        with tempfile.TemporaryDirectory() as folder:
            paths = [
                _file(video, Path(folder) / str(number))
                for number, video in enumerate(model_input["video"])
            ]
            return [self._judge(path).model_dump(mode="json") for path in paths]

    def _judge(self, path: Path) -> "VerdictRecord":
        from dfd.errors import VideoGivenUp
        from dfd.scan.worker import give_up, scan_file

        try:
            threads = os.cpu_count() or 1
            return self.pool.run(scan_file, path, self.detector, threads, False).record
        except VideoGivenUp as error:
            return give_up(path, self.detector, error).record


def _file(video: str, temporary: Path) -> Path:
    """Return the file that a value names, or one with the content it holds."""
    if path := _permitted(video):
        return path
    try:
        content = base64.b64decode(video, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MlflowException.invalid_parameter_value(
            f"video {temporary.name}: neither base64 ({error}) nor a file below the folder that "
            f"{_FOLDER} names where this model is served; send the bytes of a video in base64"
        ) from error
    temporary.write_bytes(content)
    return temporary


def _permitted(video: str) -> Path | None:
    """Return the file that a value names, where it lies below the folder of ``DFD_VIDEOS``.

    Of any other path nothing is told, not even whether there is such a file.
    """
    folder = os.environ.get(_FOLDER)
    if not folder or len(video) > _LONGEST_PATH or "\0" in video:
        return None
    path = Path(os.path.realpath(os.path.join(folder, video)))  # where links lead
    return path if path.is_relative_to(os.path.realpath(folder)) and path.is_file() else None


set_model(ServedModel())
