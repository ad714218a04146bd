"""What the OpenAPI document promises holds, whatever is sent: nothing breaks, answers are as documented."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from zhijian.pipeline.web.app import create_app


def test_the_document_has_every_route_of_the_api_and_no_page(site):
    paths = site.nobody().get("/api/openapi.json").json()["paths"]
    assert "/api/calls/{call}/decisions" in paths
    assert all(path.startswith("/api/") for path in paths)


@pytest.mark.parametrize("who", ["monitor", "admin", "agent", "supervisor"])
def test_nothing_breaks_it(site, who):
    client = site.as_(who)
    mine = {"headers": {"x-csrf-token": client.headers["x-csrf-token"]}, "cookies": dict(client.cookies)}
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", create_app(site.bench))
    operations = [result.ok() for result in schema.get_all_operations()]
    tried = []

    def try_out(operation):
        @settings(max_examples=15, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def send(case):
            tried.append(operation.path)
            response = case.call(**mine)
            case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

        send()

    for operation in operations:
        if operation.path not in ("/api/logout", "/api/accounts/{id}"):
            try_out(operation)
    assert len(set(tried)) == len({operation.path for operation in operations}) - 2
