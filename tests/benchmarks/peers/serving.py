"""The loop of a worker of hearing.py: requests and answers are lines of JSON on standard input and output.

request  {"paths": [file, ...], "mode": "channels" or "mix"}
answer   {"texts": [{role: text}, ...], "cpu_s", "wall_s", "peak_mb"}   (roles: agent and customer, or all)

Only the standard library is needed here: the product and its peers live in environments of their own.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

ROLES = ("agent", "customer")
# what is heard where nobody is told apart
ALL = "all"

Texts = dict[str, str]
Hear = Callable[[list[Path], str], list[Texts]]


def take_standard_output() -> TextIO:
    """Standard output for the answers alone: what libraries print goes to standard error from now on."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def serve(hear: Hear, answers: TextIO) -> None:
    """Answers requests until standard input ends. CPU seconds are those of all threads of this process."""
    for line in sys.stdin:
        request = json.loads(line)
        paths = [Path(path) for path in request["paths"]]
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        texts = hear(paths, request["mode"])
        answer = {
            "texts": texts,
            "cpu_s": time.process_time() - cpu_s,
            "wall_s": time.perf_counter() - wall_s,
            "peak_mb": peak_mb(),
        }
        print(json.dumps(answer), file=answers, flush=True)


def peak_mb() -> float:
    """The most memory this process ever had resident.

    Linux's VmHWM, since the ru_maxrss of getrusage starts with what the parent had when it forked.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    kib = re.search(r"VmHWM:\s+(\d+) kB", status)
    if kib is None:
        raise OSError("the peak of the resident memory is not known on this system")
    return int(kib[1]) * 1024 / 1e6
