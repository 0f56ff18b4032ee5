/** RabbitMQ's management pages: name and password in base64 with every call, no sign-in route, no challenge. */

import { expect, type Page, test } from "@playwright/test";

import * as rabbitmq from "../../real/rabbitmq.ts";
import { INES, OLENA, TOM } from "../../real/rabbitmq.ts";
import type { EventJson } from "../../stack/admintrail.ts";
import { refuseToAsk } from "../../stack/browser.ts";
import { compare, type RealStack, standUp, watchBrowser } from "../../stack/real.ts";
import { DESK } from "../../stack/test.ts";
import { expectBars, expectInOrder, pictureOfTrail, sentences } from "../../stack/told.ts";

test.skip(!rabbitmq.available(), "rabbitmq-server is not installed: apt-get install rabbitmq-server");

const WRONG = "wrong-Rabbit-pass-4711";
const ANNA = "anna-Rabbit-pass-2026";

let stack: RealStack;
let node: rabbitmq.RabbitMq;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(90_000);
  const start = async (folder: string) => (node = await rabbitmq.start(folder));
  stack = await standUp(browser, { name: "rabbitmq", start, open: /^\/(?!api\/(?!auth$))/ });
});

test.afterAll(async () => {
  test.setTimeout(60_000);
  await stack?.stop();
});

test("RabbitMQ: who did what, by the name that each call carries", async ({ browser }) => {
  test.setTimeout(150_000);
  const context = await browser.newContext({ ...DESK, baseURL: stack.url, acceptDownloads: true });
  const sent = watchBrowser(context, stack.url);
  const page = await context.newPage();
  page.on("dialog", (dialog) => void dialog.accept());
  await refuseToAsk(page);

  await page.goto("/");
  await signIn(page, OLENA.name, WRONG);
  await expect(page.getByText("Login failed")).toBeVisible();
  await signIn(page, "root", WRONG);
  await expect(page.getByText("Login failed")).toBeVisible();

  await enter(page, OLENA);
  await page.goto("/#/vhosts");
  await fill(page, "#/vhosts", { name: "shop" }, "Add virtual host");
  await expect(page.getByRole("link", { name: "shop" })).toBeVisible();

  await page.goto("/#/queues");
  await fill(page, "#/queues", { name: "orders" }, "Add queue");
  await expect(page.getByRole("link", { name: "orders", exact: true })).toBeVisible();
  await form(page, "#/queues").locator("select[name=vhost]").selectOption("shop");
  await fill(page, "#/queues", { name: "parcels" }, "Add queue");
  await expect(page.getByRole("link", { name: "parcels", exact: true })).toBeVisible();

  await page.goto("/#/exchanges");
  await fill(page, "#/exchanges", { name: "events" }, "Add exchange");
  await page.getByRole("link", { name: "events", exact: true }).click();
  await fill(page, "#/bindings", { destination: "orders", routing_key: "new" }, "Bind");
  await expect(page.getByRole("button", { name: "Unbind" })).toBeVisible();
  await open(page, "Publish message");
  await fill(page, "#/exchanges/publish", { routing_key: "new", payload: "Order 4711" }, "Publish message");
  await close(page, "Message published");

  await page.goto("/#/queues/%2F/orders");
  await open(page, "Get messages");
  await fill(page, "#/queues/get", {}, "Get Message(s)");
  await expect(page.getByText("Order 4711")).toBeVisible();
  await open(page, "Purge");
  await page.getByRole("button", { name: "Purge Messages" }).click();
  await close(page, "Queue purged");

  await page.goto("/#/users");
  await fill(page, "#/users-add", { username: "anna", password: ANNA, password_confirm: ANNA, tags: "monitoring" }, "Add user");
  await page.getByRole("link", { name: "anna", exact: true }).click();
  await fill(page, "#/permissions", { configure: "^shop" }, "Set permission");
  await page.getByRole("button", { name: "Clear" }).first().click();
  await expect(page.getByText("... no permissions ...").first()).toBeVisible();

  await page.goto("/#/policies");
  await open(page, "Add / update a policy");
  const policy = form(page, "#/policies");
  await policy.locator("input[name=name]").fill("short-lived");
  await policy.locator("input[name=pattern]").fill("^tmp");
  await policy.locator(".argument-link", { hasText: "Message TTL" }).click();
  await policy.locator("input[name=definition_1_mfvalue]").fill("60000");
  await policy.getByRole("button", { name: "Add / update policy" }).click();
  await expect(page.getByRole("link", { name: "short-lived" })).toBeVisible();

  await page.goto("/#/limits");
  await open(page, "Set / update a virtual host limit");
  await form(page, "#/limits").locator("select[name=vhost]").selectOption("shop");
  await fill(page, "#/limits", { value: "50" }, "Set / update limit");
  await expect(page.getByRole("cell", { name: "50" })).toBeVisible();

  await page.goto("/#/cluster-name");
  await fill(page, "#/cluster-name", { name: "warehouse" }, "Change name");
  await expect(page.getByText("Cluster warehouse")).toBeVisible();

  await page.goto("/#/");
  await open(page, "Export definitions");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download broker definitions" }).click();
  await (await download).path();
  // Long enough on one page that its refreshes are known for what they are.
  await page.waitForTimeout(27_000);

  await signOut(page);
  await enter(page, TOM);
  await page.goto("/#/queues/%2F/orders");
  await open(page, "Delete");
  await page.getByRole("button", { name: "Delete Queue" }).click();
  await expect(page).toHaveURL(/#\/queues$/);
  await page.goto("/#/users/anna");
  await open(page, "Delete this user");
  await form(page, "#/users").getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/#\/users$/);
  await signOut(page);

  await enter(page, INES);
  await page.goto("/#/queues");
  await refused(page, "/api/queues/%2F/mine", () => fill(page, "#/queues", { name: "mine" }, "Add queue"));
  await refused(page, "/api/users", () => page.goto("/#/users"));
  await signOut(page);
  await stack.counter.quiet();
  await context.close();

  const events = await stack.events();
  told(events);
  await expectBars(stack, sent, [WRONG, ANNA]);
  // Its own log leaves the query out.
  const bare = events.map((event) => ({ ...event, query: null }));
  const log = (await node.log()).map((seen) => ({ ...seen, who: undefined }));
  expect(log.length).toBeGreaterThan(100);
  expect(compare(bare, log).unrecorded).toEqual([]);
  await pictureOfTrail(browser, stack, "rabbitmq");
});

/** Each deed reads as a person would say it. */
function told(events: EventJson[]): void {
  expectInOrder(sentences(events), [
    // Nobody knows yet that there is an olena.
    "nobody: Failed sign-in as unknown name (5 characters)",
    "nobody: Failed sign-in as root, denied",
    "olena: Signed in or came back, success",
    "olena: Listed virtual hosts, success",
    "olena: Saved virtual host shop (vhost/shop), success",
    "olena: Listed queues, success",
    "olena: Created queue orders (queue/orders), success",
    "olena: Created queue parcels in shop (queue/shop/parcels), success",
    "olena: Created exchange events (exchange/events), success",
    "olena: Viewed exchange events (exchange/events), success",
    "olena: Bound queue orders to exchange events (queue/orders), success",
    "olena: Published a message to exchange events (exchange/events), success",
    "olena: Viewed queue orders (queue/orders), success",
    "olena: Read messages of queue orders (queue/orders), success",
    "olena: Purged queue orders (queue/orders), success",
    "olena: Listed users, success",
    "olena: Saved user anna (user/anna), success",
    "olena: Set permissions of user anna in / (user/anna), success",
    "olena: Deleted permissions of user anna in / (user/anna), success",
    "olena: Saved policy short-lived in / (policy/short-lived), success",
    "olena: Set limit max-connections of virtual host shop (vhost/shop), success",
    "olena: Changed cluster name (cluster), success",
    // By an address that holds name and password, and no header.
    "olena: Downloaded definitions (definitions), success",
    "tom: Signed in or came back, success",
    "tom: Deleted queue orders (queue/orders), success",
    "tom: Deleted user anna (user/anna), success",
    "ines: Signed in or came back, success",
    "ines: Denied: create queue mine (queue/mine), denied",
    "ines: Denied: listed users, denied",
  ]);
  const tries = events.filter((event) => event.known_by === "attempt");
  expect(tries.map((event) => [event.admin ?? null, event.path, event.status])).toEqual([
    [null, "/api/whoami", 401],
    [null, "/api/whoami", 401],
  ]);
  expect(events.filter((event) => event.query?.includes("auth=")).map((event) => event.query)).toEqual([
    expect.stringMatching(/&auth=\[redacted\]$/),
  ]);
  const refreshes = events.filter((event) => event.path === "/api/overview" && event.polling);
  expect(refreshes.length, "refreshes of the overview that are folded away").toBeGreaterThan(0);
}

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.locator("input[name=username]").fill(name);
  await page.locator("input[name=password]").fill(password);
  await page.getByRole("button", { name: "Login" }).click();
}

