// Points that can be dragged by mouse, pen and finger, and moved by the arrow keys.

import { set, svgElement } from "./elements.js";

const DOT_PX = 5;
const HIT_PX = 13; // a target of 26 pixels (WCAG 2.2, 2.5.8)
const HIT_TOUCH_PX = 24;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MANY = 10; // steps with Shift

/**
 * Return a handle for an SVG drawing.
 *
 * name           : what it is called aloud
 * drag([x, y])   : to a place in pixels of the drawing
 * step([dx, dy]) : by arrow keys, in steps of one, or of ten with Shift, along the screen
 * done()         : let go, or the key is up
 * remove()       : Delete or Backspace
 * chosen()       : it has the focus
 * The handle's `place(x, y)` moves it on the screen, `name` renames it.
 */
export function makeHandle({ name, drag, step, done, remove, chosen }) {
  const hit = matchMedia("(pointer: coarse)").matches ? HIT_TOUCH_PX : HIT_PX;
  const group = svgElement(
    "g",
    { class: "handle", tabindex: 0, role: "button", "aria-label": name },
    svgElement("circle", { class: "hit", r: hit }),
    svgElement("circle", { class: "dot", r: DOT_PX }),
  );
  let held = null; // from the pointer to the handle's middle, so that it does not jump
  let at = [0, 0];
  let moved = false;

  const placeOf = (event) => {
    const box = group.ownerSVGElement.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  group.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.preventDefault();
    group.focus({ preventScroll: true });
    group.setPointerCapture(event.pointerId);
    const [x, y] = placeOf(event);
    held = [at[0] - x, at[1] - y];
  });
  group.addEventListener("pointermove", (event) => {
    if (!held) return;
    event.stopPropagation();
    const [x, y] = placeOf(event);
    moved = true;
    drag([x + held[0], y + held[1]]);
  });
  const released = (event) => {
    if (!held) return;
    event.stopPropagation();
    held = null;
    if (moved) done();
    moved = false;
  };
  group.addEventListener("pointerup", released);
  group.addEventListener("pointercancel", released);
  group.addEventListener("keydown", (event) => {
    const by = STEPS[event.key];
    if (by && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const many = event.shiftKey ? MANY : 1;
      moved = true;
      step([by[0] * many, by[1] * many]);
    } else if (event.key === "Delete" || event.key === "Backspace") remove();
    else if (event.key === "Escape") group.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  group.addEventListener("keyup", (event) => {
    if (!STEPS[event.key] || !moved) return;
    moved = false;
    done();
  });
  group.addEventListener("focus", () => chosen?.());

  group.place = (x, y) => {
    at = [x, y];
    set(group, { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})` });
  };
  group.rename = (words) => set(group, { "aria-label": words });
  return group;
}
