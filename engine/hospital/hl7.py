"""HL7 v2.x messages (ORU^R01): delimiters, character sets, escape sequences, and the report in OBR and OBX.

Written here and not taken from python-hl7 or HL7apy: of a message a dozen fields are read, the first knows no character
sets and the second validates against profiles that senders do not keep. HL7 v2.5.1 chapters 2 and 7.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import IntakeError
from engine.hospital.incoming_report import NO_TEXT, IncomingReport, Status, distinct, name_words

TEXTS = ("TX", "FT", "ST", "CE", "CWE")  # OBX-2
STATES: dict[str, Status] = {"": "final", "F": "final", "C": "corrected", "X": "cancelled"}  # OBR-25, table 0123
HEADINGS = {"GDT": "FINDINGS:", "IMP": "IMPRESSION:", "ADT": "ADDENDUM:"}  # suffixes of OBX-3 for reports
SHOWN = {"H": "", "N": "", ".br": "\n", ".sp": "\n"}  # escape sequences that lay out
NO_MESSAGE = "The message begins with no MSH segment: have an HL7 v2 message sent."
SEVERAL_MESSAGES = "The frame holds several messages: have each sent in a frame of its own."
NO_REPORT = "The message holds no OBR segment: have a report sent as ORU^R01."
OTHER_SET = "The character set of the message is not read: have UTF-8 or one of ISO 8859 sent."


@dataclass(frozen=True)
class Hl7Message:
    """A message: its segments as lists of fields, numbered as HL7 numbers them; MSH-1 is the field separator."""

    segments: tuple[tuple[str, ...], ...]
    marks: str  # component, repetition, escape, subcomponent
    charset: str

    def all(self, name: str) -> Iterator[tuple[str, ...]]:
        """Yield the segments of a name."""
        return (one for one in self.segments if one[0] == name)

    def field(self, name: str, number: int) -> str:
        """Return a field of the first segment of a name, as it was sent; "" where there is none."""
        return next((_at(one, number) for one in self.all(name)), "")

    def words(self, field: str, component: int = 1, sub: int = 1) -> str:
        """Return a component of the first repetition of a field, without escapes."""
        first = field.split(self.marks[1])[0].split(self.marks[0])
        part = first[component - 1] if len(first) >= component else ""
        parts = part.split(self.marks[3]) if self.marks[3] else [part]
        return self.plain(parts[sub - 1]).strip() if len(parts) >= sub else ""

    def of_kind(self, field: str, *kinds: str) -> str:
        """Return the repetition of a field whose fifth component is the first of the kinds, else the first one."""
        repeated = field.split(self.marks[1])
        return next((one for kind in kinds for one in repeated if self.words(one, 5) == kind), repeated[0])

    def plain(self, text: str) -> str:
        """Return text without escape sequences (chapter 2.7); unknown ones are left out."""
        mark = self.marks[2]
        if not mark or mark not in text:
            return text
        named = {"F": "|", "S": self.marks[0], "R": self.marks[1], "E": mark, "T": self.marks[3], **SHOWN}
        one = re.escape(mark)

        def meant(found: re.Match[str]) -> str:
            word = found[1]
            if word[:1] == "X" and re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", word[1:]):
                return bytes.fromhex(word[1:]).decode(self.charset, "replace").replace("\r", "\n")
            return named.get(word, "\n" * int(word[3:] or 1) if re.fullmatch(r"\.sp\+?\d?", word) else "")

        return re.sub(f"{one}([^{one}]*){one}", meant, text)


def parse(data: bytes) -> Hl7Message:
    """Return a message; IntakeError where it is none or in an unknown character set."""
    data = data.strip(b"\x0b\x1c\r\n ").removeprefix(b"\xef\xbb\xbf")
    separator = chr(data[3]) if data[:3] == b"MSH" and len(data) >= 8 else ""
    if not separator or separator not in string.punctuation:
        raise IntakeError(NO_MESSAGE)
    head = re.split(rb"[\r\n]", data, maxsplit=1)[0].decode("latin-1").split(separator)
    charset = _charset(head[17] if len(head) > 17 else "", data)
    try:
        text = data.decode(charset)
    except (UnicodeDecodeError, LookupError) as error:
        raise IntakeError(OTHER_SET) from error
    lines = [line for line in re.split(r"\r\n?|\n", text) if line.strip()]
    segments = [tuple(line.split(separator)) for line in lines]
    segments[0] = ("MSH", separator, *segments[0][1:])
    marks = (segments[0][2] + "\0" * 4)[:4].replace("\0", "")
    return Hl7Message(tuple(segments), marks if len(marks) == 4 else "^~\\&", charset)


def sender_and_control(data: bytes) -> str:
    """Return what names a message once: application and facility that sent it, and its control id."""
    message = parse(data)
    application, facility = (message.words(message.field("MSH", number)) for number in (3, 4))
    return f"{application}|{facility}|{message.field('MSH', 10)}"


def messages_in(data: bytes) -> list[bytes]:
    """Return the messages of a file, which may be a batch (FHS, BHS)."""
    starts = [found.start() for found in re.finditer(rb"(?:^|(?<=[\r\n\x0b]))MSH", data)]
    ends = [*starts[1:], len(data)]
    cut = re.compile(rb"[\r\n](?:BTS|FTS|FHS|BHS)[^\r\n]*")
    return [cut.sub(b"", data[a:b]).strip(b"\x0b\x1c\r\n") + b"\r" for a, b in zip(starts, ends, strict=True)]


def reports_in(data: bytes) -> list[bytes]:
    """Return one message per report: each OBR with what follows it, under the header and its own patient."""
    top: list[bytes] = []  # MSH; PID, PV1 and more of one patient; ORC
    patient: list[bytes] = []
    order: list[bytes] = []
    report: list[bytes] | None = None
    made: list[list[bytes]] = []
    for line in re.split(rb"[\r\n]+", data.strip(b"\x0b\x1c\r\n")):
        name = line[:3]
        if name == b"MSH" and top:
            raise IntakeError(SEVERAL_MESSAGES)
        if name == b"PID":
            patient, order, report = [line], [], None
        elif name == b"ORC":
            order, report = [line], None
        elif name == b"OBR":
            report = [*top, *patient, *order, line]
            order = []
            made.append(report)
        elif line.strip():
            (report if report is not None else order or patient or top).append(line)
    if not made:
        raise IntakeError(NO_REPORT)
    return [b"\r".join(one) + b"\r" for one in made]


def report_of(data: bytes) -> IncomingReport:
    """Return the report of a message that holds one; IntakeError where it has no text."""
    message = parse(data)
    order = next(message.all("OBR"), None)
    if order is None:
        raise IntakeError(NO_REPORT)
    status = STATES.get(_at(order, 25).strip(), "preliminary")
    if status == "final" and any(_at(one, 11) == "C" for one in message.all("OBX")):
        status = "corrected"
    text = _text(message)
    if not text and status in ("final", "corrected"):
        raise IntakeError(NO_TEXT)
    patient, filler = message.of_kind(message.field("PID", 3), "MR", "PI"), message.words(_at(order, 3))
    accessions = distinct(*(message.words(_at(order, number)) for number in (18, 20, 3)))
    uids = [message.words(_at(one, 1)) for one in message.all("ZDS")]  # IHE: the study instance UID
    number = filler or next(iter(accessions), "") or message.field("MSH", 10)
    return IncomingReport(
        number=f"{message.field('MSH', 4)}|{number}",
        status=status,
        text=text,
        patient=message.words(patient),
        issuer=message.words(patient, 4),
        name=name_words(*(message.words(message.field("PID", 5), part) for part in (1, 2, 3))),
        accessions=accessions,
        visits=distinct(message.words(message.field("PV1", 19)), *uids),
        day=_at(order, 7)[:8] if _at(order, 7)[:8].isdigit() else "",
    )


def _text(message: Hl7Message) -> str:
    """Return the lines of the observations that stand, with headings where they begin."""
    lines: list[str] = []
    heading = ""
    for one in message.segments:
        if one[0] == "OBX" and _at(one, 2) in TEXTS and _at(one, 11) not in ("D", "W", "X"):
            code = message.words(_at(one, 3), 1, 2).upper()
            if HEADINGS.get(code, "") != heading:
                heading = HEADINGS.get(code, "")
                lines += [heading] if heading else []
            coded = 2 if _at(one, 2) in ("CE", "CWE") else 0
            repeated = _at(one, 5).split(message.marks[1])
            lines += [message.words(each, coded) if coded else message.plain(each) for each in repeated]
    return "\n".join(lines).strip()


def _charset(named: str, data: bytes) -> str:
    """Return the codec of MSH-18; without one, UTF-8 where the bytes are, else ISO 8859-1."""
    word = named.split("~")[0].strip().upper()
    if found := re.fullmatch(r"8859/(\d{1,2})", word):
        return f"iso8859-{found[1]}"
    if word in ("UNICODE UTF-8", "UTF-8"):
        return "utf-8"
    if word not in ("", "ASCII"):
        raise IntakeError(OTHER_SET)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _at(segment: tuple[str, ...], number: int) -> str:
    return segment[number] if len(segment) > number else ""
