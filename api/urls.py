"""The paths of the chat, under /v1/.

Django tries one path after the other for each request. Those with a common beginning are therefore one entry, and the
most frequent are the first.
"""

from django.urls import URLPattern, URLResolver, include, path

from api.views import (
    admin,
    blocks,
    events,
    invites,
    me,
    members,
    messages,
    ping,
    pins,
    reactions,
    reads,
    receipts,
    rooms,
    sanctions,
    streamed,
    threads,
    typing,
    users,
)
from wire import converters  # noqa: F401  (registers <id:...>)

Paths = list[URLPattern | URLResolver]

_of_message: Paths = [
    path("reactions", reactions.ReactionsView.as_view()),
    path("reactions/<str:key>", reactions.ReactionView.as_view()),
    path("receipts", receipts.ReceiptsView.as_view()),
    path("append", streamed.AppendView.as_view()),
    path("finish", streamed.FinishView.as_view()),
    path("versions", messages.VersionsView.as_view()),
]
_of_room: Paths = [
    path("messages", messages.MessagesView.as_view()),
    path("messages/<id:message_id>", messages.MessageView.as_view()),
    path("messages/<id:message_id>/", include(_of_message)),
    path("read", reads.ReadView.as_view()),
    path("events", events.EventsView.as_view()),
    path("typing", typing.TypingView.as_view()),
    path("unread", reads.UnreadView.as_view()),
    path("draft", threads.DraftView.as_view()),
    path("me", rooms.RoomMeView.as_view()),
    path("members", members.MembersView.as_view()),
    path("members/<id:user_id>", members.MemberView.as_view()),
    path("pins", pins.PinsView.as_view()),
    path("pins/<id:message_id>", pins.PinView.as_view()),
    path("threads/<id:thread_root>/follow", threads.FollowView.as_view()),
    path("join", rooms.JoinView.as_view()),
    path("leave", rooms.LeaveView.as_view()),
    path("decline", invites.DeclineView.as_view()),
    path("invites", invites.InvitesView.as_view()),
    path("invites/<id:user_id>", invites.InviteView.as_view()),
    path("links", invites.RoomLinksView.as_view()),
    path("links/<id:link_id>", invites.RoomLinkView.as_view()),
    path("bans", sanctions.BansView.as_view()),
    path("bans/<id:user_id>", sanctions.BanView.as_view()),
    path("mutes", sanctions.MutesView.as_view()),
    path("mutes/<id:user_id>", sanctions.MuteView.as_view()),
    path("owner", rooms.OwnerView.as_view()),
    path("unarchive", rooms.UnarchiveView.as_view()),
]
_of_me: Paths = [
    path("delete", me.DeleteMeView.as_view()),
    path("events", events.InboxView.as_view()),
    path("blocks", blocks.BlocksView.as_view()),
    path("blocks/<id:user_id>", blocks.BlockView.as_view()),
    path("threads", threads.ThreadsView.as_view()),
    path("mentions", threads.MentionsView.as_view()),
    path("unread", threads.UnreadNumbersView.as_view()),
    path("drafts", threads.DraftsView.as_view()),
    path("invites", invites.MyInvitesView.as_view()),
]
_of_admin: Paths = [
    path("users/<external_id:external_id>/sessions", admin.AdminSessionsView.as_view()),
    path("users/<external_id:external_id>", admin.AdminUserView.as_view()),
    path("rooms", admin.AdminRoomsView.as_view()),
    path("rooms/<id:room_id>/members/<id:user_id>", admin.AdminMemberView.as_view()),
    path("keys/<id:key_id>", admin.AdminKeyView.as_view()),
]
urlpatterns: Paths = [
    path("rooms/<id:room_id>/", include(_of_room)),
    path("rooms", rooms.RoomsView.as_view()),
    path("rooms/<id:room_id>", rooms.RoomView.as_view()),
    path("me", me.MeView.as_view()),
    path("me/", include(_of_me)),
    path("ack", receipts.AckView.as_view()),
    path("ping", ping.PingView.as_view()),
    path("users", users.UsersView.as_view()),
    path("rooms/directory", rooms.DirectoryView.as_view()),
    path("rooms/direct/<id:user_id>", rooms.DirectRoomView.as_view()),
    path("links/<code:code>", invites.LinkView.as_view()),
    path("links/<code:code>/join", invites.JoinByLinkView.as_view()),
    path("admin/", include(_of_admin)),
]
