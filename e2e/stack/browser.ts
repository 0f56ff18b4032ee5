/** What people do with the browser itself. */

import type { Page } from "@playwright/test";

/** Chromium asks for name and password itself when a panel challenges it; nobody types any. */
export async function refuseToAsk(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  session.on("Fetch.requestPaused", ({ requestId }) => void session.send("Fetch.continueRequest", { requestId }).catch(() => {}));
  session.on("Fetch.authRequired", ({ requestId }) => {
    const authChallengeResponse = { response: "CancelAuth" as const };
    void session.send("Fetch.continueWithAuth", { requestId, authChallengeResponse }).catch(() => {});
  });
  await session.send("Fetch.enable", { handleAuthRequests: true });
}
