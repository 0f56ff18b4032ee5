// Tells the server the browser's time zone, in a cookie, so that times are drawn in it.

import { load, view } from "./navigate.js";

const NAME = "admintrail_tz";

export function watchZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  const told = () => document.cookie.split("; ").includes(`${NAME}=${zone}`);
  if (told()) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${NAME}=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  const shown = document.body.matches(".app") && !document.body.hasAttribute("data-zone");
  // Only if the cookie was kept, or this would go on for ever.
  if (!shown || !told() || new URL(location.href).searchParams.has("tz")) return;
  if (view()) void load(location.href, { push: false, quiet: true });
  else location.reload();
}
