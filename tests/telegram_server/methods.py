"""What the server answers: one function a method, by its name. Knows the world, and no wire."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from telegram_server.world import Account, Channel, World

if TYPE_CHECKING:
    from telegram_server.server import Server


class Fail(Exception):
    """An RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Session:
    """What belongs to one auth key."""

    key: bytes
    account: Account | None = None
    waiting: Account | None = None  # for the cloud password
    tokens: list[bytes] = field(default_factory=list)
    scanned: Account | None = None


class Methods:
    def __init__(self, world: World, server: Server) -> None:
        self.world, self.server = world, server

    # ---- setting up

    def help_GetConfig(self, session: Session, request: Any) -> Any:  # noqa: N802
        now = dt.datetime.now(dt.UTC)
        server = self.server
        option = types.DcOption(server.dc, "127.0.0.1", server.port, static=True)
        zeros = dict.fromkeys(
            "chat_size_max megagroup_size_max forwarded_count_max online_update_period_ms "
            "offline_blur_timeout_ms offline_idle_timeout_ms online_cloud_timeout_ms "
            "notify_cloud_delay_ms notify_default_delay_ms push_chat_period_ms push_chat_limit "
            "edit_time_limit revoke_time_limit revoke_pm_time_limit rating_e_decay "
            "stickers_recent_limit channels_read_media_period call_receive_timeout_ms "
            "call_ring_timeout_ms call_connect_timeout_ms call_packet_timeout_ms "
            "caption_length_max message_length_max webfile_dc_id".split(),
            0,
        )
        return types.Config(
            date=now, expires=now + dt.timedelta(hours=1), test_mode=True, this_dc=server.dc,
            dc_options=[option], dc_txt_domain_name="", me_url_prefix="https://t.me/", **zeros,
        )  # fmt: skip

    def help_GetNearestDc(self, session: Session, request: Any) -> Any:  # noqa: N802
        return types.NearestDc("XX", self.server.dc, self.server.dc)

    def users_GetUsers(self, session: Session, request: Any) -> Any:  # noqa: N802
        return [_signed_in(session).user()]

    def updates_GetState(self, session: Session, request: Any) -> Any:  # noqa: N802
        _signed_in(session)
        return types.updates.State(1, 1, dt.datetime.now(dt.UTC), 1, 0)

    def updates_GetDifference(self, session: Session, request: Any) -> Any:  # noqa: N802
        _signed_in(session)
        return types.updates.DifferenceEmpty(dt.datetime.now(dt.UTC), 1)

    # ---- signing in

    def auth_SendCode(self, session: Session, request: Any) -> Any:  # noqa: N802
        if request.phone_number.lstrip("+") not in self.world.accounts:
            raise Fail(400, "PHONE_NUMBER_INVALID")
        return types.auth.SentCode(types.auth.SentCodeTypeApp(5), "hash")

    def auth_SignIn(self, session: Session, request: Any) -> Any:  # noqa: N802
        account = self.world.accounts[request.phone_number.lstrip("+")]
        if request.phone_code != account.code:
            raise Fail(400, "PHONE_CODE_INVALID")
        return self._enter(session, account)

    def _enter(self, session: Session, account: Account) -> Any:
        if account.password is not None:
            session.waiting = account
            raise Fail(401, "SESSION_PASSWORD_NEEDED")
        session.account = account
        return types.auth.Authorization(account.user())

    def account_GetPassword(self, session: Session, request: Any) -> Any:  # noqa: N802
        assert session.waiting is not None and session.waiting.password is not None  # noqa: PT018
        return session.waiting.password.ask()

    def auth_CheckPassword(self, session: Session, request: Any) -> Any:  # noqa: N802
        account = session.waiting
        assert account is not None and account.password is not None  # noqa: PT018
        if not account.password.is_right(request.password):
            raise Fail(400, "PASSWORD_HASH_INVALID")
        session.account = account
        return types.auth.Authorization(account.user())

    def auth_ExportLoginToken(self, session: Session, request: Any) -> Any:  # noqa: N802
        if session.scanned is not None:
            return types.auth.LoginTokenSuccess(self._enter(session, session.scanned))
        session.tokens.append(os.urandom(16))
        expires = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.server.qr_seconds)
        return types.auth.LoginToken(expires, session.tokens[-1])

    def auth_LogOut(self, session: Session, request: Any) -> Any:  # noqa: N802
        _signed_in(session)
        session.account = None
        return types.auth.LoggedOut()

    # ---- finding channels

    def contacts_ResolveUsername(self, session: Session, request: Any) -> Any:  # noqa: N802
        _signed_in(session)
        found = self.world.named(request.username)
        if request.username.lower() == "someone":
            user = types.User(77, access_hash=5, first_name="Some", username="someone")
            return types.contacts.ResolvedPeer(types.PeerUser(77), [], [user])
        if found is None:
            raise Fail(400, "USERNAME_NOT_OCCUPIED")
        return types.contacts.ResolvedPeer(found.peer, [found.chat()], [])

    def messages_CheckChatInvite(self, session: Session, request: Any) -> Any:  # noqa: N802
        account = _signed_in(session)
        found = next((c for c in self.world.channels.values() if c.invite == request.hash), None)
        if found is None:
            raise Fail(400, "INVITE_HASH_EXPIRED")
        if found.id in account.joined:
            return types.ChatInviteAlready(found.chat())
        return types.ChatInvite(found.title, types.PhotoEmpty(0), 5, 0, channel=True)

    def messages_GetDialogs(self, session: Session, request: Any) -> Any:  # noqa: N802
        account = _signed_in(session)
        found = [self.world.channels[n] for n in sorted(account.joined)]
        dialogs = [
            types.Dialog(c.peer, c.top, 0, 0, 0, 0, 0, 0, types.PeerNotifySettings()) for c in found
        ]
        messages = [m for c in found for m in c.ready(c.ids[-1:])]
        return types.messages.Dialogs(dialogs, messages, [c.chat() for c in found], [])

    # ---- reading

    def _channel(self, session: Session, peer: Any) -> Channel:
        account = _signed_in(session)
        found = self.world.channels.get(peer.channel_id)
        if found is None or peer.access_hash != found.id * 3:
            raise Fail(400, "CHANNEL_INVALID")
        if found.private and found.id not in account.joined:
            raise Fail(400, "CHANNEL_PRIVATE")
        return found

    def messages_GetHistory(self, session: Session, request: Any) -> Any:  # noqa: N802
        channel = self._channel(session, request.peer)
        date = int(request.offset_date.timestamp()) if request.offset_date else 0
        page = channel.history(
            request.offset_id, date, request.add_offset, request.limit, request.min_id,
            request.max_id,
        )  # fmt: skip
        return self._messages(channel, page)

    def _messages(self, channel: Channel, numbers: list[int]) -> Any:
        return types.messages.ChannelMessages(
            1, len(channel.ids), channel.ready(numbers), [], [channel.chat()], []
        )

    def messages_GetRichMessage(self, session: Session, request: Any) -> Any:  # noqa: N802
        channel = self._channel(session, request.peer)
        message = channel.messages[request.id]
        whole = types.Message(
            id=message.id, peer_id=message.peer_id, date=message.date, message="",
            edit_date=message.edit_date, rich_message=self.server.whole[channel.id, message.id],
        )  # fmt: skip
        return types.messages.ChannelMessages(1, 1, [whole], [], [channel.chat()], [])


def _signed_in(session: Session) -> Account:
    if session.account is None:
        raise Fail(401, "AUTH_KEY_UNREGISTERED")
    return session.account
