/* What one browser window keeps of the app: one history entry a press, the place in every page, the keys of a card,
   the list of keys, and words for screen readers. No message to the server is sent from here.

   Python hands over {words, streamlit, keys, screens, screen, token, announcement, focus, group}; see pages/shared/frame.py. */

const MAIN = "[data-testid=stMain]";
const CARD = "[class*='st-key-card-']";
const FIRST_CARD = `${CARD}[data-first]`;
const PICTURES = ".st-key-compare-pictures";
const STORED = "casebind-places";
const MOST_PLACES = 60;
const PATIENCE_MS = 15000; // for so long a page that has come to rest may lack its place before it is given up
const CALM_FRAMES = 20; // in which nothing moved before a place counts as reached
const PLACEHOLDER = "[data-testid=stSkeleton]"; // stands where a button will, until its code has been loaded
const BUTTON = "[data-testid=stButton]";
const TRIES = 10; // of an early key, a tenth of a second apart
const PRESSED_BY_ENTER = "button, a[href], summary, select, [role=tab], [role=option], [role=menuitem]";
const WRITTEN_IN = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true]";

const here = () => location.pathname + location.search;
const running = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "notRunning";
const idle = () => !document.activeElement || document.activeElement === document.body;
const keyOf = (element) => [...(element?.classList ?? [])].find((name) => name.startsWith("st-key-"));
const buttonsToCome = () => document.querySelector(PLACEHOLDER) && !document.querySelector(BUTTON);
const controlOf = (event) => event.composedPath()[0].closest?.(PRESSED_BY_ENTER) ?? null; // also in a component of its own
const byKey = (key) => (key ? document.querySelector(`.${CSS.escape(key)}`) : null);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

class Frame {
  constructor() {
    this.data = {};
    this.words = new StreamlitWords();
    this.token = null;
    this.presses = 0; // of the user, since the window was opened
    this.pushedAt = -1; // the press whose history entry stands already
    this.path = location.pathname;
    this.places = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
    this.search = 0; // number of the present search for a place; an older one ends
    this.early = 0; // number of the last key that came before the buttons; an older one is given up
    this.status = element("div", { role: "status", "aria-live": "polite", class: "unseen" });
    document.body.append(this.status);
    this.keepOneEntryAPress();
    this.listen();
    new MutationObserver(() => this.soon()).observe(document.body, { childList: true, subtree: true });
    this.describe();
    const [loaded] = performance.getEntriesByType("navigation");
    if (loaded?.type === "reload" || loaded?.type === "back_forward") this.restore();
  }

  /* History: what one press changes (address, then page) is one entry, and what no press asked for is none. */

  keepOneEntryAPress() {
    const push = history.pushState.bind(history);
    const replace = history.replaceState.bind(history);
    const arrived = (then) => {
      const before = this.path;
      this.path = location.pathname;
      then(before !== this.path);
    };
    history.pushState = (state, title, address) => {
      if (this.pushedAt === this.presses) replace(state, title, address);
      else push(state, title, address);
      this.pushedAt = this.presses;
      arrived((moved) => {
        if (moved) this.restore();
        else if (document.querySelector(PICTURES)) this.seek(0); // another case is opened
      });
    };
    window.addEventListener("popstate", () => {
      this.presses += 1;
      this.pushedAt = this.presses; // what the app corrects in an address of the past makes no new entry
      arrived(() => this.restore());
    });
  }

  listen() {
    const pressed = () => {
      this.presses += 1;
      this.giveUp();
      this.remember();
    };
    window.addEventListener("pointerdown", () => (this.early += 1), true);
    for (const name of ["pointerdown", "click", "drop", "change"]) window.addEventListener(name, pressed, true);
    window.addEventListener("keydown", (event) => this.onKey(event, pressed), true);
    window.addEventListener("pointerdown", (event) => (this.clicked = controlOf(event)), true);
    document.body.addEventListener("keydown", (event) => this.onEnter(event));
    for (const name of ["wheel", "touchmove"]) {
      window.addEventListener(name, () => this.giveUp(), { capture: true, passive: true });
    }
    window.addEventListener("scroll", () => this.onScroll(), { capture: true, passive: true });
    window.addEventListener("pagehide", () => this.restoring || this.remember());
    window.addEventListener("click", (event) => this.onClick(event));
    window.addEventListener("resize", () => this.soon());
  }

