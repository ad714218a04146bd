"""Keeps the libraries to themselves: no telemetry, no look at a model hub, Prefect's own state in our cache.

Has to run before Prefect, pyannote.audio and huggingface_hub are imported.
"""

import logging
import os

from zhijian.models.engines.weights import cache_dir


def seal() -> None:
    """Sets what is not set yet, so that an installation with a Prefect server of its own keeps it."""
    quiet = {
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "PYANNOTE_METRICS_ENABLED": "0",
        "PREFECT_HOME": str(cache_dir() / "prefect"),
        # a failed task is logged by the flow, without the text of its exception, which may hold customer data
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    # warns of the events it has yet to send whenever a night is over quickly
    logging.getLogger("EventsWorker").setLevel(logging.CRITICAL)
