"""The peer django-post_office: a site of its own, run by an environment that has Django.

``versions``, ``prepare``, ``fill`` or ``send``; what it is given is JSON in the variable PEER.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

GIVEN: dict[str, Any] = json.loads(os.environ["PEER"])
NAME = "apology"
CHUNK = 500

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": GIVEN["database_host"],
            "NAME": GIVEN["database"],
            "USER": "postgres",
            "CONN_MAX_AGE": None,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DEFAULT_FROM_EMAIL="みなと職能協会 保険係 <hoken@example.jp>",
    EMAIL_BACKEND="post_office.EmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=GIVEN["port"],
    USE_TZ=True,
    TEMPLATES=[
        {
            "BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates",
            "APP_DIRS": True,
            "NAME": "post_office",
            "OPTIONS": {"context_processors": []},
        },
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "NAME": "django"},
    ],
    POST_OFFICE={
        "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
        "BATCH_SIZE": GIVEN["batch"],
        "THREADS_PER_PROCESS": GIVEN["threads"],
        "LOG_LEVEL": GIVEN["log_level"],
    },
)
django.setup()


def versions() -> None:
    """Say which versions these are."""
    from importlib.metadata import version

    sys.stdout.write(
        f"django-post_office {version('django-post_office')}, Django {django.get_version()}\n"
    )


def prepare() -> None:
    """Tables and the template."""
    from django.core.management import call_command
    from post_office.models import EmailTemplate

    call_command("migrate", verbosity=0)
    texts = json.loads(Path(GIVEN["template"]).read_text())
    EmailTemplate.objects.update_or_create(
        name=NAME,
        defaults={
            "subject": texts["subject"],
            "content": texts["text"],
            "html_content": texts["html"],
        },
    )


def fill() -> None:
    """Queue a mail to each reader; it is rendered when it is delivered."""
    from post_office import mail
    from post_office.models import EmailTemplate

    template = EmailTemplate.objects.get(name=NAME)
    readers = json.loads(Path(GIVEN["readers"]).read_text())[: GIVEN["mails"]]
    for start in range(0, len(readers), CHUNK):
        mail.send_many(
            [
                {
                    "recipients": reader["email"],
                    "template": template,
                    "context": reader,
                    "headers": {"Reply-To": "toiawase@example.jp"},
                    "render_on_delivery": True,
                }
                for reader in readers[start : start + CHUNK]
            ]
        )


def send() -> None:
    """Deliver the queue, as ``manage.py send_queued_mail`` does."""
    from django.core.management import call_command

    call_command("send_queued_mail", processes=GIVEN["processes"], lockfile=GIVEN["lock"])


if __name__ == "__main__":
    {"versions": versions, "prepare": prepare, "fill": fill, "send": send}[sys.argv[1]]()
