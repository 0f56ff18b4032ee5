// Says something to those who do not see the page change.

/** @param {string} text */
export function announce(text) {
  const region = document.getElementById("announce");
  if (region && region.textContent !== text) region.textContent = text;
}
