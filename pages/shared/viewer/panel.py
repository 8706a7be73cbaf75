"""What a viewer draws: one study with its overlay, or two beside each other."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from engine.drawing.film import stamp_of
from engine.study import Study

HEIGHT = "82vh"  # of a viewer, a CSS length
_SALT = secrets.token_bytes(16)  # of this process: what stands for an anonymous study cannot be looked up elsewhere


@dataclass(frozen=True, eq=False)
class Panel:
    """One study in a viewer.

    title   : words over it, "" for none
    overlay : signed map in -1..1, (h, w) of a film or (leads, n) over the whole trace; None for none
    opacity : of the overlay, 0..1
    overlay_text : the overlay in words, or why there is none; then it stands grey on the picture
    anonymous : nothing that names a label, file, cohort or view, no overlay, and no rate that the app measured
    shortcuts : whether the controls have keys; a screen with keys of its own wants none
    study_id : the study or stored query that annotations are saved with; "" keeps them in the session
    """

    study: Study
    title: str = ""
    overlay: np.ndarray | None = None
    opacity: float = 0.75
    overlay_text: str = ""
    anonymous: bool = False
    shortcuts: bool = True
    study_id: str = ""

    @property
    def stamp(self) -> str:
        """The word that marks a synthetic study; "" for a recording. It is never left out."""
        return stamp_of(self.study.facts)

    @property
    def heading(self) -> str:
        """Title and mark of a synthetic study, for a chart; "" where there is neither."""
        return "  ".join(part for part in (f"<b>{self.title}</b>" if self.title else "", self.stamp) if part)

    def described(self, alternative: str) -> str:
        """Return what stands for the picture, and for the map over it or why there is none."""
        return f"{alternative} {self.overlay_text}".strip()

    @property
    def token(self) -> str:
        """A name of the content for caches and for the zoom that belongs to it."""
        known = (self.study.fingerprint or repr(id(self.study.content))).encode()
        if self.anonymous:
            return sha256(_SALT + known).hexdigest()
        return self.study.fingerprint or sha256(known).hexdigest()


@dataclass(frozen=True)
class Frame:
    """Where a viewer's panels stand.

    key    : of the viewer's controls in the session
    linked : whether two panels zoom and pan together
    height : of the viewer, a CSS length
    """

    key: str
    linked: bool = True
    height: str = HEIGHT
