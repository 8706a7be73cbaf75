// Mouse, pen and fingers on one element: drags, pinches, the wheel, taps.

const STILL_PX = 4; // a press that moves less is a tap
const WHEEL_PX_PER_LINE = 30;
const ZOOM_PER_PX = 0.0016;

/**
 * Call the handlers that are there, with places in CSS pixels from the element's upper left corner:
 *   start({x, y, button, shift, touch})  a press with one pointer; button 0 left, 1 middle, 2 right
 *   drag({x, y, dx, dy, …})              it moves; dx and dy since the last call
 *   end({x, y, tapped, …})               it is let go; tapped where it has hardly moved
 *   cancel()                             a second finger has come: the drag does not count
 *   pinch({x, y, dx, dy, factor})        two fingers; x and y between them
 *   wheel({x, y, factor, dx, dy, shift}) factor > 1 zooms in
 *   hover({x, y}), leave()               a mouse or pen moves over the element with nothing pressed
 * Return what stops it.
 */
export function followPointers(target, handlers) {
  const pressed = new Map();
  let first = null;
  const call = (name, ...given) => handlers[name]?.(...given);

  function at(event) {
    const box = target.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function middle() {
    const [one, other] = [...pressed.values()];
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, apart: Math.hypot(one.x - other.x, one.y - other.y) };
  }

  function down(event) {
    if (pressed.size === 0 && event.button > 2) return;
    event.preventDefault();
    target.setPointerCapture(event.pointerId);
    const place = at(event);
    pressed.set(event.pointerId, place);
    if (pressed.size === 1) {
      const touch = event.pointerType === "touch";
      first = { ...place, button: event.button, shift: event.shiftKey, touch, startX: place.x, startY: place.y, far: 0 };
      call("start", first);
    } else if (first) {
      first = null;
      call("cancel");
    }
  }

  function move(event) {
    const place = at(event);
    if (!pressed.has(event.pointerId)) {
      if (event.pointerType !== "touch") call("hover", place);
      return;
    }
    if (pressed.size === 2) {
      const before = middle();
      pressed.set(event.pointerId, place);
      const now = middle();
      const factor = before.apart > 0 ? now.apart / before.apart : 1;
      call("pinch", { x: now.x, y: now.y, dx: now.x - before.x, dy: now.y - before.y, factor });
    } else if (first && pressed.size === 1) {
      pressed.set(event.pointerId, place);
      const far = Math.max(first.far, Math.hypot(place.x - first.startX, place.y - first.startY));
      first = { ...first, ...place, far, dx: place.x - first.x, dy: place.y - first.y, shift: event.shiftKey };
      call("drag", first);
    }
  }

  function up(event) {
    if (!pressed.delete(event.pointerId) || !first) return;
    const ended = { ...first, tapped: first.far < STILL_PX };
    first = null;
    if (event.type === "pointercancel") call("cancel");
    else call("end", ended);
  }

  function wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === 0 ? 1 : WHEEL_PX_PER_LINE;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const factor = Math.exp(-dy * ZOOM_PER_PX * (event.ctrlKey ? 5 : 1)); // a trackpad's pinch comes in small steps
    call("wheel", { ...at(event), factor, dx, dy, shift: event.shiftKey });
  }

  const listeners = {
    pointerdown: down,
    pointermove: move,
    pointerup: up,
    pointercancel: up,
    pointerleave: () => call("leave"),
    contextmenu: (event) => event.preventDefault(),
    wheel,
  };
  for (const [name, listener] of Object.entries(listeners)) target.addEventListener(name, listener, { passive: false });
  return () => Object.entries(listeners).forEach(([name, listener]) => target.removeEventListener(name, listener));
}
