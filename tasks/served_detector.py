"""The model that MLflow loads and serves: crops in, P(FAKE) out. Read as code, never unpickled."""

from pathlib import Path

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class ServedDetector(PythonModel):
    """A detector directory behind MLflow's ``predict``."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the detector that was logged with the model."""
        from dfd.detector import load_detector  # from the copy logged beside this file

        self.detector = load_detector(Path(context.artifacts["detector"]))

    # Without annotations on purpose: MLflow would take them for a schema of its own.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return P(FAKE), float32 (N,), of crops, uint8 (N,S,S,3) RGB."""
        crops = model_input["crops"] if isinstance(model_input, dict) else model_input
        return self.detector.predict(np.asarray(crops, dtype=np.uint8))


set_model(ServedDetector())
