/** How a picture of one's own comes in: a file that is chosen, a photo, something dropped or pasted. Opens nothing. */

import { button, element } from "./controls.js";

/**
 * @param take called with the file. say: tells a person what was wrong.
 * @returns {files, drop, choose, photo, paste} to be placed, `listen(root)` once they are, and `stop()`
 */
export function doors(take, say) {
  const hidden = { type: "file", accept: "image/*", hidden: "", tabindex: -1, "aria-hidden": "true" };
  const file = element("input", { ...hidden, "data-muscope": "own-file" });
  const camera = element("input", { ...hidden, capture: "environment", "data-muscope": "own-camera" });
  const drop = element("div", { class: "mu-drop", role: "button", tabindex: 0, "data-muscope": "own-drop", "aria-label": "Drop a picture here, paste one, or press Enter to choose one" },
    "Drop a picture here, or paste one");
  const choose = button("Choose a picture", { handle: "own-choose", onPress: () => file.click() });
  const photo = button("Take a photo", { handle: "own-photo", onPress: () => camera.click() });
  photo.hidden = !matchMedia("(pointer: coarse)").matches; // elsewhere it would open the same window of files
  const paste = button("Paste", { handle: "own-paste", onPress: fromClipboard });
  let root = null;

  for (const input of [file, camera])
    input.addEventListener("change", () => {
      take(input.files[0]);
      input.value = ""; // the same one may be chosen again
    });
  drop.addEventListener("click", () => file.click());
  drop.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    file.click();
  });

  function listen(part) {
    root = part;
    for (const kind of ["dragenter", "dragover"])
      root.addEventListener(kind, (event) => {
        event.preventDefault();
        root.classList.add("mu-over");
      });
    root.addEventListener("dragleave", (event) => root.contains(event.relatedTarget) || root.classList.remove("mu-over"));
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("mu-over");
      const one = pictureIn(event.dataTransfer.files);
      one ? take(one) : say("That is no picture: drop a PNG or a JPEG.");
    });
    document.addEventListener("paste", pasted);
  }

  const pictureIn = (files) => [...files].find((each) => each.type.startsWith("image/"));

  function pasted(event) {
    if (root.offsetParent === null || event.target.closest?.("input, textarea, [contenteditable=true]")) return; // folded away
    const one = pictureIn(event.clipboardData?.files ?? []);
    if (!one) return;
    event.preventDefault();
    take(one);
  }

  async function fromClipboard() {
    try {
      for (const item of await navigator.clipboard.read()) {
        const kind = item.types.find((type) => type.startsWith("image/"));
        if (kind) return take(await item.getType(kind));
      }
      say("There is no picture to paste: copy one first.");
    } catch {
      say("This browser keeps what was copied to itself: press Ctrl+V (on a Mac Cmd+V) here.");
    }
  }

  return { files: [file, camera], drop, choose, photo, paste, listen, stop: () => document.removeEventListener("paste", pasted) };
}
