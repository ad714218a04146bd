"""The tests of a file share a process, else each process would hear the sample night for itself."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="the tests run in one process")
def test_a_file_is_one_group(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith(f"@{request.path}"), "run the tests with --dist loadgroup"
