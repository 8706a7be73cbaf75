/* The corner that says who is signed in. It leaves the page as soon as the session has ended, in every tab:
   by the button or its key here, in another tab, by the clock, or because the account was closed. Where somebody else
   has signed in meanwhile, the page is drawn anew, as theirs: a browser has one session.

   Python hands over {name, number, purpose, emergency, signedIn, key, words}; see pages/shared/signed_in.py. */

const ASK_EVERY_MS = 15000;
const SOON_MS = 1500;
const WRITTEN_IN = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true]";

function leave() {
  if (location.pathname === "/sign-in") return;
  location.replace("/sign-in?then=" + encodeURIComponent(location.pathname + location.search));
}

class Session {
  constructor() {
    this.tabs = new BroadcastChannel("casebind-session");
    this.tabs.onmessage = () => this.ask();
    this.key = this.number = "";
    window.addEventListener("keydown", (event) => {
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest?.(WRITTEN_IN);
      if (this.key && plain && event.key.toLowerCase() === this.key.toLowerCase()) this.signOut();
    });
    setInterval(() => this.ask(), ASK_EVERY_MS);
    for (const kind of ["click", "keydown"]) window.addEventListener(kind, () => this.askSoon());
    document.addEventListener("visibilitychange", () => document.hidden || this.ask());
  }

  askSoon() { // a session that this click has ended leaves at once
    this.soon ??= setTimeout(() => { this.soon = null; this.ask(); }, SOON_MS);
  }

  async ask() {
    const answer = await fetch("/session", { cache: "no-store" }).catch(() => null); // a server that is away says nothing
    if (this.key && answer?.status === 401) leave();
    else if (this.key && answer?.ok) this.isOf((await answer.json()).number);
  }

  isOf(number) { // whose page this is: the first says it, and another is somebody else, or a later session
    this.number ||= number;
    if (this.number !== number) location.reload();
  }

  async signOut() {
    const shown = new URLSearchParams({ session: this.number }); // and no other that the browser may have by now
    const answer = await fetch("/sign-out", { method: "POST", redirect: "manual", body: shown }).catch(() => null);
    this.tabs.postMessage("ended");
    const said = answer?.ok ? await answer.json() : {}; // a provider that ends its own session, too
    location.replace(said.to ?? "/sign-in");
  }
}

export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".session");
  const session = (window.casebindSession ??= data.signedIn ? new Session() : null);
  const who = document.createElement("span");
  who.textContent = data.signedIn ? `${data.name} · ${data.purpose}` : data.words.off;
  who.classList.toggle("emergency", data.emergency);
  who.title = data.signedIn ? data.words.who.replace("{name}", data.name).replace("{purpose}", data.purpose) : data.words.off_help.replace("{name}", data.name);
  place.replaceChildren(who);
  if (!session) return;
  session.isOf(data.number);
  session.key = data.key;
  const button = document.createElement("button");
  const key = document.createElement("kbd");
  key.textContent = data.key;
  button.type = "button";
  button.append(data.words.sign_out, " ", key);
  button.onclick = () => session.signOut();
  place.append(button);
}
