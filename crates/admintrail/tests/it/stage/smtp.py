"""A mail server that keeps what it gets: prints its port, then each mail as a line of JSON.

Arguments: none (plain SMTP), or a certificate and its key (TLS from the first byte, and only
USER with the password of the environment may send). Ends when its standard input does.
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = mail.get_body(preferencelist=("plain",))
        kept = {
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "from": mail["from"],
            "to": mail["to"],
            "subject": mail["subject"],
            "id": mail["message-id"],
            "text": text.get_content(),
            "attached": {one.get_filename(): one.get_payload(decode=True).decode() for one in mail.iter_attachments()},
            "user": session.auth_data.login.decode() if session.auth_data else None,
        }
        print(json.dumps(kept), flush=True)
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    right = (os.environ["SMTP_USER"].encode(), os.environ["SMTP_PASSWORD"].encode())
    return AuthResult(
        success=(data.login, data.password) == right, handled=False, auth_data=data
    )


async def main():
    context, more = None, {}
    if len(sys.argv) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        # The library knows TLS by STARTTLS alone; here it is there before it begins.
        more = {"auth_required": True, "auth_require_tls": False, "authenticator": authenticate}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Keeper(), hostname="localhost", **more), "127.0.0.1", 0, ssl=context
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
