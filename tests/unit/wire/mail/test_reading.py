"""Mail as hostile input: only what a person wrote above anything quoted comes through, whatever comes in."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.wire.mail import MESSAGE_BYTES_MAX, read_mail
from beamkeeper.wire.mail.reading import LINE_CHARACTERS_MAX, LINES_MAX, PARTS_MAX

VOTE = "CONFIRM 7K2QD-0M9XR"


def mail(text: str = VOTE, *, sender: str = "An@Hospital.example", **headers: str) -> bytes:
    lines = [f"From: An Peeters <{sender}>", "Message-ID: <1@hospital.example>"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join([*lines, "", text])).encode()


def test_a_plain_answer_is_read() -> None:
    found = read_mail(mail(f"\r\n{VOTE}\r\n\r\nAn\r\n"))

    assert found.sender == "an@hospital.example"
    assert found.message_id == "<1@hospital.example>"
    assert found.lines == (VOTE, "An")
    assert (found.automatic, found.problem) == ("", "")


@pytest.mark.parametrize(
    "quote",
    [
        f"> {VOTE}",
        f"On Tue, 3 Mar 2026 at 07:00, Beamkeeper wrote:\n{VOTE}",
        f"Op di 3 mrt 2026 om 07:00 schreef Beamkeeper:\n{VOTE}",
        f"Le mar. 3 mars 2026 à 07:00, Beamkeeper a écrit :\n{VOTE}",
        f"Am Di., 3. März 2026 um 07:00 Uhr schrieb Beamkeeper:\n{VOTE}",
        f"-----Original Message-----\n{VOTE}",
        f"-----Oorspronkelijk bericht-----\n{VOTE}",
        f"-----Message d'origine-----\n{VOTE}",
        f"-----Ursprüngliche Nachricht-----\n{VOTE}",
        f"---------- Forwarded message ---------\n{VOTE}",
        f"Begin forwarded message:\n{VOTE}",
        f"________________________________\nFrom: Beamkeeper\n{VOTE}",
        f"Van: Beamkeeper\nVerzonden: dinsdag\n{VOTE}",
        f"De : Beamkeeper\n{VOTE}",
    ],
)
def test_quoted_and_forwarded_text_does_not_count(quote: str) -> None:
    data = mail(quote, Content_Type="text/plain; charset=utf-8")

    assert read_mail(data).lines == ()
    assert "quotes" in read_mail(data).problem
    assert read_mail(mail(f"Fine by me.\n{quote}", Content_Type="text/plain; charset=utf-8")).lines == (
        "Fine by me.",
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"List_Id": "<all.hospital.example>"},
        {"Return_Path": "<>"},
        {"Subject": "Automatisch antwoord: Nacht van 2026-03-03"},
        {"Subject": "Automatic reply: night"},
        {"Subject": "Afwezig: nacht"},
        {"Subject": "Réponse automatique : nuit"},
        {"Subject": "=?utf-8?Q?R=C3=A9ponse_automatique_=3A_nuit?="},
        {"Subject": "=?utf-8?B?QXV0b21hdGlzY2ggYW50d29vcmQ6IE5hY2h0?="},
        {"Subject": "Absence du bureau"},
        {"Subject": "Abwesenheitsnotiz: Nacht"},
        {"Subject": "Out of Office: night"},
        {"Content_Type": "multipart/report; boundary=x"},
    ],
)
def test_machines_do_not_vote(headers: dict[str, str]) -> None:
    assert read_mail(mail(**headers)).automatic
    assert not read_mail(mail(Auto_Submitted="no")).automatic


def test_a_machines_address_does_not_vote() -> None:
    assert read_mail(mail(sender="MAILER-DAEMON@hospital.example")).automatic


@pytest.mark.parametrize(
    "sender_line",
    [
        b"From: an@hospital.example, bo@hospital.example",
        b"From: an@hospital.example\r\nFrom: bo@hospital.example",
        b"X: y",
        b"From: nobody",
        b"From: " + b"a" * 2000 + b"@hospital.example",
        b"From: <an@hospital.example",
    ],
)
def test_a_mail_from_nobody_or_from_several_has_no_sender(sender_line: bytes) -> None:
    found = read_mail(sender_line + b"\r\n\r\n" + VOTE.encode())

    assert found.sender in {"", "an@hospital.example"}
    assert found.sender == "" or sender_line.endswith(b"<an@hospital.example")


def test_a_display_name_that_looks_like_an_address_is_not_the_sender() -> None:
    found = read_mail(b'From: "an@hospital.example" <mallory@elsewhere.example>\r\n\r\nx')

    assert found.sender == "mallory@elsewhere.example"


def test_of_a_mail_with_html_the_plain_part_counts() -> None:
    message = EmailMessage()
    message["From"] = "an@hospital.example"
    message.set_content(VOTE)
    message.add_alternative("<p>DISPUTE 7K2QD-0M9XR</p>", subtype="html")

    assert read_mail(message.as_bytes()).lines == (VOTE,)


def test_html_alone_and_a_text_attachment_are_not_read() -> None:
    html = EmailMessage()
    html["From"] = "an@hospital.example"
    html.set_content(f"<p>{VOTE}</p>", subtype="html")
    html.add_attachment(VOTE, filename="vote.txt")
    found = read_mail(html.as_bytes())

    assert found.lines == ()
    assert "no plain text" in found.problem


def test_encodings_of_ordinary_mail_are_read() -> None:
    for charset, transfer in (
        ("utf-8", "base64"),
        ("iso-8859-1", "quoted-printable"),
        ("windows-1252", "8bit"),
    ):
        message = EmailMessage()
        message["From"] = "an@hospital.example"
        message.set_content(f"BESTÄTIGE {VOTE}", charset=charset, cte=transfer)
        assert read_mail(message.as_bytes()).lines == (f"BESTÄTIGE {VOTE}",)


def test_an_unknown_character_set_is_no_reason_to_fall_over() -> None:
    assert read_mail(mail(Content_Type="text/plain; charset=klingon")).lines == (VOTE,)
    assert read_mail(mail(Content_Type="text/plain; charset=rot13")).lines == (VOTE,)


def test_a_bomb_of_parts_is_not_opened() -> None:
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(PARTS_MAX + 1)
    )

    assert read_mail(b"From: an@hospital.example\r\n" + opened + VOTE.encode()).lines == ()


@pytest.mark.parametrize(
    "header",
    [
        b'Content-Type: text/plain; a="' + b";" * MESSAGE_BYTES_MAX,
        b"content-type: text/plain;\r\n" + b' a="b";\r\n' * 200,
        b"X: y\rContent-Disposition: inline; " + b";" * 2000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain" + b";" * 2000,
    ],
)
def test_a_header_whose_parts_would_take_hours_to_tell_apart_is_not_opened(header: bytes) -> None:
    data = b"From: an@hospital.example\r\n" + header + b"\r\n\r\n" + VOTE.encode()

    assert "too long" in read_mail(data).problem


def test_a_subject_without_end_is_read_no_further_than_needed() -> None:
    found = read_mail(mail(Subject="=?a?q?" * (MESSAGE_BYTES_MAX // 6)))

    assert found.lines == (VOTE,)


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "punycode", "idna", "unicode_escape", "undefined"])
def test_what_a_reader_sees_is_what_is_read_whatever_the_character_set(charset: str) -> None:
    hidden = mail(f"+AEM-ONFIRM \\u0043ONFIRM {VOTE}", Content_Type=f"text/plain; charset={charset}")

    assert read_mail(hidden).lines == (f"+AEM-ONFIRM \\u0043ONFIRM {VOTE}",)


def test_a_code_in_the_subject_alone_is_no_vote() -> None:
    assert read_mail(mail("", Subject=VOTE)).lines == ()


def test_long_mail_is_cut() -> None:
    found = read_mail(mail("\n".join(["x" * 10_000] * 500)))

    assert len(found.lines) == LINES_MAX
    assert {len(line) for line in found.lines} == {LINE_CHARACTERS_MAX}


@given(st.binary(max_size=2000))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    read_mail(data)


@given(
    st.lists(
        st.sampled_from(
            [
                b"From: an@hospital.example\r\n",
                b"Content-Type: multipart/mixed; boundary=b\r\n",
                b"Content-Type: text/plain; charset*=utf-8''%ff\r\n",
                b"Content-Type: message/rfc822\r\n",
                b"Content-Transfer-Encoding: base64\r\n",
                b"Content-Disposition: attachment; filename*0=\r\n",
                b"From: =?utf-8?q?=ff?= <a@b>\r\n",
                b"Subject: =?x?b?!!!?=\r\n",
                b"Message-ID: <\r\n",
                b"\r\n",
                b"--b\r\n",
                b"--b--\r\n",
                b"CONFIRM 7K2QD-0M9XR\r\n",
                b"\xff\xfe\x00\r\n",
            ]
        ),
        max_size=25,
    )
)
def test_no_broken_mail_breaks_the_reader(pieces: list[bytes]) -> None:
    found = read_mail(b"".join(pieces))

    assert "\n" not in found.sender + found.message_id
