// The bar over the paper: what is shown, how fast, how tall, in which layout, and the tools.

import { element, isTyped, set } from "../common/elements.js";
import { toggleFullScreen } from "../common/mounting.js";
import { extra, makeButton, makeGroup, moreButton, rare } from "../common/toolbar.js";

const ZOOM_STEP = 1.25;
const ZOOMS = [0.5, 8];

/** Return buttons of which one is pressed. options : [[value, label, name]] */
function choice(name, options, act) {
  const buttons = options.map(([value, label, said]) => {
    const button = element("button", { type: "button", class: "tool choice", "aria-label": said, title: said }, label);
    button.addEventListener("click", () => act(value));
    return [value, button];
  });
  const group = makeGroup(name, ...buttons.map(([, button]) => button));
  group.prepend(element("span", { class: "caption", "aria-hidden": "true" }, name));
  group.press = (value) => buttons.forEach(([own, button]) => set(button, { "aria-pressed": String(own === value) }));
  return group;
}

export class TraceBar {
  constructor(viewer) {
    this.viewer = viewer;
    const { data } = viewer;
    this.root = element("div", { class: "bar", role: "toolbar", "aria-label": data.words.bar });
    this.groups = {};
    if (data.pulse) this.choose("span", data.words.span, data.spans.map((s) => [s, `${s}`, `${s} ${data.words.seconds}`]));
    else this.paperChoices(data);
    this.tools(data.words);
    this.show();
  }

  choose(field, name, options) {
    this.groups[field] = extra(choice(name, options, (value) => this.viewer.set(field, value)));
    this.root.append(this.groups[field]);
  }

  paperChoices(data) {
    const { words } = data;
    if (data.complexes) {
      this.choose("view", words.view, [["strip", words.strip, words.strip_said], ["beats", words.beats, words.beats_said]]);
    }
    const numbers = (values, unit) => values.map((one) => [one, `${one}`, `${one} ${unit}`]);
    this.choose("speed", words.speed, numbers(data.speeds, words.mm_s));
    this.choose("gain", words.gain, numbers(data.gains, words.mm_mv));
    const options = Object.entries(data.layouts).map(([key, name]) => element("option", { value: key }, name));
    this.layout = element("select", { class: "layout", "aria-label": words.layout, title: words.layout }, ...options);
    this.layout.addEventListener("change", () => this.viewer.set("layout", this.layout.value));
    if (options.length > 1) this.root.append(this.layout);
  }

  tools(words) {
    const { viewer } = this;
    // by mouse or finger the tool is taken, by key its shape is put down
    const tool = (kind, iconName, key) =>
      makeButton({ name: words[`${kind}_add`], iconName, key, pressed: false, act: (byKey) => (byKey ? viewer.put(kind) : viewer.take(kind)) });
    const act = {
      caliper: makeButton({ name: words.add, iconName: "straighten", key: "K", label: words.caliper, act: () => viewer.put("caliper") }),
      stretch: tool("stretch", "arrow_range", "E"),
      text: tool("text", "title", "H"),
      march: makeButton({ name: words.march, iconName: "view_week", key: "B", pressed: false, act: () => viewer.march() }),
      snap: makeButton({ name: words.snap, iconName: "align_justify_center", key: "V", pressed: false, act: () => viewer.set("snap", !viewer.state.snap) }),
      clear: makeButton({ name: words.clear, iconName: "delete", act: () => viewer.clear() }),
    };
    this.buttons = act;
    this.root.append(makeGroup(words.annotations, ...Object.values(act)));
    if (!viewer.data.pulse) {
      this.root.append(
        rare(makeGroup(
          words.zoom,
          makeButton({ name: words.zoom_out, iconName: "zoom_out", key: "-", act: () => this.zoom(1 / ZOOM_STEP) }),
          makeButton({ name: words.zoom_fit, iconName: "fit_screen", key: "0", act: () => viewer.set("zoom", 1) }),
          makeButton({ name: words.zoom_in, iconName: "zoom_in", key: "+", act: () => this.zoom(ZOOM_STEP) }),
        )),
      );
    }
    const full = makeButton({ name: words.full, iconName: "fullscreen", act: () => toggleFullScreen(viewer.host) });
    this.root.append(makeGroup(words.screen, full, moreButton(this.root, words.more)));
  }

  zoom(factor) {
    this.viewer.set("zoom", Math.min(Math.max(this.viewer.state.zoom * factor, ZOOMS[0]), ZOOMS[1]));
  }

  show() {
    const { state } = this.viewer;
    for (const [field, group] of Object.entries(this.groups)) group.press(field === "speed" ? state.speeds[state.view] : state[field]);
    if (this.layout) {
      if (this.layout.value !== state.layout) this.layout.value = state.layout;
      set(this.layout, { disabled: state.view === "beats" });
    }
    this.buttons.snap.press(state.snap);
    const chosen = state.drawn.find((one) => one.id === state.chosen);
    this.buttons.march.press(Boolean(chosen?.march));
    set(this.buttons.march, { disabled: chosen?.kind !== "caliper" });
    set(this.buttons.clear, { disabled: state.drawn.length === 0 });
    for (const kind of ["stretch", "text"]) {
      this.buttons[kind].press(state.tool === kind);
      set(this.buttons[kind], { disabled: state.view === "beats" }); // a median beat has no time of the recording
    }
  }

  /** Act on a key while the focus is in the viewer. */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyped(event)) return;
    const { viewer } = this;
    const act = {
      K: () => viewer.put("caliper"), E: () => viewer.put("stretch"), H: () => viewer.put("text"), B: () => viewer.march(), V: () => viewer.set("snap", !viewer.state.snap),
      0: () => viewer.set("zoom", 1), "+": () => this.zoom(ZOOM_STEP), "=": () => this.zoom(ZOOM_STEP), "-": () => this.zoom(1 / ZOOM_STEP),
      G: () => this.next("gain", viewer.data.gains), P: () => this.next("speed", viewer.data.speeds), Y: () => this.nextLayout(),
    }[event.key.length === 1 ? event.key.toUpperCase() : event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  next(field, values) {
    const { state } = this.viewer;
    const at = values.indexOf(field === "speed" ? state.speeds[state.view] : state[field]);
    if (!this.viewer.data.pulse) this.viewer.set(field, values[(at + 1) % values.length]);
  }

  nextLayout() {
    const keys = Object.keys(this.viewer.data.layouts ?? {});
    if (keys.length) this.viewer.set("layout", keys[(keys.indexOf(this.viewer.state.layout) + 1) % keys.length]);
  }
}
