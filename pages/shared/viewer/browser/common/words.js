// The box in which an annotation's words are written.

import { element, icon } from "./elements.js";

const MOST_LETTERS = 200;

/** Return a box for the words of an item. item : {text}; written() : they have changed; name, placeholder : of the box */
export function wordsBox(item, { written, name, placeholder }) {
  const box = element("input", { type: "text", class: "words", maxlength: MOST_LETTERS, "aria-label": name, placeholder });
  box.value = item.text;
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") {
      if (event.key === "Escape") box.value = item.text;
      box.blur();
    }
  });
  box.addEventListener("blur", () => {
    if (box.value === item.text) return;
    item.text = box.value;
    written();
  });
  for (const event of ["pointerdown", "keyup"]) box.addEventListener(event, (happened) => happened.stopPropagation());
  return box;
}

/** Open a box on a picture at a place of it; left() is called once it is left. screen : {width, height} of the picture */
export function askOn(picture, box, [x, y], screen, left) {
  const style = `left:${Math.max(4, Math.min(x, screen.width - 190))}px;top:${Math.max(4, Math.min(y, screen.height - 40))}px`;
  const frame = element("div", { class: "ask", style }, icon("edit"), box);
  picture.append(frame);
  box.addEventListener("blur", () => {
    frame.remove();
    left();
  });
  requestAnimationFrame(() => box.focus());
}