  /* Places: where a page was scrolled to and what had the focus, by its address. */

  remember() {
    const main = document.querySelector(MAIN);
    if (!main) return;
    const active = document.activeElement;
    const keyed = active?.closest?.(CARD) ?? active?.closest?.("[class*='st-key-']");
    delete this.places[here()];
    this.places[here()] = { top: main.scrollTop, key: keyOf(keyed) };
    const addresses = Object.keys(this.places);
    for (const old of addresses.slice(0, addresses.length - MOST_PLACES)) delete this.places[old];
    sessionStorage.setItem(STORED, JSON.stringify(this.places));
  }

  onScroll() {
    clearTimeout(this.scrolled);
    const address = here();
    this.scrolled = setTimeout(() => {
      if (address === here() && !running() && !this.restoring) this.remember();
    }, 150);
  }

  restore() {
    const place = this.places[here()];
    this.wanted = "";
    this.seek(place?.top ?? 0, place?.key);
  }

  /* Scroll to a place and focus its element as soon as the page has them, unless the user does something else. */
  seek(top, key) {
    const search = ++this.search;
    let until = performance.now() + PATIENCE_MS;
    let calm = 0;
    this.restoring = true;
    const step = () => {
      const main = document.querySelector(MAIN);
      if (search !== this.search) return;
      if (running()) until = performance.now() + PATIENCE_MS; // a busy server may take as long as it needs
      if (performance.now() > until || !main) {
        this.restoring = false;
        return;
      }
      if (top !== null && Math.abs(main.scrollTop - top) > 1) {
        main.scrollTop = top;
        calm = 0;
      }
      const wanted = key ?? this.wanted;
      const target = byKey(wanted);
      if (target && idle() && this.focus(target)) top = null;
      const going = wanted && document.activeElement?.closest("[data-stale=true]"); // what was pressed and is about to go
      calm = running() || going || (wanted && !target) ? 0 : calm + 1;
      if (calm < CALM_FRAMES) requestAnimationFrame(step);
      else this.restoring = false;
    };
    requestAnimationFrame(step);
  }

  /* The user does something else: where the page stands from now on is its place. */
  giveUp() {
    this.search += 1;
    this.restoring = false;
  }

  /* Return whether the page was scrolled to it, as to a field that is written in. */
  focus(target) {
    const asked = Boolean(this.wanted) && keyOf(target) === this.wanted;
    if (asked && this.data.group) for (const [name, value] of [["role", "group"], ["aria-label", this.data.group]]) target.setAttribute(name, value);
    const own = target.matches(`${CARD}, ${PICTURES}, [role=group], button, a[href], h1`) ? target : null;
    const one = own ?? target.querySelector(`${asked ? "input, " : ""}h1, button:not(:disabled), a[href]`) ?? target;
    if (!one.matches("button, a[href], input, [tabindex]")) one.tabIndex = -1;
    one.focus({ preventScroll: true });
    const written = one.matches("input");
    if (written) one.scrollIntoView({ block: "nearest" });
    return written;
  }

  /* Clicks: a link within the page moves to its section, a picture of a card opens the card. */

  onClick(event) {
    const link = event.target.closest?.(`${MAIN} a[href^='#']`);
    const section = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (section) {
      event.preventDefault();
      section.scrollIntoView({ block: "start" });
      this.focus(section);
    }
    if (event.target.matches?.(`${CARD} img`)) this.press(event.target.closest(CARD), "open-");
    const choice = event.target.closest?.("[role=radiogroup], [data-testid=stButtonGroup], [data-testid=stRadio]");
    if (choice && event.detail > 0) setTimeout(() => document.activeElement?.blur()); // arrows go on to the next case
  }

  press(card, prefix, index = 0) {
    card?.querySelectorAll(`[class*='st-key-${prefix}'] button`)[index]?.click();
  }

  /* Keys */

