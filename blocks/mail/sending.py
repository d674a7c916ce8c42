"""Sending an e-mail with the user's own account at a mail server.

Registered in `catalogue.py`; how it is sent is in `smtp.py`. Entered at most once: a mail may have left.
"""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import BaseModel, Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType, UserPassword
from blocks.mail.smtp import Mail, MailServer, send_mail
from engine.model import Effects


class SmtpConfig(BaseModel):
    """Where mail is handed in."""

    smtp_server: str = Field(title="Server", description="The name of the mail server", min_length=1, max_length=253)
    smtp_port: int = Field(
        25, title="Port", description="25, 587 or 2525, or 465 for TLS from the start", ge=1, le=65_535
    )


class SendEmailInputs(Inputs):
    to_email: str = Field(title="To", description="One address, or several with commas between")
    subject: str = Field(title="Subject", description="The subject, in one line")
    body: str = Field(title="Body", description="The text of the mail")
    config: SmtpConfig = Field(title="Server", description="The mail server: `smtp_server` and `smtp_port`")
    credentials: CredentialsMeta = Field(
        title="Credentials", description="The name and the password at the server; mail is from that name"
    )


class SendEmailOutputs(Outputs):
    status: str = Field(title="Status", description="That the server took the mail")


class SendEmail(Block[SendEmailInputs]):
    id = "4335878a-394e-4e67-adf2-919877ff49ae"
    name = "Send email"
    description = "Sends a plain e-mail through an SMTP server, over TLS. Nothing is tried again."
    categories = frozenset({Category.OUTPUT})
    effects = Effects.EFFECTFUL
    sensitive = True
    credentials: ClassVar = {
        "credentials": CredentialsField(("smtp",), (CredentialsType.USER_PASSWORD,), own_only=True)
    }
    Input = SendEmailInputs
    Output = SendEmailOutputs
    examples = (
        Example(
            {
                "to_email": "grace@tea.example",
                "subject": "Tea",
                "body": "It is ready.",
                "config": {"smtp_server": "mail.example", "smtp_port": 2525},
                "credentials": {"id": "mine", "provider": "smtp", "type": "user_password"},
            },
            (("status", "Email sent successfully"),),
            mail_server="mail.example:2525",
        ),
    )

    async def run(self, inputs: SendEmailInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        account = context.credentials["credentials"]
        if not isinstance(account, UserPassword):
            raise TypeError("The credential is not a name with a password.")
        user = account.username.get_secret_value()
        server = MailServer(
            inputs.config.smtp_server, inputs.config.smtp_port, user, account.password.get_secret_value()
        )
        await send_mail(context.services.http, server, Mail(user, inputs.to_email, inputs.subject, inputs.body))
        yield "status", "Email sent successfully"
