"""Cookies, sessions and messages are for the admin's pages alone."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.services import create_user
from tests.api.conftest import NOW, PASSWORD


@pytest.fixture
def staff(db: None) -> Client:
    boss = create_user(
        email="boss@example.org", username="boss", password=PASSWORD, now=NOW, is_staff=True, is_superuser=True
    )
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(boss)
    return client


def test_the_admin_knows_its_staff_by_their_cookie_and_others_sign_in_first(staff: Client) -> None:
    assert staff.get("/admin/").status_code == 200
    assert Client().get("/admin/").status_code == 302


def test_the_admin_takes_no_form_that_another_sites_page_could_send(staff: Client) -> None:
    assert staff.post("/admin/catalog/genre/add/", {"id": 1, "name": "Noir"}).status_code == 403


def test_to_the_api_a_cookie_is_nobody_and_costs_no_query(
    staff: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = staff.get("/api/v1/movies/favorites/")

    assert response.status_code == 401
    assert not response.cookies
