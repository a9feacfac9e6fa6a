"""The lists of the admin site, and their actions, which call services. Nothing is edited, and no secret is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import administration
from accounts.models import AuditRecord, EmailAddress, Session, User
from api.models import Room
from api.services import rooms
from api.services.members import ownership
from wire.problems import Problem

admin.site.unregister(Group)  # Parley has no groups
MAX_AT_ONCE = 100  # objects of one action: each is a transaction of its own


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]  # generic in its types only
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """A list and a page for each object, without forms."""

    list_per_page = 50
    show_full_result_count = False  # of a large table it is slow
    list_max_show_all = 0
    actions_selection_counter = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def call_each(self, request: HttpRequest, found: QuerySet[Any], act: Callable[[Any], bool], done: str) -> None:
        """Call a service for each object, log each call, and show the result; `act` returns whether it did it."""
        chosen = list(found[: MAX_AT_ONCE + 1])
        if len(chosen) > MAX_AT_ONCE:
            self.message_user(request, f"Choose {MAX_AT_ONCE} at most.", messages.ERROR)
            return
        for one in chosen:
            try:
                if act(one):
                    self.log_change(request, one, done)
                    self.message_user(request, f"{one}: {done}.", messages.SUCCESS)
                else:
                    self.message_user(request, f"{one}: nothing changed.", messages.WARNING)
            except Problem as problem:
                self.message_user(request, f"{one}: {problem.detail}", messages.ERROR)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Accounts. An action of staff on their own account is refused: nobody could undo it."""

    list_display = ("username", "display_name", "is_active", "created_at", "deleted_at")
    list_filter = ("is_active",)
    search_fields = ("=username", "^username", "^display_name")
    ordering = ("-id",)
    fields = (*("id", "username", "display_name", "avatar_url", "metadata", "email"), *list_display[2:])
    readonly_fields = ("email",)
    actions = ("deactivate", "reactivate", "end_sessions")

    @admin.display(description="e-mail")
    def email(self, user: User) -> str:
        found = EmailAddress.objects.filter(user=user).first()
        return "" if found is None else f"{found.address} ({'verified' if found.verified_at else 'not verified'})"

    @admin.action(description="Deactivate: end all sessions, no more log-ins")
    def deactivate(self, request: HttpRequest, found: QuerySet[User]) -> None:
        def act(user: User) -> bool:
            if user == request.user or not user.is_active:
                return False
            administration.deactivate(user=user, actor=str(request.user.pk))
            return True

        self.call_each(request, found, act, "deactivated")

    @admin.action(description="Reactivate: allow log-ins again")
    def reactivate(self, request: HttpRequest, found: QuerySet[User]) -> None:
        def act(user: User) -> bool:
            with transaction.atomic():
                if user.is_active or not administration.reactivate(user=user, actor=str(request.user.pk)):
                    return False
                ownership.begin_hand_over_to(user)
            return True

        self.call_each(request, found, act, "reactivated")

    @admin.action(description="End all sessions")
    def end_sessions(self, request: HttpRequest, found: QuerySet[User]) -> None:
        actor = str(request.user.pk)
        self.call_each(
            request, found, lambda user: administration.end_sessions(user=user, actor=actor) > 0, "all sessions ended"
        )


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Sessions; the hash of a token is not shown."""

    list_display = ("user", "name", "platform", "created_at", "last_used_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("=user__username",)
    ordering = ("-id",)
    fields = ("id", *list_display)
    actions = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        return Session.objects.of_devices()  # those of a server key end with it

    @admin.action(description="End")
    def end(self, request: HttpRequest, found: QuerySet[Session]) -> None:
        def act(session: Session) -> bool:
            return administration.end_sessions(user=session.user, actor=str(request.user.pk), only=session) > 0

        self.call_each(request, found.select_related("user"), act, "ended")


@admin.register(Room)
class RoomAdmin(ReadOnlyAdmin):
    """Rooms, without their messages."""

    list_display = ("id", "name", "slug", "kind", "member_count", "created_at", "archived_at")
    list_filter = ("kind",)
    search_fields = ("=slug", "^name")
    ordering = ("-id",)
    fields = (*list_display, "topic", "history")
    actions = ("archive",)

    @admin.action(description="Archive: read-only, its slug becomes free")
    def archive(self, request: HttpRequest, found: QuerySet[Room]) -> None:
        actor = str(request.user.pk)
        self.call_each(request, found, lambda room: rooms.archive_by_operator(room_id=room.id, actor=actor), "archived")


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
    """The audit: what operators changed, by this site or by a command."""

    list_display = ("at", "actor", "action", "target_type", "target_id", "room_id", "reason")
    search_fields = ("=target_id", "=actor", "=action")
    ordering = ("-at", "-id")
    fields = ("id", *list_display, "on_behalf_of")
