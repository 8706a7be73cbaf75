"""The release that ships: the newest in data/models, which a workspace without rounds is served by."""

from engine.model.release import releases

SHIPPED = releases()[-1].name
