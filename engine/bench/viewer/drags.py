"""What is done to a viewer while its frames are counted: a real mouse, and the peer as JavaScript in the page."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import CasebindError

if TYPE_CHECKING:
    from playwright.async_api import Page as Tab

SAVED_MS = 2000  # until what was put down or moved is saved, which asks the server
FRAMES = "one => one.frames"  # what a viewer has drawn, which it counts itself


WHEEL = {"": (0, 0), "zoom": (0, -40), "scroll": (40, 0)}  # pixels of one step of the wheel, across and down
TURN = 30  # steps of the wheel before it goes back


@dataclass(frozen=True)
class Drag:
    """One movement.

    buttons : of the viewer, pressed first
    placed  : the tool whose shape is put on the picture by a key before that; "" for none
    wheel   : which way the wheel turns over it; "" where it is dragged
    """

    name: str
    selector: str
    buttons: tuple[str, ...] = ()
    placed: str = ""
    wheel: str = ""


async def dragged(tab: Tab, drag: Drag, seconds: float) -> dict[str, float]:
    """Move for so long; return frames and seconds. CasebindError where there is nothing to drag."""
    host, target = tab.locator(".host").first, tab.locator(drag.selector).first
    box = await target.bounding_box()
    if box is None:
        raise CasebindError(f"The viewer has nothing to drag for '{drag.name}' ({drag.selector}).")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await tab.mouse.move(x, y)
    if not drag.wheel:
        await tab.mouse.down()
    before, begun, step = await host.evaluate(FRAMES), time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        step += 1
        if drag.wheel:
            across, down = WHEEL[drag.wheel]
            sign = 1 if step % (2 * TURN) < TURN else -1
            await tab.mouse.wheel(sign * across, sign * down)
        else:
            await tab.mouse.move(x + 60 * math.sin(step / 9), y + 40 * math.sin(step / 13))
    took, frames = time.monotonic() - begun, await host.evaluate(FRAMES) - before
    return {"frames": frames, "seconds": took}


async def prepared(tab: Tab, drag: Drag) -> None:
    """Put down what is dragged and wait until it is saved, then press the buttons and wait until they have drawn."""
    if drag.placed:
        await tab.locator(f".tool[aria-label^='{drag.placed}']").first.focus()
        await tab.keyboard.press("Enter")
        await tab.locator(drag.selector).first.wait_for(state="attached")
        await tab.wait_for_timeout(SAVED_MS)
    for name in drag.buttons:
        await tab.locator(f".tool[aria-label^='{name}']").first.click()
    await tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


# The plain way: every pixel of the film through the window and onto a canvas of its own size, every frame.
PLAIN = """async ({width, height, seconds}) => {
  const greys = Uint16Array.from({length: width * height}, (_, i) => (i * 40503) & 65535);
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  canvas.style.cssText = 'position: fixed; inset: 0; width: 700px; height: 700px; z-index: 9999';
  document.body.append(canvas);
  const context = canvas.getContext('2d', {alpha: false});
  const picture = context.createImageData(width, height), pixels = new Uint32Array(picture.data.buffer);
  const begun = performance.now();
  let frames = 0;
  for (; performance.now() - begun < seconds * 1000; frames += 1) {
    const low = 2000 + 100 * (frames % 20), scale = 255 / 30000;
    for (let i = 0; i < pixels.length; i += 1) {
      const grey = Math.min(Math.max((greys[i] - low) * scale, 0), 255) | 0;
      pixels[i] = 0xff000000 | grey << 16 | grey << 8 | grey;
    }
    context.putImageData(picture, 0, 0);
    await new Promise(done => requestAnimationFrame(done));
  }
  const took = (performance.now() - begun) / 1000;
  canvas.remove();
  return {frames, seconds: took};
}"""
