// Elements of HTML and SVG, and the icons of the toolbar.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element with attributes (null and false are left out; functions listen) and children. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Return an element of SVG, as `element` does. */
export function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Change attributes of an element; null and false take one away. */
export function set(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const words = value === null || value === false ? null : value === true ? "" : String(value);
    if (target.getAttribute(name) === words) continue; // the browser would lay the page out anew for the same value
    if (words === null) target.removeAttribute(name);
    else target.setAttribute(name, words);
  }
  return target;
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else set(made, { [name]: value });
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Return an icon of the font that the app brings, by its name; it is not read aloud. */
export function icon(name) {
  return element("span", { class: "icon", "aria-hidden": "true", translate: "no" }, name);
}

/** Return words with {name} replaced by values. */
export function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Return whether a key event belongs to a box that is written in. */
export function isTyped(event) {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
