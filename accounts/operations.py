"""The operations on accounts, sessions and users."""

from accounts import serializers
from accounts.serializers import AdminUserSerializer, LoginSerializer, SessionSerializer, UserSerializer
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
EXCHANGE = Operation(
    "exchange_token",
    "Exchange a JWT of your backend for a session, or extend the session of the request",
    tag="auth",
    cost=Cost.LOGIN,
    body=serializers.ExchangeBody,
    reply=LoginSerializer,
    problems=(
        *("auth.invalid_token", "auth.token_revoked", "auth.account_disabled", "auth.other_user"),
        *("auth.username_taken", "not_found", "limit.exchange"),
    ),
    public=True,
    for_devices=True,
    description=(
        "A user is made at first sight. The session ends with the JWT at the latest. With a session of the same user "
        "in Authorization, that session lives as long as the new JWT, and the answer has the same token."
    ),
)
LOG_OUT = Operation(
    "log_out",
    "End this session",
    tag="auth",
    cost=Cost.WRITE,
    body=EmptySerializer,
    statuses=(204,),
    for_devices=True,
)
LOG_OUT_ALL = Operation(
    "log_out_all",
    "End all my sessions",
    tag="auth",
    cost=Cost.WRITE,
    body=EmptySerializer,
    statuses=(204,),
    for_devices=True,
)
CHANGE_PASSWORD = Operation(
    "change_password",
    "Change my password and end all my other sessions",
    tag="auth",
    cost=Cost.LOGIN,
    body=serializers.ChangePasswordBody,
    statuses=(204,),
    problems=("auth.wrong_password", "limit.login", "limit.password"),
    for_devices=True,
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
    for_devices=True,
)
LIST_SESSIONS = Operation(
    "list_sessions",
    "List my sessions, newest first",
    tag="sessions",
    cost=Cost.READ,
    query=PageQuery,
    reply=page_of(SessionSerializer),
    for_devices=True,
)
END_SESSION = Operation(
    "end_session",
    "End one of my sessions",
    tag="sessions",
    cost=Cost.WRITE,
    ids=("session_id",),
    statuses=(204,),
    problems=("not_found",),
    for_devices=True,
)
DELETE_ME = Operation(
    "delete_me",
    "Delete my account; my messages keep a tombstone of me as their sender",
    tag="me",
    cost=Cost.LOGIN,
    body=serializers.DeleteMeBody,
    statuses=(204,),
    problems=("auth.wrong_password", "limit.login", "limit.password"),
    for_devices=True,
)
DELETE_ME_BY_POST = Operation(
    "delete_me_by_post",
    "Delete my account, for clients and proxies that drop the body of a DELETE",
    tag="me",
    cost=Cost.LOGIN,
    body=DELETE_ME.body,
    statuses=DELETE_ME.statuses,
    problems=DELETE_ME.problems,
    for_devices=True,
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
GET_ADMIN_USER = Operation(
    "get_admin_user",
    "Get one of your users",
    tag="admin",
    cost=Cost.ADMIN,
    ids=("external_id",),
    reply=AdminUserSerializer,
    problems=("not_found",),
)
PUT_ADMIN_USER = Operation(
    "put_admin_user",
    "Make one of your users, or change what is given",
    tag="admin",
    cost=Cost.ADMIN,
    ids=("external_id",),
    body=serializers.PutUserBody,
    reply=AdminUserSerializer,
    statuses=(200, 201),
    problems=("auth.username_taken", "username.limit"),
)
DELETE_ADMIN_USER = Operation(
    "delete_admin_user",
    "Erase one of your users; their messages keep a tombstone as their sender",
    tag="admin",
    cost=Cost.ADMIN,
    ids=("external_id",),
    statuses=(204,),
    problems=("not_found",),
)
OPEN_USER_SESSION = Operation(
    "open_user_session",
    "Open a session for one of your users",
    tag="admin",
    cost=Cost.ADMIN,
    ids=("external_id",),
    body=serializers.OpenSessionBody,
    reply=LoginSerializer,
    statuses=(201,),
    problems=("not_found", "auth.account_disabled"),
)
END_USER_SESSIONS = Operation(
    "end_user_sessions",
    "End all sessions of one of your users, and refuse the JWTs that were issued until now",
    tag="admin",
    cost=Cost.ADMIN,
    ids=("external_id",),
    statuses=(204,),
    problems=("not_found",),
)
REVOKE_KEY = Operation(
    "revoke_key",
    "Revoke a server key, at once",
    tag="admin",
    cost=Cost.ADMIN,
    ids=("key_id",),
    statuses=(204,),
    problems=("not_found",),
)
