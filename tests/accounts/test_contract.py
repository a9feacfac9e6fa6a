"""The operations about accounts in openapi.yaml."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

TAGS = {"auth", "sessions", "me", "users"}


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found = (operation for path in schema["paths"].values() for operation in path.values())
    return {operation["operationId"]: operation for operation in found if TAGS.intersection(operation["tags"])}


def test_every_operation_has_a_name_and_a_summary(operations: dict[str, Any]) -> None:
    assert set(operations) == {
        *("register", "log_in", "log_out", "log_out_all", "list_sessions", "end_session", "change_password"),
        *("request_password_reset", "confirm_password_reset", "verify_email", "send_verification"),
        *("get_me", "update_me", "delete_me", "delete_me_by_post", "search_users", "get_user", "exchange_token"),
    }
    assert all(operation["summary"] for operation in operations.values())


def test_every_operation_names_its_problems(operations: dict[str, Any]) -> None:
    for operation in operations.values():
        assert {"400", "406", "500", "503"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
                assert response["description"]
    assert "auth.username_taken" in operations["register"]["responses"]["409"]["description"]


def test_only_registering_logging_in_and_the_links_of_mail_need_no_token(operations: dict[str, Any]) -> None:
    open_to_all = {name for name, operation in operations.items() if operation["security"] == [{}]}

    links = {"request_password_reset", "confirm_password_reset", "verify_email"}
    assert open_to_all == {"register", "log_in", *links}
    assert "auth.required" not in operations["register"]["responses"]["401"]["description"]


def test_a_delete_with_a_body_is_described(operations: dict[str, Any]) -> None:
    with_body = {name for name, operation in operations.items() if "requestBody" in operation}

    links = {"request_password_reset", "confirm_password_reset", "verify_email"}
    profile = {"change_password", "update_me", "delete_me", "delete_me_by_post"}
    assert with_body == {"register", "log_in", "exchange_token", *links, *profile}
