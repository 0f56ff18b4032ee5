// The most frequent values, fetched when their menu is opened.

export function watchFacets() {
  document.addEventListener(
    "toggle",
    (event) => {
      const menu = event.target;
      if (!(menu instanceof HTMLDetailsElement) || menu.dataset.menu !== "top" || !menu.open) return;
      void fill(menu);
    },
    true,
  );
}

/** @param {HTMLDetailsElement} menu */
async function fill(menu) {
  const box = menu.querySelector("[data-top]");
  if (!box) return;
  box.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(location.href, { headers: { "X-Fragment": "top" } });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-top]");
    if (fresh) box.replaceChildren(...document.adoptNode(fresh).childNodes);
  } catch {
    // The links that are there lead to the same numbers.
  } finally {
    box.removeAttribute("aria-busy");
  }
}