async function enter(page: Page, { name, password }: { name: string; password: string }): Promise<void> {
  await stack.counter.quiet();
  stack.counter.who(name);
  await signIn(page, name, password);
  await expect(page.getByText(`User ${name}`)).toBeVisible();
  await stack.counter.quiet();
}

/** Signing out asks nobody: the page forgets name and password, and loads itself anew. */
async function signOut(page: Page): Promise<void> {
  await stack.counter.quiet();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.locator("input[name=username]")).toBeVisible();
  await stack.counter.quiet();
  stack.counter.who(null);
}

const form = (page: Page, action: string) => page.locator(`form[action="${action}"]`).last();

/** Fills a form of the page, whether its section is folded or not, and sends it. */
async function fill(page: Page, action: string, fields: Record<string, string>, button: string): Promise<void> {
  const at = form(page, action);
  await expect(at).toBeAttached();
  const folded = at.locator("xpath=ancestor::div[starts-with(@class, 'section')][1]/h2");
  if (!(await at.isVisible())) await folded.click();
  for (const [name, value] of Object.entries(fields)) await at.locator(`[name="${name}"]`).fill(value);
  await at.getByRole("button", { name: button }).click();
}

async function open(page: Page, heading: string): Promise<void> {
  const title = page.locator("h2", { hasText: heading }).last();
  const inside = title.locator("xpath=following-sibling::*[1]");
  await expect(title).toBeVisible();
  if (!(await inside.isVisible())) await title.click();
}

/** The panel says that this is not for her. */
async function refused(page: Page, path: string, deed: () => Promise<unknown>): Promise<void> {
  const answer = page.waitForResponse((response) => new URL(response.url()).pathname === path);
  await deed();
  expect((await answer).status()).toBe(401);
}

async function close(page: Page, message: string): Promise<void> {
  const popup = page.locator(".form-popup-info, .form-popup-warn").filter({ hasText: message });
  await expect(popup).toBeVisible();
  await popup.getByText("Close").click();
}
