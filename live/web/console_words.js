/** Numbers and pictures of the knobs, as people read and type them. */

/** Two decimals and a real minus. */
export function words(value) {
  const text = value.toFixed(2);
  return text === "-0.00" ? "0.00" : text.replace("-", "\u2212");
}

/** The number that was typed, or NaN. A comma is a decimal point in half the world. */
export function typed(text) {
  const plain = text.trim().replace(/[\u2212\u2013]/g, "-").replace(",", ".");
  return plain === "" ? NaN : Number(plain);
}

/** An icon from its lines on 20 x 20. */
export const icon = (lines) => `<svg viewBox="0 0 20 20" aria-hidden="true">${lines}</svg>`;
