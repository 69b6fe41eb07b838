/**
 * A place to drop files, or to choose them, or a folder: they stream to the server, some in each request.
 *
 * An upload belongs to the tab and not to the page: it goes on while other pages are looked at, and is found again.
 * Tells Python "settled" with {upload} when all of it is there, and "removed" with {upload} when it is gone.
 */

import { button, element } from "./controls.js";

const FILES = 400, BYTES = 32 << 20; // of one request; a larger file goes alone
const LANES = 2; // requests at a time
const PATIENCE = [500, 1000, 2000, 4000, 8000]; // ms between one try and the next
const FIRST_WORDS = 3000; // ms of an upload after which its time left can be said

const uploads = new Map(); // key of a component to what is uploaded there

/** Bytes in words: "20.0 MB". */
const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1000)} kB`);
const count = (number) => number.toLocaleString("en");

function left(seconds) {
  if (seconds < 10) return "a few seconds left";
  return seconds < 90 ? `about ${Math.ceil(seconds / 10) * 10} seconds left` : `about ${Math.ceil(seconds / 60)} minutes left`;
}

/** What the server says no to, in its own words. */
class Refused extends Error {}

/** One upload: its files, how far they are, and who wants to know. */
class Upload {
  constructor(files, address, token) {
    this.id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.files = files;
    this.bytes = files.reduce((sum, [, file]) => sum + file.size, 0);
    Object.assign(this, { address, token, done: new Map(), state: "going", line: "", requests: new Set(), heard: () => {}, began: Date.now() });
  }

  get sent() {
    return Array.from(this.done.values()).reduce((sum, bytes) => sum + bytes, 0);
  }

  /** "3.1 of 20.0 MB, about 20 seconds left". */
  get words() {
    const sent = Math.min(this.sent, this.bytes), took = Date.now() - this.began;
    const time = took > FIRST_WORDS && sent > 0 ? `, ${left(((this.bytes - sent) / sent) * took / 1000)}` : "";
    return `${size(sent)} of ${size(this.bytes)}${time}`;
  }

  async go() {
    try {
      await this.ask("begin", JSON.stringify({ files: this.files.length, bytes: this.bytes }));
      const waiting = this.parcels();
      const lane = async () => {
        while (waiting.length) await this.send(waiting.shift());
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      await this.ask("finish");
      this.state = "whole";
    } catch (error) {
      if (this.state !== "going") return;
      this.state = "failed";
      this.line = error instanceof Refused ? error.message : "The connection was lost: check the network and try once more.";
      for (const request of this.requests) request.abort();
      this.ask("remove").catch(() => {});
    }
    this.heard();
  }

  /** The files in bunches, each small enough for one request. */
  parcels() {
    const made = [];
    let bunch = [], bytes = 0;
    this.files.forEach(([name, file], place) => {
      if (bunch.length && (bunch.length >= FILES || bytes + file.size > BYTES)) {
        made.push(bunch);
        [bunch, bytes] = [[], 0];
      }
      bunch.push([place + 1, name, file]);
      bytes += file.size;
    });
    return [...made, bunch];
  }

  /** One bunch, again where the line broke. */
  async send(bunch) {
    const parts = bunch.flatMap(([number, name, file]) => {
      const head = new TextEncoder().encode(JSON.stringify({ number, name: name.slice(-400), size: file.size }));
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, head.length, true);
      return [length, head, file];
    });
    const key = bunch[0][0], whole = bunch.reduce((sum, [, , file]) => sum + file.size, 0);
    await this.ask("files", new Blob(parts), (loaded) => {
      this.done.set(key, Math.min(loaded, whole));
      this.heard();
    });
    this.done.set(key, whole);
  }

  async ask(what, body = "", progress = null) {
    for (let turn = 0; ; turn++) {
      if (this.state === "cancelled" && what !== "remove") throw new Error("cancelled");
      const { status, text } = await this.post(what, body, progress);
      if (status >= 200 && status < 300) return;
      const again = status === 0 || status === 408 || status === 503;
      if (!again) throw new Refused(text || "The server could not take this: try once more.");
      if (turn >= PATIENCE.length) throw status ? new Refused(text) : new Error("lost");
      await new Promise((resolve) => setTimeout(resolve, PATIENCE[turn]));
    }
  }

  post(what, body, progress) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${this.address}/live/upload/${this.id}/${what}`);
      request.setRequestHeader("X-Muscope-Token", this.token);
      if (progress) request.upload.addEventListener("progress", (event) => progress(event.loaded));
      request.addEventListener("loadend", () => {
        this.requests.delete(request);
        resolve({ status: request.status, text: request.responseText });
      });
      this.requests.add(request);
      request.send(body);
    });
  }

  /** Nothing of it is wanted. */
  async remove() {
    this.state = "cancelled";
    for (const request of this.requests) request.abort();
    await this.ask("remove").catch(() => {});
  }
}

