"""Intake: bytes → a de-identified Study.

`read` takes dropped files, `read_paths` files on disk, `read_text` a typed finding; the quality gate is in
`engine.intake.quality`. Nothing is stored here, and no format's library is imported before a file of it arrives.
"""

from engine.intake.paths import read_paths
from engine.intake.pseudonyms import pseudonym
from engine.intake.read import read, read_text
from engine.intake.upload import Answers, Upload
from engine.signals import resample

__all__ = ["Answers", "Upload", "pseudonym", "read", "read_paths", "read_text", "resample"]
