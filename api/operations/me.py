"""My user."""

from api.serializers.me import MeSerializer, UpdateMyselfBody
from wire.operations import Cost, Operation

GET_ME = Operation("get_me", "Get my user", tag="me", cost=Cost.READ, reply=MeSerializer)

UPDATE_ME = Operation(
    "update_me",
    "Update my profile and my settings",
    tag="me",
    cost=Cost.WRITE,
    body=UpdateMyselfBody,
    reply=MeSerializer,
    problems=(
        "auth.username_taken",
        "username.limit",
        "auth.wrong_password",
        "email.not_configured",
        "limit.email",
        "limit.login",
    ),
)
