"""Wiring: a flow for each stage, the pipeline of all stages, and the command ``dfd``.

Importing this package sets the environment variables that the tools read when they are imported.
"""

import os

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # pyproject.toml says so inside the project only
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",  # a temporary one logs its own shutdown as errors
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_DETERMINISTIC_OPS": "1",  # the same seed gives the same detector
}.items():
    os.environ.setdefault(_name, _value)
