// The bar of buttons over a picture: each with an icon, a name, and the key that does the same.

import { element, icon, isTyped, set } from "./elements.js";

/**
 * Return a button. pressed : null for one that acts, else whether it is on.
 * act(byKey) : byKey where it was pressed by the keyboard, so that focus may follow
 */
export function makeButton({ name, iconName, key = "", pressed = null, act, label = "" }) {
  const said = key ? `${name} (${key})` : name;
  const button = element(
    "button",
    { type: "button", class: "tool", "aria-label": name, title: said, "aria-keyshortcuts": key || null },
    icon(iconName),
  );
  if (label) button.append(element("span", { class: "label" }, label));
  button.addEventListener("click", (event) => act(event.detail === 0));
  button.press = (on) => set(button, { "aria-pressed": on === null ? null : String(on) });
  button.press(pressed);
  return button;
}

/** Return buttons that belong together, as a named group. */
export function makeGroup(name, ...buttons) {
  return element("div", { class: "tools", role: "group", "aria-label": name }, ...buttons);
}

/** Mark a part of a bar that waits behind the button for more where there is little room, and return it. */
export function extra(part) {
  part.classList.add("extra");
  return part;
}

/** Mark a part that waits there already where a whole bar would stand in two lines, and return it. */
export function rare(part) {
  part.classList.add("rare");
  return extra(part);
}

/** Return the button that shows the further parts of a bar where there is little room, or puts them away. */
export function moreButton(bar, name) {
  const button = makeButton({ name, iconName: "more_horiz", pressed: false, act: () => button.press(bar.toggleAttribute("data-open")) });
  button.classList.add("more");
  return button;
}

/**
 * Call the action of a key wherever the focus is on the page, but in a box that is written in or over a dialog.
 * actions : key as KeyboardEvent.key says it (letters in capitals) → function. Return what stops it.
 */
export function followKeys(actions) {
  function down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyped(event)) return;
    if (document.querySelector("[role=dialog]")) return;
    const act = actions[event.key.length === 1 ? event.key.toUpperCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
  document.addEventListener("keydown", down);
  return () => document.removeEventListener("keydown", down);
}
