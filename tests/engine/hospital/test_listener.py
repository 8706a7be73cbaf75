"""Real senders speak to the real listener: what it acknowledges is on disk, whom it does not know it turns away."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers.archive_objects import beside, changed, chest_film, ecg, wait_until
from helpers.archive_processes import CART, TITLE, associated, sent, settings_at
from helpers.listening import listening
from helpers.mutual_tls import certificates
from helpers.recording_files import dataset
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom import AE, evt
from pynetdicom.dsutils import create_file_meta, encode_file_meta
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from engine.errors import UsageError
from engine.hospital.classes import ACCEPTED
from engine.hospital.conformance import statement
from engine.hospital.inbox import Inbox
from engine.hospital.listener import ALL_TRANSFER_SYNTAXES, Listener
from engine.hospital.settings import ListenSettings, Sender, TlsFiles
from engine.store.audit_file import AuditFile

needs_dcmtk = pytest.mark.skipif(shutil.which("storescu") is None, reason="dcmtk is not installed: make hospital")


def test_what_is_acknowledged_is_on_disk_as_it_came(tmp_path: Path):
    film, recording, report = chest_film(), ecg(), beside(0)
    with listening(tmp_path) as listener, Inbox(tmp_path) as inbox:
        assert sent(listener.port, [film, recording, report]) == [0, 0, 0]
        files = {one.file.name.partition("~")[0]: one.file for one in inbox.waiting()}
        assert set(files) == {str(one.SOPInstanceUID) for one in (film, recording, report)}
        assert film.PixelData in files[film.SOPInstanceUID].read_bytes()
        assert all(file.stat().st_mode & 0o077 == 0 for file in files.values())
        assert inbox.received.lasts()["object"].sender == CART
        assert sent(listener.port, [recording, changed(recording, PatientName="Other^Name")]) == [0, 0]
        assert len(inbox.waiting()) == 4  # the same bytes once, other bytes beside them


def test_a_stranger_and_a_wrong_called_title_are_turned_away_and_on_record(tmp_path: Path):
    with listening(tmp_path) as listener, Inbox(tmp_path) as inbox:
        assert sent(listener.port, [ecg()], title="STRANGER") == [None]
        ae = AE(ae_title=CART)
        ae.add_requested_context("1.2.840.10008.1.1")
        assert not ae.associate("127.0.0.1", listener.port, ae_title="OTHER").is_established
        assert inbox.waiting() == []
        with AuditFile(tmp_path) as audit:
            wait_until(lambda: len(audit.rows("kind = 'sender refused'")) == 2)
            assert {row["about"]["title"] for row in audit.rows("kind = 'sender refused'")} == {"STRANGER", CART}


def test_more_associations_than_permitted_are_rejected(tmp_path: Path):
    with listening(tmp_path, settings_at(most_associations=2)) as listener:
        open_ = [associated(listener.port) for _ in range(2)]
        assert all(one.is_established for one in open_)
        assert not associated(listener.port).is_established
        open_[0].release()
        wait_until(lambda: associated(listener.port).is_established)


def test_an_object_above_the_limit_stays_with_its_sender(tmp_path: Path):
    with listening(tmp_path, settings_at(most_mb=0)) as listener, Inbox(tmp_path) as inbox:
        assert sent(listener.port, [ecg()]) == [0xA700] and inbox.waiting() == []


def test_a_full_disk_is_no_success(tmp_path: Path):
    with listening(tmp_path) as listener, Inbox(tmp_path) as inbox:
        shutil.rmtree(inbox.new)
        inbox.new.touch()  # nothing can be written below it
        assert sent(listener.port, [ecg()]) == [0xA700]


def test_eight_senders_at_once_lose_nothing(tmp_path: Path):
    recording = ecg()
    objects = [[changed(recording, SOPInstanceUID=generate_uid()) for _ in range(5)] for _ in range(8)]
    statuses: list[int | None] = []
    with listening(tmp_path, settings_at(most_associations=8)) as listener, Inbox(tmp_path) as inbox:
        threads = [
            threading.Thread(target=lambda some=some: statuses.extend(sent(listener.port, some))) for some in objects
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert statuses == [0] * 40 and len(inbox.waiting()) == 40


def test_the_statement_says_what_is_negotiated(tmp_path: Path):
    objects = [dataset(sop_class) for sop_class in ACCEPTED]
    with listening(tmp_path) as listener:
        said = statement(settings_at(listener.port))
        association = associated(listener.port, objects)
        agreed = {str(one.abstract_syntax) for one in association.accepted_contexts}
        association.release()
        refused = associated(listener.port, [dataset(CTImageStorage)])
        assert [str(one.abstract_syntax) for one in refused.rejected_contexts] == [CTImageStorage]
        refused.release()
        ae = AE(ae_title=CART)
        for syntax in ALL_TRANSFER_SYNTAXES:
            ae.add_requested_context(objects[0].SOPClassUID, syntax)
        every = ae.associate("127.0.0.1", listener.port, ae_title=TITLE)
        syntaxes = {str(one.transfer_syntax[0]) for one in every.accepted_contexts}
        every.release()
    assert agreed - {"1.2.840.10008.1.1"} == set(ACCEPTED)
    assert all(f"| {uid} |" in said for uid in (*ACCEPTED, *syntaxes))
    assert syntaxes == set(map(str, ALL_TRANSFER_SYNTAXES)) and CTImageStorage not in said


@contextmanager
def taking_reports(title: str = CART) -> Iterator[tuple[int, list[tuple[int, Dataset]]]]:
    """A sender's own server, which takes reports of commitments: its port, and what came."""
    came: list[tuple[int, Dataset]] = []

    def report(event: Any) -> tuple[int, None]:
        came.append((event.event_type, event.event_information))
        return 0x0000, None

    ae = AE(ae_title=title)
    ae.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, report)])
    try:
        yield server.socket.getsockname()[1], came
    finally:
        server.shutdown()


