"""`casebind-edge sync FOLDER`: what the hospital wrote is taken in, then what is new here is written for it.

Whatever is interrupted is done again by the next sync: an event stays until the hospital says that it came, news counts
only where it is newer than the last, and a bundle is taken whole.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from casebind_edge.device import BUNDLE, KEY, install, open_device, put_in_place, room_beside
from casebind_edge.outbox import Outbox
from engine.edge import signed
from engine.edge.messages import ENDING, FROM_DEVICE, NEWS, TO_DEVICE, read_message, write_message
from engine.edge.parts import CARDS, CODES, PICTURES
from engine.files import write_whole


@dataclass(frozen=True)
class Synced:
    """What a sync did: events that arrived, were left out with a reason, wait; cases that went; a bundle's release."""

    arrived: int = 0
    left_out: tuple[str, ...] = ()
    waiting: int = 0
    gone: int = 0
    installed: str = ""


def sync(home: Path, folder: Path) -> Synced:
    """Exchange with a folder; CasebindError where what lies there is not the hospital's for this device."""
    room_beside(home)  # so that nothing that an interrupted sync left keeps a withdrawn case
    device, outbox = open_device(home), Outbox(home)
    key = signed.device_key(home / KEY)
    arrived, left_out, gone, installed = 0, (), 0, ""
    bundle = folder / TO_DEVICE / BUNDLE
    if bundle.is_dir() and signed.opened(bundle, key)["made_at"] > device.manifest["made_at"]:
        installed = str(install(bundle, None, home)["release"])
    file = folder / TO_DEVICE / NEWS
    if file.is_file():
        news = read_message(file, key)
        arrived = outbox.arrived(news["received"])
        left_out = tuple(reason for reason in news["received"].values() if reason)
        gone = take_news(home, key, news)
    device, events = open_device(home), outbox.events()
    holds = [card["study_id"] for card in device.cards]
    said = {"device": device.manifest["device"], "holds": holds, "release": device.release, "events": events}
    write_message(folder / FROM_DEVICE / f"{device.manifest['device']}{ENDING}", said, key)
    return Synced(arrived, left_out, len(events), gone, installed)


def take_news(home: Path, key: bytes, news: dict[str, Any]) -> int:
    """Drop the cases that are gone, and let the others be shown for longer; return how many went.

    The bundle is written anew beside the old one, signed with the device's key, and takes its place whole.
    """
    device = open_device(home)
    if news["as_of"] <= device.manifest.get("news", device.manifest["made_at"]):
        return 0
    gone = set(news["gone"])
    keep = [i for i, card in enumerate(device.cards) if card["study_id"] not in gone]
    cards = [{**device.cards[i], "valid_until": news["valid_until"]} for i in keep]
    partial = room_beside(home)
    shutil.copytree(device.folder, partial)
    write_whole(partial / CARDS, json.dumps(cards, ensure_ascii=False) + "\n")
    np.save(partial / CODES, device.codes[keep])
    with np.load(device.folder / PICTURES) as pictures:
        kept = {name: pictures[name] for name in pictures.files if name not in gone}
    np.savez_compressed(partial / PICTURES, allow_pickle=False, **kept)
    said = {name: value for name, value in device.manifest.items() if name not in ("format", "parts")}
    signed.seal(partial, {**said, "news": news["as_of"], "serving": news["serving"]}, key)
    put_in_place(home)
    return len(device.cards) - len(cards)
