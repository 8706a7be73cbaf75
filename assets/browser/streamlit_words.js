/* Streamlit names its own buttons and hints in English; they are said in the language of the page. Joined with frame.js. */

// Streamlit's own words: attributes that hold them, and the elements whose text does.
const PLACE = /\{\w+\}/;
const NAMED = ["aria-label", "title", "placeholder"];
const SAYS = ["a[href='#stMain']", "[data-testid=stFileUploaderDropzone] *", "[data-testid=InputInstructions]", "[data-testid=stTopNav] button *"];

class StreamlitWords {
  constructor() {
    this.said = new WeakMap(); // element or text of Streamlit → attribute → its own words and ours in their place
    this.foreign = false; // whether another language than English was spoken in this window
    this.learn([]);
  }

  /** words : pairs of Streamlit's words and ours; those with a place are kept as their two ends and ours */
  learn(words) {
    this.whole = new Map(words);
    this.parts = words.filter(([theirs]) => PLACE.test(theirs)).map(([theirs, ours]) => [...theirs.split(PLACE), ours]);
    this.foreign ||= words.some(([theirs, ours]) => theirs !== ours);
  }

  say() {
    if (!this.foreign) return;
    for (const one of document.querySelectorAll(NAMED.map((name) => `[${name}]`).join())) {
      for (const name of NAMED) {
        if (one.hasAttribute(name)) this.put(one, name, one.getAttribute(name), (words) => one.setAttribute(name, words));
      }
    }
    for (const one of document.querySelectorAll(SAYS.join())) {
      for (const part of one.childNodes) {
        if (part.nodeType === Node.TEXT_NODE) this.put(part, "text", part.data, (words) => (part.data = words));
      }
    }
  }

  put(owner, name, now, set) {
    const known = this.said.get(owner)?.[name];
    const english = known?.ours === now ? known.english : now;
    const ours = this.own(english);
    if (ours === undefined || (ours === now && !known)) return;
    this.said.set(owner, { ...this.said.get(owner), [name]: { english, ours } });
    if (ours !== now) set(ours);
  }

  /* Return what the page says for Streamlit's words; undefined for any other. */
  own(english) {
    if (this.whole.has(english)) return this.whole.get(english);
    const [before, after, ours] =
      this.parts.find(([start, end]) => english.startsWith(start) && english.endsWith(end) && english.length > start.length + end.length) ?? [];
    return ours?.replace(PLACE, () => english.slice(before.length, english.length - after.length));
  }
}

