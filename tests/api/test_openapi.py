"""The published schema: its snapshot, its examples, its page, and that it tells of every route."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.fixtures import Settings

from matinee.api.app import api as matinee_api
from matinee.api.reference import HEADERS
from tests.api.access_matrix import API_MATRIX, CALLERS, MATRIX
from tests.api.conftest import Api

NINJA_ROOT = {"/api/"}
"""A route that django-ninja needs for the names of others; it answers nothing but a 404."""
SNAPSHOT = Path(__file__).parent / "openapi.json"


def published() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(json.dumps(matinee_api.get_openapi_schema()))
    return schema


def test_the_schema_is_the_one_that_was_agreed_on() -> None:
    """MATINEE_TEST_SNAPSHOT=write takes a new one, to be read before it is committed."""
    text = json.dumps(published(), indent=1, sort_keys=True) + "\n"
    if os.environ.get("MATINEE_TEST_SNAPSHOT") == "write":
        SNAPSHOT.write_text(text)

    assert text == SNAPSHOT.read_text()


def test_it_is_sound_json_schema_and_served(api: Api) -> None:
    served = api.get("/api/openapi.json").json()

    assert served["openapi"].startswith("3.1")
    assert set(served["paths"]) == set(published()["paths"])
    for shape in served["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(shape)


def test_it_is_made_once_since_it_takes_as_long_as_many_answers() -> None:
    assert matinee_api.get_openapi_schema() is matinee_api.get_openapi_schema()


def test_every_request_body_has_an_example_that_fits_it() -> None:
    schema = published()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if "requestBody" not in operation:
                continue
            shape = operation["requestBody"]["content"]["application/json"]["schema"]
            shape = schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
            assert shape.get("examples"), f"{method} {path} shows no example"
            for example in shape["examples"]:
                jsonschema.Draft202012Validator({**shape, "components": schema["components"]}).validate(example)


def test_every_answer_has_an_example_that_fits_it() -> None:
    schema = published()
    contents = (
        content
        for methods in schema["paths"].values()
        for operation in methods.values()
        for answer in [*operation["responses"].values(), *schema["components"]["responses"].values()]
        for kind, content in answer.get("content", {}).items()
        if kind.endswith("json")
    )
    for content in contents:
        name = content["schema"]["$ref"].rpartition("/")[2]
        shape = schema["components"]["schemas"][name]
        closed = {**shape, "additionalProperties": False, "components": schema["components"]}
        for example in [*shape["examples"], *([content["example"]] if "example" in content else [])]:
            jsonschema.Draft202012Validator(closed).validate(example)
            assert set(example) == set(shape["properties"]), name


def test_the_headers_that_a_request_may_have_are_told() -> None:
    paths = published()["paths"]

    def told(method: str, path: str) -> set[str]:
        parameters = paths[f"/api/v1/{path}"][method]["parameters"]
        return {parameter["name"] for parameter in parameters if parameter["in"] == "header"}

    assert told("get", "movies/") == {"If-None-Match"}
    assert told("post", "movies/favorites/") == {"Idempotency-Key"}
    assert told("post", "movies/{movie_id}/rate/") == {"Idempotency-Key", "If-Match"}
    assert told("delete", "movies/{movie_id}/rate/") == told("patch", "users/profile/") == {"If-Match"}
    assert told("post", "users/login/") == set()


def test_a_page_of_another_origin_may_read_every_header_that_is_told(settings: Settings) -> None:
    assert set(settings.CORS_EXPOSE_HEADERS) == set(HEADERS)


def test_clients_can_be_generated_that_are_pleasant_to_use() -> None:
    """With short names, a word on each parameter, none that may be null, and no shape that nothing has."""
    schema = published()
    operations = [operation for methods in schema["paths"].values() for operation in methods.values()]
    parameters = [parameter for operation in operations for parameter in operation["parameters"]]
    names = [operation["operationId"] for operation in operations]
    mentioned = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(schema)))

    assert len(set(names)) == len(names)
    assert {"list_movies", "get_movie", "rate_movie", "login"} <= set(names)
    assert [parameter["name"] for parameter in parameters if not parameter.get("description")] == []
    assert [parameter["name"] for parameter in parameters if "anyOf" in parameter["schema"]] == []
    assert set(schema["components"]["schemas"]) == mentioned


def test_every_route_is_told_and_has_a_summary_and_its_refusals() -> None:
    schema = published()

    assert {_openapi_path(route) for route in _routes(get_resolver()) if route.startswith("api/v1/")} == set(
        schema["paths"]
    )
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            assert operation["responses"]


def test_every_route_has_its_row_in_the_access_matrix() -> None:
    told = {(method.upper(), path) for path, methods in published()["paths"].items() for method in methods}
    others = {f"/{route}" for route in _routes(get_resolver()) if not route.startswith(("api/v1/", "admin/"))}

    assert {(row.method, row.route) for row in API_MATRIX} == told, "tests/api/access_matrix.py"
    assert {row.route for row in MATRIX} - {row.route for row in API_MATRIX} == others - NINJA_ROOT
    assert all(len(row.statuses) == len(CALLERS) for row in MATRIX)


def test_the_page_of_the_reference_is_served_by_us_alone(api: Api) -> None:
    response = api.client.get("/api/docs")
    page = response.content.decode()

    assert response.status_code == 200
    assert "swagger" in page
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)


def _routes(resolver: URLResolver, prefix: str = "") -> list[str]:
    found: list[str] = []
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            found.append(route)
        else:
            found += _routes(entry, route)
    return [route for route in found if not route.endswith("v1/")]


def _openapi_path(route: str) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def test_who_opens_the_address_in_a_browser_finds_the_reference(api: Api) -> None:
    response = api.client.get("/")

    assert (response.status_code, response["Location"]) == (302, "/api/docs")


def test_it_tells_which_routes_need_a_token_and_which_may_have_one() -> None:
    paths = published()["paths"]

    assert paths["/api/v1/movies/"]["get"]["security"] == [{}, {"SignedIn": []}]
    assert paths["/api/v1/movies/favorites/"]["get"]["security"] == [{"SignedIn": []}]
    assert set(published()["components"]["securitySchemes"]) == {"SignedIn"}


def test_every_refusal_is_told_as_a_problem() -> None:
    told_once = published()["components"]["responses"]
    for path, methods in published()["paths"].items():
        for method, operation in methods.items():
            refused = {int(status) for status in operation["responses"] if int(status) >= 400}
            for status in refused:
                told = told_once[operation["responses"][str(status)]["$ref"].rpartition("/")[2]]
                assert set(told["content"]) == {"application/problem+json"}
            assert {400, 401, 503} <= refused, "an unknown parameter, a bad token, a database away: on every route"
            assert ("{" not in path) or 404 in refused
            assert ("requestBody" not in operation) or {413, 415, 422} <= refused
            writes_what_is_mine = method in {"post", "put", "patch"} and operation["security"] == [{"SignedIn": []}]
            assert not writes_what_is_mine or 409 in refused, "two at once"
