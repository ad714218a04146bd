"""A night asks no network: its processes note and refuse every attempt, and where possible have only loopback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ZHIJIAN = Path(sys.executable).with_name("zhijian")
# on one channel, so that all libraries are loaded
CALLS = {"mono": {"sample": "s07", "seconds": 26}}

GUARD = """
import os, socket, sys

LOCAL = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"}

def guard(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        if args[0].family == socket.AF_UNIX or args[1] is None:
            return
        host = args[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in LOCAL:
        with open(os.environ["NETWORK_LOG"], "a") as log:
            print(event, host, file=log)
        raise OSError(f"{event} to {host}: this test has no network")

sys.addaudithook(guard)
"""

REACH_OUT = """
import socket
public = socket.socket()
public.settimeout(2)
for attempt in (lambda: public.connect(("192.0.2.1", 80)), lambda: socket.getaddrinfo("example.org", 80)):
    try:
        attempt()
    except OSError as error:
        print(error)
"""

LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """The environment in which every Python process refuses to reach out, and notes who wanted to."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    path = [str(tmp_path / "guard"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {"PYTHONPATH": os.pathsep.join(filter(None, path)), "NETWORK_LOG": str(tmp_path / "network.log")}


def test_the_guard_refuses_and_notes_also_in_children(guarded, tmp_path) -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {REACH_OUT!r}], check=True)"
    done = subprocess.run(
        [sys.executable, "-c", child], env=os.environ | guarded, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("this test has no network") == 2
    assert (tmp_path / "network.log").read_text() == "socket.connect 192.0.2.1\nsocket.getaddrinfo example.org\n"


def test_a_night_asks_no_network(guarded, zhijian, make_folder, tmp_path) -> None:
    """By the nightly command, its settings in a file; where the machine allows it, in a namespace without a network."""
    alone = ("unshare", "-rn", sys.executable, "-c", LOOPBACK_UP)
    if subprocess.run([*alone, sys.executable, "-c", "pass"], capture_output=True).returncode:
        alone = ()
    else:
        unguarded = subprocess.run([*alone, sys.executable, "-c", REACH_OUT], capture_output=True, text=True)
        assert len(unguarded.stdout.splitlines()) == 2, "the namespace has a network"
    make_folder(tmp_path / "calls", CALLS)
    (tmp_path / "zhijian.toml").write_text('source = "calls"\nout = "results"\n', encoding="utf-8")
    done = zhijian("night", program=(*alone, ZHIJIAN), cwd=tmp_path, **guarded)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "network.log").exists(), (tmp_path / "network.log").read_text()
    assert (tmp_path / "results" / "transcripts" / "mono.json").is_file()
