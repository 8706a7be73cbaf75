// The bar of the film viewer.

import { element } from "../common/elements.js";
import { toggleFullScreen } from "../common/mounting.js";
import { extra, makeButton, makeGroup, moreButton, rare } from "../common/toolbar.js";

const TOOLS = { window: "contrast", pan: "pan_tool", magnify: "zoom_in" };
const MEASURES = { ruler: "straighten", ctr: "width_normal", angle: "square_foot", arrow: "arrow_outward", region: "gesture", text: "title" };
const RARE = ["quarter", "mirror", "zoom_in", "zoom_out"]; // behind one button where there is little room
const ACTIONS = {
  invert: "invert_colors", quarter: "rotate_90_degrees_cw", mirror: "flip", zoom_in: "add", zoom_out: "remove", fit: "fit_screen",
};

/** viewer: of film.js, whose methods the buttons call */
export class FilmBar {
  constructor(viewer) {
    this.viewer = viewer;
    const { words, keys } = viewer.data;
    this.words = words;
    this.buttons = {};
    const tool = (name, iconName) =>
      this.button(name, iconName, false, (byKey) => viewer.choose(viewer.state.tool === name ? viewer.usual : name, byKey));
    const action = (name, iconName) => this.button(name, iconName, name === "invert" ? false : null, () => this.act(name));
    this.windows = element("select", { class: "windows", "aria-label": words.window_name, title: words.window_help });
    for (const name of [...Object.keys(viewer.data.panels[0].windows), "own"]) {
      const key = keys[`window_${name}`];
      this.windows.append(element("option", { value: name, disabled: name === "own" }, words.window[name] + (key ? ` (${key})` : "")));
    }
    this.windows.addEventListener("change", () => viewer.setWindow(this.windows.value));
    this.hinted = element("span", { class: "hint", role: "status" });
    const screen = makeGroup(words.screen, this.button("full", "fullscreen", null, () => toggleFullScreen(viewer.host)));
    const entries = (names, make) => Object.entries(names).map(([name, iconName]) => make(name, iconName));
    this.root = element(
      "div",
      { class: "bar", role: "toolbar", "aria-label": words.bar },
      makeGroup(words.look, ...entries(TOOLS, tool), this.windows, ...entries(ACTIONS, action)),
      extra(makeGroup(words.measure, ...entries(MEASURES, tool))),
      extra(makeGroup(words.drawings, viewer.list.button, viewer.list.eye)),
      screen,
      this.hinted,
      viewer.list.state,
    );
    screen.append(moreButton(this.root, words.more));
    RARE.forEach((name) => rare(this.buttons[name]));
  }

  button(name, iconName, pressed, act) {
    const { words, keys } = this.viewer.data;
    this.buttons[name] = makeButton({ name: words.tool[name], iconName, key: keys[name], pressed, act });
    return this.buttons[name];
  }

  act(name) {
    const { viewer } = this;
    const doing = {
      invert: () => viewer.invert(),
      quarter: () => viewer.quarter(),
      mirror: () => viewer.mirror(),
      zoom_in: () => viewer.zoom(1),
      zoom_out: () => viewer.zoom(-1),
      fit: () => viewer.reset(),
    };
    doing[name]();
  }

  /** Return what each key does. */
  actions() {
    const { keys, panels } = this.viewer.data;
    const found = {};
    for (const [name, button] of Object.entries(this.buttons)) if (keys[name]) found[keys[name]] = () => button.click();
    for (const name of Object.keys(panels[0].windows)) {
      const key = keys[`window_${name}`];
      if (key) found[key] = () => this.viewer.setWindow(name);
    }
    return found;
  }

  hint(name) {
    this.hinted.textContent = name ? this.words.hint[name] : "";
  }

  show() {
    const { state, panels, active } = this.viewer;
    for (const name of [...Object.keys(TOOLS), ...Object.keys(MEASURES)]) this.buttons[name].press(state.tool === name);
    this.buttons.invert.press(panels[active].state.inverted);
    this.windows.value = panels[active].state.window.name || "own";
  }
}
