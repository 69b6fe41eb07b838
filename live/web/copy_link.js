/**
 * A button that copies the address of the page, which says all that the page shows. Python is told, so that what a long
 * address names is not thrown away.
 */

import { button, element } from "./controls.js";

const SHOWN = 4000; // milliseconds that "copied" stays

export function build(parent, first) {
  const place = { data: first, tell: null, timer: 0 };
  const copy = button("Copy link", { picture: "link", handle: "copy-link", onPress: () => take() });
  const said = element("p", { class: "mu-note", role: "status", "data-muscope": "copy-note" });
  const typed = element("input", { class: "mu-link", readonly: "", "aria-label": "The link, to be copied by hand", hidden: "" });
  parent.append(element("div", { class: "mu-copy" }, copy, said, typed));

  async function take() {
    const address = location.href;
    const done = await clip(address);
    typed.hidden = done;
    if (!done) {
      typed.value = address;
      typed.select();
    }
    said.textContent = done ? "Copied." : "This browser does not let a page copy: press Ctrl C.";
    clearTimeout(place.timer);
    if (done) place.timer = setTimeout(() => { said.textContent = ""; }, SHOWN);
    place.tell("copied", { link: new URL(address).searchParams.get("link") ?? "", at: Date.now() });
  }

  return {
    set tell(tell) { place.tell = tell; },
    update(data) { place.data = data; },
    stop() { clearTimeout(place.timer); },
  };
}

/** Put words on the clipboard; false where that is not allowed: an address without https is not trusted with it. */
async function clip(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const box = element("textarea", { style: "position: fixed; opacity: 0" });
    box.value = words;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }
}