  onKey(event, pressed) {
    if (this.dialog?.open) {
      event.stopImmediatePropagation();
      if (event.key === "Escape" || event.key === "?") {
        event.preventDefault();
        this.dialog.close();
      }
      return;
    }
    const written = event.composedPath()[0].matches?.(WRITTEN_IN); // also inside a component of its own
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.isTrusted) this.early += 1;
    if (plain && !written && buttonsToCome()) {
      if (event.key.length === 1 || event.key === "Escape" || event.key.startsWith("Arrow")) this.keep(event.key);
      return;
    }
    if (!["Shift", "Control", "Alt", "Meta"].includes(event.key)) pressed();
    if (event.key === "?" && !written) this.show();
    else if (plain && event.target.matches?.(CARD)) this.onCardKey(event);
    else if (plain && !written) this.onPageKey(event);
  }

  /* A page that is loaded anew shows its pictures before its buttons: a key pressed then is pressed again once they
     stand, until one of them takes it. */
  keep(key) {
    const early = this.early;
    const until = performance.now() + PATIENCE_MS;
    let tries = 0;
    const step = () => {
      if (early !== this.early || tries > TRIES || performance.now() > until) return;
      if (!buttonsToCome() && this.repeat(key)) return;
      if (!buttonsToCome()) tries += 1;
      setTimeout(step, 100);
    };
    setTimeout(step, 100);
  }

  /* Press a key as the user does; return whether something took it. */
  repeat(key) {
    const given = { key, bubbles: true, cancelable: true, composed: true };
    const down = new KeyboardEvent("keydown", given);
    const target = document.activeElement ?? document.body;
    target.dispatchEvent(down);
    target.dispatchEvent(new KeyboardEvent("keyup", given));
    return down.defaultPrevented;
  }

  /* Enter presses what was reached by Tab, also in a viewer, and no button elsewhere that has Enter for its key. */
  onEnter(event) {
    const control = event.key === "Enter" && controlOf(event);
    if (control && control !== this.clicked) event.stopPropagation();
  }

  pressedBy(event) {
    return this.data.keys?.[event.key.length === 1 ? event.key.toUpperCase() : event.key] ?? [];
  }

  /* The key that opens a case opens the first one of the page while no card has the focus. */
  onPageKey(event) {
    const first = event.key.length === 1 && this.pressedBy(event)[0] === "open-" && document.querySelector(FIRST_CARD);
    if (!first || document.querySelector("[role=dialog]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.press(first, "open-");
  }

  onCardKey(event) {
    const card = event.target;
    const [prefix, index] = this.pressedBy(event);
    const next = this.beside(card, event.key);
    if (!prefix && !next) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (prefix) this.press(card, prefix, index);
    if (prefix === "mark-") this.sayMark(keyOf(card)); // its button has no focus that would say it
    if (next) next.focus();
  }

  sayMark(key) {
    const until = performance.now() + PATIENCE_MS;
    const look = () => {
      const card = byKey(key);
      if (card && !running()) {
        const mark = card.querySelector("[role=radio][aria-checked=true]")?.getAttribute("aria-label") ?? this.data.words.unmarked;
        this.announce(`${card.getAttribute("aria-label")}: ${mark}`);
      } else if (performance.now() < until) setTimeout(look, 100);
    };
    setTimeout(look, 300);
  }

  /* Return the card that an arrow leads to: the next in order, or the one above or below. */
  beside(card, key) {
    const cards = [...document.querySelectorAll(CARD)].filter((one) => one.offsetParent);
    const at = cards.indexOf(card);
    if (key === "ArrowLeft" || key === "ArrowRight") return cards[at + (key === "ArrowRight" ? 1 : -1)];
    if (key !== "ArrowUp" && key !== "ArrowDown") return null;
    const down = key === "ArrowDown";
    const from = card.getBoundingClientRect();
    const boxes = cards.map((one) => [one, one.getBoundingClientRect()]);
    const beyond = boxes.filter(([, box]) => (down ? box.top >= from.bottom - 4 : box.bottom <= from.top + 4));
    const far = ([, box]) => 10 * Math.abs(box.top - from.top) + Math.abs(box.left - from.left);
    return beyond.sort((a, b) => far(a) - far(b))[0]?.[0] ?? null;
  }

  /* The list of keys */

  show() {
    const { words, screens, screen } = this.data;
    this.dialog?.remove();
    const close = element("button", { type: "button" }, words.close);
    const ordered = [...screens].sort((a, b) => (b.name === screen) - (a.name === screen));
    const tables = ordered.map(({ title, rows }) => {
      const lines = rows.map(([key, what]) =>
        element("tr", {}, element("th", { scope: "row" }, element("kbd", {}, key)), element("td", {}, what)),
      );
      return element("table", {}, element("caption", {}, title), element("tbody", {}, ...lines));
    });
    this.dialog = element(
      "dialog",
      { class: "keys", "aria-labelledby": "keys-title" },
      element("header", {}, element("h2", { id: "keys-title" }, words.keys), close),
      element("div", { class: "tables", tabindex: "0" }, ...tables),
      element("p", {}, words.note),
    );
    close.onclick = () => this.dialog.close();
    (document.querySelector("[data-testid=stApp]") ?? document.body).append(this.dialog);
    this.dialog.showModal();
  }

  async share() {
    const { words } = this.data;
    let copied = true;
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      const field = element("textarea", { "aria-hidden": "true", class: "unseen" });
      field.value = location.href;
      document.body.append(field);
      field.select();
      copied = document.execCommand("copy");
      field.remove();
    }
    const said = copied ? words.copied : words.not_copied;
    this.announce(said);
    return said;
  }

  announce(words) {
    this.status.textContent = "";
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.status.textContent = words), 50);
  }

  /* What Streamlit leaves unsaid of what it draws. */

  soon() {
    this.planned ??= requestAnimationFrame(() => {
      this.planned = undefined;
      this.describe();
    });
  }

  describe() {
    // Where a page goes from its first level to the third, the third is heard as the second.
    let second = false;
    for (const heading of document.querySelectorAll("h1, h2, h3")) {
      if (heading.tagName !== "H3") second = heading.tagName === "H2";
      else if (second) heading.removeAttribute("aria-level");
      else heading.setAttribute("aria-level", "2");
    }
    // Words stand beside every icon, so its file's name ("radiology icon") is not read out.
    for (const icon of document.querySelectorAll("[role=img][aria-label$=' icon']:not([aria-hidden])")) {
      icon.setAttribute("aria-hidden", "true");
    }
    for (const drawing of document.querySelectorAll("[role=figure][aria-label] svg:not([aria-hidden])")) {
      drawing.setAttribute("aria-hidden", "true"); // the figure around it has a name
    }
    for (const one of document.querySelectorAll("[class*='st-key-heard-']:not([aria-live])")) {
      one.setAttribute("aria-live", "polite");
      if (this.presses) this.saysAnew(one);
    }
    for (const one of document.querySelectorAll("[class*='st-key-english-']:not([lang])")) one.lang = "en";
    // A table that is wider than the window is scrolled by keys too.
    for (const box of document.querySelectorAll("[data-testid=stTable], [data-testid=stTable] div")) {
      if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX === "auto") box.tabIndex = 0;
    }
    this.words.say();
  }

  /* A live region says what changes in it and not what it came with, so what it came with is put there once more. */
  saysAnew(region) {
    const walker = document.createTreeWalker(region, NodeFilter.SHOW_TEXT);
    const parts = [];
    while (walker.nextNode()) parts.push([walker.currentNode, walker.currentNode.data]);
    for (const [part] of parts) part.data = "";
    setTimeout(() => {
      for (const [part, words] of parts) part.data ||= words;
    }, 100);
  }

  /* What Python says: new words for screen readers, and where the focus goes when nothing else has it. */

  update(data) {
    this.data = data;
    this.words.learn(data.streamlit ?? []);
    this.soon(); // in another language
    if (!data.token) this.announce(""); // what was said of one page is not left standing on another
    if (!data.token || data.token === this.token) return;
    this.token = data.token;
    this.announce(data.announcement ?? "");
    this.wanted = data.focus;
    const goes = ["quiz", "review"].includes(data.screen); // what is pressed there goes with its question or pair
    if (!this.restoring && data.focus && (idle() || goes)) this.seek(null, data.focus);
  }
}

export default function ({ data, parentElement }) {
  window.casebindFrame ??= new Frame();
  const frame = window.casebindFrame;
  frame.update(data);
  const root = parentElement.querySelector(".tools");
  if (!root || root.childElementCount) return;
  const share = element("button", { type: "button" }, data.words.share);
  const keys = element("button", { type: "button", "aria-keyshortcuts": "?" }, `${data.words.keys} `);
  keys.append(element("kbd", {}, "?"));
  share.onclick = async () => {
    share.textContent = await frame.share();
    setTimeout(() => (share.textContent = data.words.share), 2500);
  };
  keys.onclick = () => frame.show();
  root.append(share, keys);
}
