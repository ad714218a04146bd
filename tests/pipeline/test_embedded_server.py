"""A night has a Prefect server of its own, and what it starts ends with it, however it ends."""

import os
import signal
import subprocess
import sys
import time

from prefect.server.api.server import SubprocessASGIServer

PARENT = """
import subprocess, sys, time
from zhijian.pipeline.embedded_server import end_with_us
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


NIGHT = """
from zhijian.pipeline.embedded_server import prepare_server
from zhijian.pipeline.offline import sealed
from pathlib import Path
import sys
with sealed(Path(sys.argv[1])):
    from prefect.server.api.server import SubprocessASGIServer
    prepare_server()
    server = SubprocessASGIServer()
    print(server.port, flush=True)
    sys.stdin.readline()
    with server:
        print(server.port, server.server_process.poll(), flush=True)
        sys.stdin.readline()
"""


def test_a_port_is_nobody_elses_from_the_moment_it_is_chosen_and_serves(tmp_path):
    night = [sys.executable, "-c", NIGHT, tmp_path / "prefect"]
    with subprocess.Popen(night, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        assert not SubprocessASGIServer.is_port_available(port)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline().split() == [str(port), "None"]
        process.communicate("\n")
    assert process.returncode == 0
