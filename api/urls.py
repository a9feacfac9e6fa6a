"""The paths of the chat, under /v1/."""

from django.urls import URLPattern, URLResolver, path

from api.views import admin, events, me, members, messages, ping, reads, rooms, streamed, typing, users
from wire import converters  # noqa: F401  (registers <id:...>)

urlpatterns: list[URLPattern | URLResolver] = [
    path("me", me.MeView.as_view()),
    path("me/delete", me.DeleteMeView.as_view()),
    path("me/events", events.InboxView.as_view()),
    path("users", users.UsersView.as_view()),
    path("ping", ping.PingView.as_view()),
    path("rooms", rooms.RoomsView.as_view()),
    path("rooms/directory", rooms.DirectoryView.as_view()),
    path("rooms/direct/<id:user_id>", rooms.DirectRoomView.as_view()),
    path("rooms/<id:room_id>", rooms.RoomView.as_view()),
    path("rooms/<id:room_id>/join", rooms.JoinView.as_view()),
    path("rooms/<id:room_id>/leave", rooms.LeaveView.as_view()),
    path("rooms/<id:room_id>/me", rooms.RoomMeView.as_view()),
    path("rooms/<id:room_id>/unarchive", rooms.UnarchiveView.as_view()),
    path("rooms/<id:room_id>/members", members.MembersView.as_view()),
    path("rooms/<id:room_id>/members/<id:user_id>", members.MemberView.as_view()),
    path("rooms/<id:room_id>/messages", messages.MessagesView.as_view()),
    path("rooms/<id:room_id>/messages/<id:message_id>", messages.MessageView.as_view()),
    path("rooms/<id:room_id>/messages/<id:message_id>/append", streamed.AppendView.as_view()),
    path("rooms/<id:room_id>/messages/<id:message_id>/finish", streamed.FinishView.as_view()),
    path("rooms/<id:room_id>/events", events.EventsView.as_view()),
    path("rooms/<id:room_id>/read", reads.ReadView.as_view()),
    path("rooms/<id:room_id>/unread", reads.UnreadView.as_view()),
    path("rooms/<id:room_id>/typing", typing.TypingView.as_view()),
    path("admin/users/<external_id:external_id>/sessions", admin.AdminSessionsView.as_view()),
    path("admin/users/<external_id:external_id>", admin.AdminUserView.as_view()),
    path("admin/rooms", admin.AdminRoomsView.as_view()),
    path("admin/rooms/<id:room_id>/members/<id:user_id>", admin.AdminMemberView.as_view()),
    path("admin/keys/<id:key_id>", admin.AdminKeyView.as_view()),
]
