"""The stand-in answers as TMDb's own OpenAPI says: every answer has just its fields, of its types."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3
from jsonschema import Draft202012Validator

from matinee.catalog.starter import starter_content, starter_facts
from matinee.tmdb.payloads import APPENDED
from matinee.tmdb.stand_in.films import Films, film_of
from matinee.tmdb.stand_in.server import StandIn
from tests.tmdb.payloads import payload
from tests.tmdb.shared_data import shared

TODAY = dt.datetime.now(dt.UTC).date()
PATHS = [
    ("/3/movie/{movie_id}", "/3/movie/603"),
    *((f"/3/movie/{{movie_id}}/{name}", f"/3/movie/603/{name}") for name in APPENDED),
    ("/3/movie/changes", f"/3/movie/changes?start_date={TODAY}&end_date={TODAY}"),
    ("/3/movie/popular", "/3/movie/popular"),
    ("/3/movie/upcoming", "/3/movie/upcoming?page=1"),
    ("/3/movie/now_playing", "/3/movie/now_playing"),
    ("/3/search/movie", "/3/search/movie?query=matrix&include_adult=false&page=1"),
    ("/3/genre/movie/list", "/3/genre/movie/list"),
    ("/3/configuration", "/3/configuration"),
]


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(gzip.decompress(shared("tmdb-openapi.json.gz").read_bytes()))
    return document


def get(stand_in: StandIn, path: str, **headers: str) -> tuple[int, Any]:
    answer = urllib3.request("GET", stand_in.url + path, headers={"Authorization": "Bearer any", **headers})
    return answer.status, answer.json()


def schema_of(openapi: dict[str, Any], path: str) -> dict[str, Any]:
    content = openapi["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    return dict(closed(content["schema"]))


def closed(schema: Any) -> Any:
    """TMDb's schema without a loophole: all its fields and no others; null is what TMDb says of unknown ones.

    It was made of examples, in one of which all averages happened to be whole.
    """
    if isinstance(schema, list):
        return [closed(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items() if key not in {"example", "default"}}
    if made.get("type") == "object" and "properties" in made:
        made["additionalProperties"] = False
        if "vote_average" in made["properties"]:
            made["properties"]["vote_average"] = {"type": "number"}
        if not any(name.isupper() for name in made["properties"]):  # countries: only those with an entry
            made["required"] = sorted(made["properties"])
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


@pytest.mark.parametrize(("described", "path"), PATHS, ids=[path for path, _ in PATHS])
def test_it_answers_as_tmdbs_openapi_says(
    openapi: dict[str, Any], stand_in: StandIn, described: str, path: str
) -> None:
    stand_in.films.put(payload(603, "The Matrix"), day=TODAY)

    status, answer = get(stand_in, path)

    assert status == 200
    Draft202012Validator(schema_of(openapi, described)).validate(answer)


def test_the_starter_catalogue_is_told_as_tmdbs_openapi_says(openapi: dict[str, Any]) -> None:
    genres = {int(id_): name for id_, name in starter_content()["genres"].items()}
    films = [film_of(facts, genres) for facts in starter_facts()]
    validator = Draft202012Validator(schema_of(openapi, "/3/movie/{movie_id}"))

    with StandIn(Films(films)).running() as stand_in:
        for film in films[::100]:
            _, answer = get(stand_in, f"/3/movie/{film['id']}")
            validator.validate(answer)

    assert len(films) == 4_803


def test_parameters_are_those_of_tmdb(openapi: dict[str, Any]) -> None:
    for described, path in PATHS:
        known = {one["name"] for one in openapi["paths"][described]["get"].get("parameters", [])}

        assert {name for name, _ in parse_qsl(urlsplit(path).query)} <= known


def test_appended_parts_are_those_that_stand_alone(stand_in: StandIn) -> None:
    _, whole = get(stand_in, f"/3/movie/603?append_to_response={','.join(APPENDED)}")

    for name in APPENDED:
        _, part = get(stand_in, f"/3/movie/603/{name}")
        assert whole[name] == {key: value for key, value in part.items() if key != "id"}


@pytest.mark.parametrize("path", ["/3/movie/5", "/3/movie/603/nothing", "/3/nothing", "/", "/3/movie/popular?page=x"])
def test_what_is_not_there_is_a_404_in_tmdbs_words(stand_in: StandIn, path: str) -> None:
    status, answer = get(stand_in, path)

    assert (status, answer["status_code"], answer["success"]) == (404, 34, False)


def test_without_a_token_it_refuses_in_tmdbs_words(stand_in: StandIn) -> None:
    status, answer = get(stand_in, "/3/movie/603", Authorization="")

    assert (status, answer["status_code"]) == (401, 7)


def test_a_range_of_more_than_14_days_is_refused(stand_in: StandIn) -> None:
    status, _ = get(stand_in, f"/3/movie/changes?start_date={TODAY - dt.timedelta(days=15)}&end_date={TODAY}")

    assert status == 400


def test_pages_hold_every_changed_film_once(stand_in: StandIn) -> None:
    for number in range(1, 251):
        stand_in.films.put(payload(number, "A film"), day=TODAY)

    pages = [get(stand_in, f"/3/movie/changes?start_date={TODAY}&page={page}")[1] for page in (1, 2, 3)]

    assert [page["total_pages"] for page in pages] == [3, 3, 3]
    assert sorted(film["id"] for page in pages for film in page["results"]) == list(range(1, 251))


def test_faults_are_put_on_and_off_by_requests(stand_in: StandIn) -> None:
    put = urllib3.request("PUT", f"{stand_in.url}/faults?kind=500&path=/3/genre")
    failing = get(stand_in, "/3/genre/movie/list")[0], get(stand_in, "/3/configuration")[0]
    urllib3.request("DELETE", f"{stand_in.url}/faults")

    assert put.status == 204
    assert failing == (500, 200)
    assert get(stand_in, "/3/genre/movie/list")[0] == 200
    assert urllib3.request("PUT", f"{stand_in.url}/faults?kind=flood").status == 400
    assert urllib3.request("PUT", f"{stand_in.url}/faults?kind=500&share=3").status == 400