def ask_for_commitment(port: int, objects: list[Dataset]) -> int:
    ae = AE(ae_title=CART)
    ae.add_requested_context(StorageCommitmentPushModel)
    association = ae.associate("127.0.0.1", port, ae_title=TITLE)
    request = Dataset()
    request.TransactionUID = generate_uid()
    request.ReferencedSOPSequence = []
    for one in objects:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
        request.ReferencedSOPSequence.append(item)
    status, _ = association.send_n_action(request, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
    association.release()
    return int(status.Status)


def test_a_commitment_is_reported_on_an_association_of_its_own_also_by_the_next_listener(tmp_path: Path):
    recording, never_sent = ecg(), ecg(2)
    with taking_reports() as (port, came):
        settings = settings_at(senders=(Sender(CART, "127.0.0.1", port),))
        with listening(tmp_path, settings) as listener, Inbox(tmp_path) as inbox:
            assert sent(listener.port, [recording]) == [0]
            for one in inbox.waiting():
                inbox.finish([(one, None)])  # taken up: it counts as received all the same
            assert ask_for_commitment(listener.port, [recording]) == 0
            wait_until(lambda: len(came) == 1)
            assert ask_for_commitment(listener.port, [recording, never_sent]) == 0
            wait_until(lambda: len(came) == 2)
            wait_until(lambda: inbox.received.owed() == [])
    (first, all_of_it), (second, some) = came
    assert (first, second) == (1, 2) and "FailedSOPSequence" not in all_of_it
    assert [item.ReferencedSOPInstanceUID for item in some.FailedSOPSequence] == [never_sent.SOPInstanceUID]
    unreachable = settings_at(senders=(Sender(CART, "127.0.0.1", 9),))
    with listening(tmp_path, unreachable) as listener:
        assert ask_for_commitment(listener.port, [recording]) == 0
    with taking_reports() as (port, came), listening(tmp_path, settings_at(senders=(Sender(CART, "127.0.0.1", port),))):
        wait_until(lambda: len(came) == 1)


def test_a_commitment_is_refused_where_nobody_knows_whom_to_tell(tmp_path: Path):
    with listening(tmp_path) as listener:
        assert ask_for_commitment(listener.port, [ecg()]) == 0x0124


def test_with_tls_both_sides_show_a_certificate(tmp_path: Path):
    made = certificates(tmp_path, "listener", "cart")
    settings = settings_at(tls=TlsFiles(str(made.certificate("listener")), str(made.key("listener")), str(made.ca)))
    ours = ssl.create_default_context(cafile=str(made.ca))
    ours.check_hostname = False
    with listening(tmp_path, settings) as listener:
        assert sent(listener.port, [ecg()]) == [None]
        assert sent(listener.port, [ecg()], tls_args=(ours, None)) == [None]
        ours.load_cert_chain(made.certificate("cart"), made.key("cart"))
        assert sent(listener.port, [ecg()], tls_args=(ours, None)) == [0]


def test_a_foreign_interface_is_not_served_in_plain_by_mistake(tmp_path: Path):
    from engine.hospital.settings import listen_settings

    (tmp_path / "pacs.toml").write_text('[listen]\naddress = "192.0.2.7"\n[[sender]]\ntitle = "CART"\n')
    with pytest.raises(UsageError, match="without TLS"):
        listen_settings(tmp_path)
    with pytest.raises(UsageError, match="No sender is named"):
        Listener(tmp_path, ListenSettings(port=0))


@needs_dcmtk
def test_echoscu_and_storescu_of_dcmtk_are_answered(tmp_path: Path):
    film, recording = chest_film(), ecg()
    names = [tmp_path / "film.dcm", tmp_path / "ecg.dcm"]
    for one, name in zip((film, recording), names, strict=True):
        one.save_as(name, enforce_file_format=True)
    with listening(tmp_path) as listener, Inbox(tmp_path) as inbox:
        to = ["-aet", CART, "-aec", TITLE, "127.0.0.1", str(listener.port)]
        assert subprocess.run(["echoscu", *to], capture_output=True).returncode == 0
        assert inbox.received.lasts()["echo"].sender == CART
        done = subprocess.run(["storescu", *to, *map(str, names)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert len(inbox.waiting()) == 2


def test_the_file_that_is_kept_names_class_number_and_syntax_as_pynetdicom_writes_them(tmp_path: Path):
    film = chest_film()
    with listening(tmp_path) as listener, Inbox(tmp_path) as inbox:
        assert sent(listener.port, [film]) == [0]
        (file,) = (one.file.read_bytes() for one in inbox.waiting())
    meta = create_file_meta(
        sop_class_uid=film.SOPClassUID,
        sop_instance_uid=film.SOPInstanceUID,
        transfer_syntax=film.file_meta.TransferSyntaxUID,
    )
    assert file.startswith(b"\0" * 128 + b"DICM" + encode_file_meta(meta) + b"\x08\0")
