"""The tests of a file share a process, else each process would hear the sample night for itself."""

import pytest


def test_a_file_is_one_group(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("the tests are not shared out by groups")
    assert request.node.nodeid.endswith(f"@{request.path}")
