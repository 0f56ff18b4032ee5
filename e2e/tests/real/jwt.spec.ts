/** Tokens of a real identity provider: whom they name, and the many whom they do not. */

import { expect, type Page, test } from "@playwright/test";

import { AUDIENCE, available, IdentityProvider, newKey, startPanel, type Tokens } from "../../real/oidc.ts";
import type { EventJson } from "../../stack/admintrail.ts";
import { bars, type RealStack, standUp, watchBrowser } from "../../stack/real.ts";
import { DESK } from "../../stack/test.ts";

test.skip(!available(), "oidc-provider is not installed: npm ci in e2e/real/oidc");

const [OLENA, TOM] = ["olena@hosting.example", "tom@hosting.example"];

test("an identity provider's tokens name whom they are of, for this panel and for now", async ({ browser }) => {
  test.setTimeout(90_000);
  const first = newKey("november");
  const provider = await IdentityProvider.start([first]);
  const other = await IdentityProvider.start([newKey("november")]);
  const secrets: string[] = [];
  const stack = await standUp(browser, {
    name: "billing",
    preset: "generic",
    start: () => startPanel(provider, secrets),
    settings: () =>
      `[panel.jwt]\njwks = "${provider.url}/jwks"\naudience = "${AUDIENCE}"\nissuer = "${provider.url}"\n` +
      'id_claim = "email"\nname_claim = "name"\nleeway = "1ms"\n',
    // Only what carries a token is somebody's.
    open: /./,
  });
  const elsewhere = await startPanel(other, secrets);
  try {
    const context = await browser.newContext(DESK);
    // The provider's sample pages ask for a font of the web.
    await context.route(/googleapis/, (route) => route.abort());
    const sent = watchBrowser(context, stack.url);
    const page = await context.newPage();
    const day = new Day(page, stack);

    const olena = await day.signIn("olena", OLENA);
    await day.call(OLENA, "/api/clients");
    await day.call(OLENA, "/api/clients/4711", olena.access_token, "DELETE");
    // It says who she is to the pages, and is not for the panel's calls.
    await day.call(null, "/api/with/id-token", olena.id_token);
    // Signed by nobody, or not what was signed.
    const [head = "", claims = "", signature = ""] = olena.access_token.split(".");
    const changed = Buffer.from(claims, "base64url").toString().replaceAll("olena", "tom");
    await day.call(null, "/api/with/changed", [head, Buffer.from(changed).toString("base64url"), signature].join("."));
    const none = Buffer.from('{"alg":"none","kid":"november"}').toString("base64url");
    await day.call(null, "/api/with/none", [none, claims, ""].join("."));
    await day.call(OLENA, "/api/clients");

    provider.lifetime = 3;
    const tom = await day.signIn("tom", TOM);
    await day.call(TOM, "/api/services", tom.access_token);
    await page.waitForTimeout(expiry(tom) - Date.now() + 100);
    await day.call(null, "/api/with/expired", tom.access_token);
    await day.call(OLENA, "/api/with/older-and-good", olena.access_token);
    provider.lifetime = 300;

    // Another provider: the same names, audience and name of the key.
    await page.goto(elsewhere.url);
    const foreign = await new Day(page, stack).signInThere("olena");
    await page.goto(stack.url);
    await day.call(null, "/api/with/foreign", foreign.access_token);

    // A new key comes, and the old one is still published for a while.
    await provider.use([newKey("december"), first]);
    const renewed = await day.signIn("tom", TOM);
    await day.named("/api/with/new-key", renewed.access_token, TOM);
    await day.call(TOM, "/api/services", renewed.access_token);
    await day.call(OLENA, "/api/with/older-and-good", olena.access_token);

    const events = await stack.events();
    told(events);
    const wrong = await bars(stack, sent, []);
    // Until the new key was fetched, nobody could know whose they were.
    wrong["signed in, not named"] = wrong["signed in, not named"]?.filter((line) => !line.includes("new-key")) ?? [];
    for (const [what, lines] of Object.entries(wrong)) expect.soft(lines, what).toEqual([]);
    await context.close();
  } finally {
    await stack.stop();
    await elsewhere.stop();
    await provider.stop();
    await other.stop();
  }
});

/** When its access token is over, in ms since 1970. */
function expiry(tokens: Tokens): number {
  const claims = tokens.access_token.split(".")[1] ?? "";
  return (JSON.parse(Buffer.from(claims, "base64url").toString()) as { exp: number }).exp * 1000;
}

class Day {
  readonly page: Page;
  readonly stack: RealStack;

  constructor(page: Page, stack: RealStack) {
    this.page = page;
    this.stack = stack;
  }

  async signIn(name: string, admin: string): Promise<Tokens> {
    await this.page.goto(this.stack.url);
    const tokens = await this.signInThere(name);
    await this.stack.counter.quiet();
    this.stack.counter.who(admin);
    return tokens;
  }

  /** At the provider, sent there by the page that is open. */
  async signInThere(name: string): Promise<Tokens> {
    const { page } = this;
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByPlaceholder("Enter any login").fill(name);
    await page.getByPlaceholder("and password").fill(`${name}-Provider-pass-2026`);
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).click();
    await expect(page.getByRole("heading", { name: "Signed in" })).toBeVisible();
    return page.evaluate("tokens") as Promise<Tokens>;
  }

  /** A call of the page's scripts, with a token of this admin. */
  async call(admin: string | null, path: string, token?: string, method = "GET"): Promise<void> {
    await this.stack.counter.quiet();
    this.stack.counter.who(admin);
    const bearer = token ?? ((await this.page.evaluate("tokens.access_token")) as string);
    const ask = ([path, token, method]: readonly string[]) =>
      fetch(path ?? "", { method, headers: { authorization: `Bearer ${token}` } }).then((answer) => answer.status);
    expect(await this.page.evaluate(ask, [path, bearer, method])).toBe(200);
    await this.stack.counter.quiet();
  }

  /** Calls until the trail names somebody, and that is this admin. */
  async named(path: string, token: string, admin: string): Promise<void> {
    await expect
      .poll(
        async () => {
          await this.call(admin, path, token);
          const { events } = await this.stack.api.events(`path:${path}`);
          return events.find((event) => event.admin)?.admin;
        },
        { timeout: 45_000, intervals: [2_000] },
      )
      .toBe(admin);
  }
}

function told(events: EventJson[]): void {
  const calls = events.filter((event) => event.path.startsWith("/api/") && !event.path.endsWith("new-key"));
  const line = (event: EventJson) => `${event.admin_name ?? "nobody"}, ${event.admin ?? "-"}, ${event.known_by}: ${event.method} ${event.path}`;
  const [olena, tom] = [`Olena at work, ${OLENA}, jwt`, `Tom at work, ${TOM}, jwt`];
  expect(calls.map(line)).toEqual([
    `${olena}: GET /api/clients`,
    `${olena}: DELETE /api/clients/4711`,
    "nobody, -, none: GET /api/with/id-token",
    "nobody, -, none: GET /api/with/changed",
    "nobody, -, none: GET /api/with/none",
    `${olena}: GET /api/clients`,
    `${tom}: GET /api/services`,
    "nobody, -, none: GET /api/with/expired",
    `${olena}: GET /api/with/older-and-good`,
    "nobody, -, none: GET /api/with/foreign",
    `${tom}: GET /api/services`,
    `${olena}: GET /api/with/older-and-good`,
  ]);
}
