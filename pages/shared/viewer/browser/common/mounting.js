// One viewer in one place of the page: made once, then given what has changed.

const viewers = new WeakMap(); // element of the page → its viewer
const remembered = new Map(); // key of a viewer and what it shows → what the user had set
const MOST_REMEMBERED = 200;

/**
 * Return what a component's module exports: it makes a viewer where there is none, and gives it the data from then on.
 *
 * create(host, tell) : returns {update(data), close()}; tell(name, value) sends a value to the server
 */
export function mounting(create) {
  return ({ data, parentElement, setTriggerValue }) => {
    let mounted = viewers.get(parentElement);
    if (!mounted) {
      const host = document.createElement("div");
      host.className = "host";
      parentElement.appendChild(host);
      mounted = { host };
      mounted.viewer = create(host, (name, value) => mounted.tell(name, value));
      viewers.set(parentElement, mounted);
    }
    mounted.tell = setTriggerValue;
    mounted.viewer.update(data);
    return () => {
      mounted.viewer.close();
      mounted.host.remove();
      viewers.delete(parentElement);
    };
  };
}

/** Return what was remembered under a name in this tab, made by `fresh` where nothing was. */
export function recall(name, fresh) {
  const known = remembered.get(name) ?? fresh();
  remembered.delete(name);
  remembered.set(name, known);
  if (remembered.size > MOST_REMEMBERED) remembered.delete(remembered.keys().next().value);
  return known;
}

/** Return a function that asks for one drawing at the next frame; `host.frames` counts what was drawn. */
export function redrawing(host, draw) {
  let asked = 0;
  host.frames = 0;
  const frame = () => {
    asked = 0;
    draw();
    host.frames += 1;
  };
  const request = () => {
    asked ||= requestAnimationFrame(frame);
  };
  request.stop = () => {
    cancelAnimationFrame(asked);
    asked = 0;
  };
  return request;
}

/** Call back with the size of an element in CSS pixels whenever it changes. Return what stops it. */
export function followSize(target, changed) {
  const observer = new ResizeObserver(([entry]) => changed(entry.contentRect.width, entry.contentRect.height));
  observer.observe(target);
  return () => observer.disconnect();
}

/** Show an element on the whole screen, or leave that. */
export function toggleFullScreen(host) {
  const root = host.getRootNode();
  if ((root.fullscreenElement ?? document.fullscreenElement) === host) document.exitFullscreen();
  else host.requestFullscreen?.().catch(() => {});
}
