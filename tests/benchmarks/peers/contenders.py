"""The contenders of hearing.py as processes: the product in the environment that runs this, the peers in theirs."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from peers.serving import Texts

# all that it does, the same without searching for better words, and its recogniser without telling speakers apart
PRODUCTS = PRODUCT, PRODUCT_BEAM1, PRODUCT_WORDS = "zhijian", "zhijian-beam1", "zhijian-words"
BENCHMARKS = Path(__file__).parents[1]
PEERS_VENV = BENCHMARKS.parents[1] / ".venv-peers"
PEERS_PYTHON = PEERS_VENV / "bin" / "python"
REQUIREMENTS, WITHOUT_DEPENDENCIES = (
    BENCHMARKS / "peers" / name for name in ("requirements.txt", "requirements-no-deps.txt")
)
OFFLINE_AND_SILENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PYANNOTE_METRICS_ENABLED": "0",
    "TOKENIZERS_PARALLELISM": "false",
}
THREAD_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
LOG_TAIL_CHARACTERS = 3000


@dataclass(frozen=True)
class Answer:
    """`texts`: one mapping of role to text for each file of the request."""

    texts: Sequence[Texts]
    cpu_s: float
    wall_s: float
    peak_mb: float


@dataclass(frozen=True)
class Contender:
    """A worker process. What it and its libraries say goes to `log`, shown only if it ends before it should."""

    process: subprocess.Popen[str]
    log: TextIO

    def hear(self, paths: Sequence[Path], mode: str) -> Answer:
        """Waits for the answer. Raises RuntimeError with the end of the log if the worker ends instead."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise ValueError("a worker is spoken to through pipes")
        line = ""
        # it may have ended while starting; its log says why
        with suppress(BrokenPipeError):
            print(json.dumps({"paths": [str(path) for path in paths], "mode": mode}), file=stdin, flush=True)
            line = stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise RuntimeError(f"{self.process.args} ended:\n{self.log.read()[-LOG_TAIL_CHARACTERS:]}")
        return Answer(**json.loads(line))


@contextmanager
def contender(name: str, whisper: Path, threads: int) -> Iterator[Contender]:
    """The worker of that name, to the end of the `with` block."""
    if name in PRODUCTS:
        start = [sys.executable, "-m", "ours_worker"]
    else:
        start = [str(PEERS_PYTHON), "-E", "-m", "peers.worker"]  # -E: the product's packages are not theirs
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(
            [*start, name, str(whisper), str(threads)],
            cwd=BENCHMARKS,
            env={**os.environ, **OFFLINE_AND_SILENT, **dict.fromkeys(THREAD_LIMITS, str(threads))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
        ) as process,
    ):
        try:
            yield Contender(process, log)
        except BaseException:
            process.terminate()
            raise


def install_peers() -> None:
    """Makes the peers' environment, unless it is there as it should be. Needs a package index."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + WITHOUT_DEPENDENCIES.read_bytes()).hexdigest()
    stamp = PEERS_VENV / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"installing the peers into {PEERS_VENV.name} (about 2 GB, some minutes) ...", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(PEERS_VENV)], check=True)
    pip = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=True)
    subprocess.run([*pip, "--no-deps", "--requirement", str(WITHOUT_DEPENDENCIES)], check=True)
    stamp.write_text(wanted, encoding="utf-8")
