"""Keeps the libraries to themselves: no telemetry, no look at a model hub, nothing of a call left with Prefect.

Has to run before Prefect, pyannote.audio and huggingface_hub are imported.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "PYANNOTE_METRICS_ENABLED": "0",
    # a failed task is logged by the flow, without the text of its exception, which may hold customer data
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
}


@contextmanager
def sealed() -> Iterator[None]:
    """Sets what is not set yet, so that an installation with a Prefect server of its own keeps it.

    Prefect's own state is thrown away with the block unless PREFECT_HOME names a place for it: what a call has come to
    is in our database, and Prefect never forgets.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with tempfile.TemporaryDirectory(prefix="zhijian-prefect-", ignore_cleanup_errors=True) as home:
        os.environ.setdefault("PREFECT_HOME", home)
        yield
