"""The operations on accounts, sessions and users."""

from accounts import serializers
from accounts.serializers import LoginSerializer, SessionSerializer, UserSerializer
from wire.fields import EmptySerializer
from wire.operations import Cost, Operation
from wire.pagination import PageQuery
from wire.schema import page_of

REGISTER = Operation(
    "register",
    "Create an account and log in",
    tag="auth",
    cost=Cost.LOGIN,
    body=serializers.RegisterBody,
    reply=LoginSerializer,
    statuses=(201,),
    problems=("auth.username_taken", "email.not_configured", "limit.email", "limit.register", "limit.hash"),
    public=True,
)
LOG_IN = Operation(
    "log_in",
    "Log in from a device",
    tag="auth",
    cost=Cost.LOGIN,
    body=serializers.LoginBody,
    reply=LoginSerializer,
    problems=("auth.bad_credentials", "auth.account_disabled", "limit.login", "limit.login_address", "limit.hash"),
    public=True,
)
LOG_OUT = Operation("log_out", "End this session", tag="auth", cost=Cost.WRITE, body=EmptySerializer, statuses=(204,))
LOG_OUT_ALL = Operation(
    "log_out_all", "End all my sessions", tag="auth", cost=Cost.WRITE, body=EmptySerializer, statuses=(204,)
)
CHANGE_PASSWORD = Operation(
    "change_password",
    "Change my password and end all my other sessions",
    tag="auth",
    cost=Cost.LOGIN,
    body=serializers.ChangePasswordBody,
    statuses=(204,),
    problems=("auth.wrong_password", "limit.login", "limit.password"),
)
REQUEST_PASSWORD_RESET = Operation(
    "request_password_reset",
    "Send a link for a new password, if an account has verified this e-mail address",
    tag="auth",
    cost=Cost.WRITE,
    body=serializers.PasswordResetBody,
    statuses=(204,),
    problems=("email.not_configured", "limit.email", "limit.password_reset"),
    public=True,
    description="The answer is the same when no account has it.",
)
CONFIRM_PASSWORD_RESET = Operation(
    "confirm_password_reset",
    "Set a new password with the token of the link, and end all sessions",
    tag="auth",
    cost=Cost.LOGIN,
    body=serializers.ConfirmPasswordResetBody,
    statuses=(204,),
    problems=("email.invalid_token",),
    public=True,
)
VERIFY_EMAIL = Operation(
    "verify_email",
    "Verify an e-mail address with the token of the link",
    tag="auth",
    cost=Cost.WRITE,
    body=serializers.VerifyEmailBody,
    statuses=(204,),
    problems=("email.invalid_token", "email.taken"),
    public=True,
)
SEND_VERIFICATION = Operation(
    "send_verification",
    "Send the link that verifies my e-mail address again",
    tag="auth",
    cost=Cost.WRITE,
    body=EmptySerializer,
    statuses=(204,),
    problems=("email.missing", "email.not_configured", "limit.email"),
    description="Nothing is sent when the address is verified already.",
)
LIST_SESSIONS = Operation(
    "list_sessions",
    "List my sessions, newest first",
    tag="sessions",
    cost=Cost.READ,
    query=PageQuery,
    reply=page_of(SessionSerializer),
)
END_SESSION = Operation(
    "end_session",
    "End one of my sessions",
    tag="sessions",
    cost=Cost.WRITE,
    ids=("session_id",),
    statuses=(204,),
    problems=("not_found",),
)
DELETE_ME = Operation(
    "delete_me",
    "Delete my account; my messages keep a tombstone of me as their sender",
    tag="me",
    cost=Cost.LOGIN,
    body=serializers.DeleteMeBody,
    statuses=(204,),
    problems=("auth.wrong_password", "limit.login", "limit.password"),
)
DELETE_ME_BY_POST = Operation(
    "delete_me_by_post",
    "Delete my account, for clients and proxies that drop the body of a DELETE",
    tag="me",
    cost=Cost.LOGIN,
    body=DELETE_ME.body,
    statuses=DELETE_ME.statuses,
    problems=DELETE_ME.problems,
)
SEARCH_USERS = Operation(
    "search_users",
    "Search users by the beginning of any word of their names",
    tag="users",
    cost=Cost.SEARCH,
    query=serializers.UserSearchQuery,
    reply=page_of(UserSerializer),
)
GET_USER = Operation(
    "get_user",
    "Get a user; a deleted account is returned as a tombstone",
    tag="users",
    cost=Cost.READ,
    ids=("user_id",),
    reply=UserSerializer,
    problems=("not_found",),
)
