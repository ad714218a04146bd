"""Keeps the libraries to themselves: no telemetry, no look at a model hub, nothing of a call left with Prefect.

Has to run before Prefect, pyannote.audio and huggingface_hub are imported.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "PYANNOTE_METRICS_ENABLED": "0",
    # a failed task is logged by the flow, without the text of its exception, which may hold customer data
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
}


@contextmanager
def sealed(prefect_home: Path) -> Iterator[None]:
    """Sets what is not set yet, so that an installation with a Prefect server of its own keeps it.

    Prefect's own state lies in `prefect_home`, which nobody else may use, and is thrown away with the block unless
    PREFECT_HOME names another place: how far a call has come is in our database, and Prefect never forgets.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_HOME", str(prefect_home))
    shutil.rmtree(prefect_home, ignore_errors=True)  # of a run that was killed
    try:
        yield
    finally:
        shutil.rmtree(prefect_home, ignore_errors=True)
