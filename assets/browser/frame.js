/* What one browser window keeps of the app: one history entry a press, the place in every page, the keys of a card,
   the list of keys, and words for screen readers. No message to the server is sent from here.

   Python hands over {words, keys, screens, screen, token, announcement, focus}; see pages/shared/frame.py. */

const MAIN = "[data-testid=stMain]";
const CARD = "[class*='st-key-card-']";
const CARDS = "[class*='st-key-cards-']";
const PICTURES = ".st-key-compare-pictures";
const STORED = "casebind-places";
const MOST_PLACES = 60;
const PATIENCE_MS = 15000; // for so long a page may take to be drawn before its place is given up
const CALM_FRAMES = 20; // in which nothing moved before a place counts as reached
const WRITTEN_IN = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true]";

const here = () => location.pathname + location.search;
const running = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "notRunning";
const idle = () => !document.activeElement || document.activeElement === document.body;
const keyOf = (element) => [...(element?.classList ?? [])].find((name) => name.startsWith("st-key-"));
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
    this.token = null;
    this.presses = 0; // of the user, since the window was opened
    this.pushedAt = -1; // the press whose history entry stands already
    this.path = location.pathname;
    this.places = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
    this.search = 0; // number of the present search for a place; an older one ends
    this.status = element("div", { role: "status", "aria-live": "polite", class: "unseen" });
    document.body.append(this.status);
    this.keepOneEntryAPress();
    this.listen();
    new MutationObserver(() => this.soon()).observe(document.body, { childList: true, subtree: true });
    this.describe();
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
      this.search += 1;
      this.remember();
    };
    for (const name of ["pointerdown", "click", "drop", "change"]) window.addEventListener(name, pressed, true);
    window.addEventListener("keydown", (event) => this.onKey(event, pressed), true);
    for (const name of ["wheel", "touchmove"]) {
      window.addEventListener(name, () => (this.search += 1), { capture: true, passive: true });
    }
    window.addEventListener("scroll", () => this.onScroll(), { capture: true, passive: true });
    window.addEventListener("click", (event) => this.onClick(event));
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
    const until = performance.now() + PATIENCE_MS;
    let calm = 0;
    this.restoring = true;
    const step = () => {
      const main = document.querySelector(MAIN);
      if (search !== this.search || performance.now() > until || !main) {
        if (search === this.search) this.restoring = false;
        return;
      }
      if (top !== null && Math.abs(main.scrollTop - top) > 1) {
        main.scrollTop = top;
        calm = 0;
      }
      const wanted = key ?? this.wanted;
      const target = byKey(wanted);
      if (target && idle()) this.focus(target);
      calm = running() || (wanted && !target) ? 0 : calm + 1;
      if (calm < CALM_FRAMES) requestAnimationFrame(step);
      else this.restoring = false;
    };
    requestAnimationFrame(step);
  }

  focus(target) {
    const own = target.matches(`${CARD}, ${PICTURES}, button, a[href], h1`) ? target : null;
    const one = own ?? target.querySelector("h1, button:not(:disabled), a[href]") ?? target;
    if (!one.matches("button, a[href], [tabindex]")) one.tabIndex = -1;
    one.focus({ preventScroll: true });
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
    if (!["Shift", "Control", "Alt", "Meta"].includes(event.key)) pressed();
    if (event.key === "?" && !written) this.show();
    else if (plain && event.target.matches?.(CARD)) this.onCardKey(event);
  }

  onCardKey(event) {
    const card = event.target;
    const [prefix, index] = this.data.keys?.[event.key.length === 1 ? event.key.toUpperCase() : event.key] ?? [];
    const next = this.beside(card, event.key);
    if (!prefix && !next) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (prefix) this.press(card, prefix, index);
    else next.focus();
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
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      const field = element("textarea", { "aria-hidden": "true", class: "unseen" });
      field.value = location.href;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    this.announce(words.copied);
    return words.copied;
  }

  announce(words) {
    this.status.textContent = "";
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.status.textContent = words), 50);
  }

  /* Cards are items of a list that take the focus; Streamlit draws them as plain boxes. */

  soon() {
    this.planned ??= requestAnimationFrame(() => {
      this.planned = undefined;
      this.describe();
    });
  }

  describe() {
    for (const card of document.querySelectorAll(`${CARD}:not([role])`)) {
      card.setAttribute("role", "listitem");
      card.tabIndex = 0;
    }
    for (const list of document.querySelectorAll(`${CARDS}:not([role])`)) list.setAttribute("role", "list");
    for (const card of document.querySelectorAll(CARD)) {
      const name = card.querySelector("h3")?.textContent;
      if (name && card.getAttribute("aria-label") !== name) card.setAttribute("aria-label", name);
    }
  }

  /* What Python says: new words for screen readers, and where the focus goes when nothing else has it. */

  update(data) {
    this.data = data;
    if (!data.token) this.announce(""); // what was said of one page is not left standing on another
    if (!data.token || data.token === this.token) return;
    this.token = data.token;
    if (data.announcement) this.announce(data.announcement);
    this.wanted = data.focus;
    if (!this.restoring && idle()) this.seek(null, data.focus);
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
