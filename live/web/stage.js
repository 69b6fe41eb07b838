/**
 * The one large picture. Python's is an image; while a hand moves, a canvas of the same size lies over it.
 *
 * Announces each live picture as the window event "muscope:drawn" with the turn of the hand that it answers.
 */

import { hand } from "./hand.js";
import { paint } from "./client.js";

const BLOCKED =
  "Live pictures cannot get through (this network blocks them): the picture follows when you let go.";
const LOST = "The connection was lost. Trying again: until then the picture follows when you let go.";

export function build(parent) {
  const root = document.createElement("section");
  root.className = "mu-shown";
  root.innerHTML = `
    <div class="mu-stage">
      <figure class="mu-large">
        <div class="mu-frame"><img data-muscope="stage"><canvas data-muscope="live" aria-hidden="true" hidden></canvas></div>
        <figcaption></figcaption>
      </figure>
      <figure class="mu-original"><img data-muscope="original" alt="The original image"><figcaption>the original</figcaption></figure>
    </div>
    <p class="mu-unusual" data-muscope="unusual"></p>
    <p class="mu-network" role="status" hidden></p>`;
  parent.append(root); // beside the style sheet that Streamlit put there
  const [image, original] = root.querySelectorAll("img");
  const beside = original.closest("figure");
  beside.remove(); // until there is one
  const canvas = root.querySelector("canvas");
  const caption = root.querySelector("figcaption");
  const unusual = root.querySelector(".mu-unusual");
  const network = root.querySelector(".mu-network");
  const place = { data: null, tell: null, line: null, unheard: [] };

  place.update = (data) => {
    place.data = data;
    const line = hand.attach(data.live);
    if (line !== place.line) {
      place.line = line;
      place.unheard.push(line.onState(sayState), line.onRenew(() => place.tell("renew", Date.now())));
    }
    for (const one of [image, canvas, original]) one.className = data.crisp ? "mu-crisp" : "mu-smooth";
    if (image.getAttribute("src") !== data.png) image.src = data.png;
    image.alt = data.alt;
    if (data.original) {
      original.src = data.original;
      root.firstElementChild.append(beside);
    } else beside.remove();
    caption.textContent = data.caption;
    unusual.title = data.unusual?.compared ?? "";
    // A picture on its way when the page was run belongs to the past; a hand that is still down stays in charge.
    if (!hand.down) image.decode().catch(() => {}).then(() => hand.down || hand.rest());
  };

  function drawn(event) {
    if (!event) {
      canvas.hidden = true;
      beside.classList.remove("mu-elsewhere");
      caption.textContent = place.data?.caption ?? "";
      document.body.classList.remove("mu-moving");
      say(place.data?.unusual);
      return;
    }
    if (event.error) {
      unusual.textContent = event.error;
      return;
    }
    paint(canvas, event.answer, event.at);
    canvas.hidden = false;
    document.body.classList.add("mu-moving"); // what Python said of the picture at rest fades
    beside.classList.toggle("mu-elsewhere", Boolean(event.answer.notes.caption)); // it is of another place
    caption.textContent = event.answer.notes.caption ?? "what the model draws now";
    if (event.unusual) say(event.unusual);
    window.dispatchEvent(new CustomEvent("muscope:drawn", { detail: { turn: event.turn } }));
  }

  function say(found) {
    unusual.textContent = found?.words ?? "";
    unusual.classList.toggle("mu-odd", Boolean(found) && !found.usual);
  }

  function sayState(state) {
    network.textContent = state === "blocked" ? BLOCKED : LOST;
    network.hidden = state === "live" || (state === "connecting" && !place.line?.failures);
  }

  place.unheard.push(hand.on(drawn));
  place.stop = () => {
    for (const stop of place.unheard) stop();
  };
  return place;
}