/** Every file of what was dropped, folders with all that is in them: [path, File]. */
async function dropped(transfer) {
  const entries = Array.from(transfer.items ?? [], (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Array.from(transfer.files, (file) => [file.name, file]);
  const found = [];
  const walk = async (entry, path) => {
    if (entry.isFile) found.push([path + entry.name, await new Promise((resolve, reject) => entry.file(resolve, reject))]);
    if (!entry.isDirectory) return;
    const reader = entry.createReader();
    for (;;) { // a browser lists a hundred at a time
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      for (const each of some) await walk(each, `${path}${entry.name}/`);
    }
  };
  for (const entry of entries) await walk(entry, "");
  return found;
}

export function build(parent) {
  const place = { data: null, upload: null };

  const pick = element("input", { type: "file", multiple: "", hidden: "", "data-muscope": "files" });
  const pickFolder = element("input", { type: "file", webkitdirectory: "", hidden: "", "data-muscope": "folder" });
  const words = element("p", { class: "mu-drop-words", "aria-hidden": "true" });
  const files = button("Choose files", { handle: "choose-files", onPress: () => pick.click() });
  const folder = button("Choose a folder", { handle: "choose-folder", onPress: () => pickFolder.click() });
  const zone = element("div", { class: "mu-drop-zone", role: "group", "data-muscope": "drop" },
    words, element("div", { class: "mu-bar" }, files, folder), pick, pickFolder);
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Uploaded" });
  const far = element("span", { class: "mu-note", "data-muscope": "far" });
  const cancel = button("Cancel", { handle: "cancel-upload", onPress: leave });
  const going = element("div", { class: "mu-drop-going", hidden: "" }, bar, element("div", { class: "mu-bar" }, far, cancel));
  const named = element("strong", { class: "mu-drop-name" });
  const about = element("span", { class: "mu-note" });
  const remove = button("Remove", { picture: "clear", handle: "remove-upload", onPress: leave });
  const there = element("div", { class: "mu-bar mu-drop-there", hidden: "" }, element("div", {}, named, about), remove);
  const line = element("p", { class: "mu-drop-line", role: "alert", "data-muscope": "upload-refused", hidden: "" });
  const status = element("p", { class: "mu-drop-said", role: "status" });
  parent.append(element("div", { class: "mu-drop" }, zone, going, there, line, status));

  // ---- what is chosen -----------------------------------------------------------------------------------------------

  for (const input of [pick, pickFolder]) input.addEventListener("change", () => {
    const chosen = Array.from(input.files, (file) => [file.webkitRelativePath || file.name, file]);
    input.value = ""; // the same file again is a choice too
    start(chosen);
  });
  let inside = 0; // elements of the zone that the pointer is over
  zone.addEventListener("dragenter", (event) => (event.preventDefault(), inside++, zone.classList.add("mu-over")));
  zone.addEventListener("dragleave", () => --inside <= 0 && zone.classList.remove("mu-over"));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    inside = 0;
    zone.classList.remove("mu-over");
    try {
      start(await dropped(event.dataTransfer));
    } catch {
      refuse("What was dropped could not be read: choose the files with the button instead.");
    }
  });

  function start(chosen) {
    if (!chosen.length) return refuse("There is no file in it: choose files, or a folder that holds some.");
    refuse("");
    const upload = new Upload(chosen, place.data.live.base, place.data.live.token);
    uploads.set(place.data.key, upload);
    follow(upload);
    upload.go();
  }

  function refuse(text) {
    line.textContent = text;
    line.hidden = !text;
  }

  // ---- what is on its way -------------------------------------------------------------------------------------------

  function follow(upload) {
    place.upload = upload;
    if (upload) upload.heard = show;
    show();
  }

  function show() {
    const { upload, data } = place, state = upload?.state;
    const whole = state === "whole" || (!upload && data.there);
    zone.hidden = state === "going" || Boolean(whole);
    going.hidden = state !== "going";
    there.hidden = !whole;
    if (state === "going") {
      bar.value = upload.bytes ? upload.sent / upload.bytes : 0;
      far.textContent = upload.words;
      say(`Uploading: ${Math.floor(bar.value * 4) * 25} percent`); // four times, not at every byte
    } else if (whole) {
      const { name, files, bytes } = upload ? { name: titled(upload), files: upload.files.length, bytes: upload.bytes } : data.there;
      named.textContent = name;
      about.textContent = `${files > 1 ? `${count(files)} files, ` : ""}${size(bytes)}`;
      if (upload) say(`${name} is here.`);
      if (upload && !upload.told && data.there?.upload !== upload.id) {
        upload.told = true;
        place.tell("settled", { upload: upload.id });
      }
    } else if (state === "failed") {
      refuse(upload.line);
      uploads.delete(data.key);
      place.upload = null;
    }
  }

  function say(text) {
    if (status.textContent !== text) status.textContent = text;
  }

  /** The one file, or the folder that all of them lie in. */
  function titled({ files }) {
    if (files.length === 1) return files[0][0].split("/").pop();
    const [first] = files[0][0].split("/");
    return files.every(([path]) => path.startsWith(`${first}/`)) ? first : `${files[0][0].split("/").pop()} and others`;
  }

  async function leave() {
    const { upload, data } = place;
    const id = upload?.id ?? data.there?.upload, settled = data.there;
    uploads.delete(data.key);
    place.upload = null;
    place.data = { ...data, there: null };
    say("Nothing is uploaded.");
    show();
    files.focus({ preventScroll: true });
    await upload?.remove();
    if (settled || upload?.state === "whole") place.tell("removed", { upload: id });
  }

  // ---- what Python says ---------------------------------------------------------------------------------------------

  place.update = (data) => {
    place.data = data;
    words.textContent = `Drop ${data.what} here`;
    zone.ariaLabel = `Bring ${data.what}`;
    folder.hidden = !data.folder;
    if (data.accept) pick.setAttribute("accept", data.accept);
    const mine = uploads.get(data.key);
    if (mine?.told && data.there?.upload !== mine.id) uploads.delete(data.key); // Python has used it, or knows better
    follow(uploads.get(data.key) ?? null);
  };
  place.stop = () => {
    if (place.upload) place.upload.heard = () => {};
  };
  return place;
}
