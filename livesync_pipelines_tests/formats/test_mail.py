"""EML."""

from __future__ import annotations

from email.message import EmailMessage

from .conftest import Read


def message(subject: str = "Lunch") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ada Byron <ada@example.com>"
    mail["To"] = "bob@example.com"
    mail["Subject"] = subject
    mail["Date"] = "Wed, 01 May 2024 10:00:00 +0200"
    return mail


def test_a_mail_is_its_words_its_subject_and_its_headers(read: Read) -> None:
    mail = message("Mittag: Grüße")
    mail.set_content("Komm um zwölf.\n")
    result = read(mail.as_bytes(), "a.eml")
    assert (result.text, result.title) == ("Komm um zwölf.", "Mittag: Grüße")
    assert result.attributes == {
        "author": "Ada Byron <ada@example.com>",
        "to": "bob@example.com",
        "created": "2024-05-01T10:00:00+02:00",
    }


def test_the_richer_of_two_versions_is_read(read: Read) -> None:
    mail = message()
    mail.set_content("See it in a browser.")
    mail.add_alternative("<h1>Menu</h1><ul><li>Soup</li></ul>", subtype="html")
    assert read(mail.as_bytes(), "a.eml").text == "# Menu\n\n- Soup"


def test_attachments_are_named_and_forwarded_mails_are_read(read: Read) -> None:
    inner = message("Old news")
    inner.set_content("It was so.")
    mail = message()
    mail.set_content("Look:")
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="plan.png")
    mail.add_attachment(inner)
    result = read(mail.as_bytes(), "a.eml")
    assert result.text == (
        "Look:\n\n## Forwarded: Old news\n\nIt was so.\n\nAttachments:\n\n- plan.png"
    )
    assert result.attributes["attachments"] == "plan.png"


def test_a_date_that_nobody_can_read_is_no_date(read: Read) -> None:
    raw = b"From: a@b.c\nSubject: x\nDate: yesterday\n\nhi\n"
    assert "created" not in read(raw, "a.eml").attributes
