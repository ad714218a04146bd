"""What a night starts ends with it, however it ends."""

import os
import signal
import subprocess
import sys
import time

PARENT = """
import subprocess, sys, time
from zhijian.pipeline.orphans import end_with_us
sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
end_with_us(sleeper)
print(sleeper.pid, flush=True)
time.sleep(300)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_child_ends_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    end = time.monotonic() + 10
    while alive(child) and time.monotonic() < end:
        time.sleep(0.1)
    assert not alive(child)
