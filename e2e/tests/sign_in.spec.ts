/** Getting in to Admintrail itself, and staying out of it. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { addOwner, DESK, expect, OWNER, signedIn, test, watch } from "../stack/test.ts";

const NOBODY = { storageState: { cookies: [], origins: [] } };

test("the first start prints a link that makes the owner's account, once", async ({ browser, server, complaints }) => {
  const trail = await server();
  const [link] = await trail.program.says(/http:\/\/\S+\/setup\?token=[\w-]+/);
  const context = await browser.newContext({ ...DESK, ...NOBODY });
  const page = await context.newPage();
  watch(page, complaints);
  await page.goto(link);
  await page.getByLabel("E-mail").fill("first@hosting.example");
  await page.getByLabel("Name", { exact: true }).fill("First Owner");
  await page.getByLabel("Password", { exact: true }).fill("a-good-long-password");
  await page.locator("[name=identities]").fill("olena");
  await page.getByRole("main").getByRole("button").click();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
  const again = await page.goto(link);
  expect(again?.status()).toBe(410);
  await expect(page.getByRole("main")).toContainText("This link has been used");
  await context.close();
});

test("a wrong password and an unknown e-mail get the same answer", async ({ browser, server }) => {
  const trail = await server();
  await addOwner(trail);
  const page = await browser.newPage(NOBODY);
  const answers: string[] = [];
  for (const email of [OWNER.email, "nobody@hosting.example"]) {
    await page.goto(`${trail.url}/login`);
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill("not-the-password");
    await page.getByRole("button", { name: "Sign in" }).click();
    const alert = page.getByRole("alert");
    await expect(alert).toContainText("E-mail or password is wrong.");
    answers.push((await alert.textContent()) ?? "");
    await expect(page.getByLabel("E-mail")).toHaveValue(email);
    await expect(page.getByLabel("Password", { exact: true })).toHaveValue("");
  }
  expect(answers[0]).toBe(answers[1]);
  await page.close();
});

test("guessing is slowed down, and says for how long", async ({ browser, server }) => {
  const trail = await server();
  await addOwner(trail);
  const page = await browser.newPage(NOBODY);
  const alert = page.getByRole("alert");
  for (let at = 0; at < 12; at += 1) {
    await page.goto(`${trail.url}/login`);
    await page.getByLabel("E-mail").fill(OWNER.email);
    await page.getByLabel("Password", { exact: true }).fill(`guess-${at}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(alert).toBeVisible();
    if (/Try again in \d+ s/.test((await alert.textContent()) ?? "")) break;
  }
  await expect(alert).toContainText(/Try again in \d+ s/);
  await page.close();
});

test("a failed sign-in to Admintrail is on record too, and names nobody", async ({ browser, server }) => {
  const trail = await server();
  await addOwner(trail);
  const page = await browser.newPage(NOBODY);
  await page.goto(`${trail.url}/login`);
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password", { exact: true }).fill("not-the-password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.close();
  const context = await browser.newContext({ storageState: await signedIn(browser, trail) });
  const list = new AdminSessions(await context.newPage(), trail.url);
  await list.open({ q: "panel:admintrail known_by:attempt" });
  await expect(list.row(`Failed sign-in as ${OWNER.email}`)).toHaveCount(1);
  await expect(list.row(`Failed sign-in as ${OWNER.email}`)).toContainText("Unknown");
  await list.open({ q: `panel:admintrail admin:${OWNER.email}` });
  await expect(list.row("Signed in")).toHaveCount(1);
  await context.close();
});

test("signing out ends the session, in this browser and for anyone who copied its cookie", async ({ browser, server }) => {
  const trail = await server();
  await addOwner(trail);
  const state = await signedIn(browser, trail);
  const cookie = state.cookies.find((cookie) => cookie.name === "admintrail_session");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  expect(cookie?.value.length).toBeGreaterThanOrEqual(22);
  const copied = { headers: { cookie: `admintrail_session=${cookie?.value}` } };
  expect((await fetch(`${trail.url}/api/v1/events`, copied)).status).toBe(200);
  const context = await browser.newContext({ storageState: state });
  const page = await context.newPage();
  await page.goto(trail.url);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);
  expect((await fetch(`${trail.url}/api/v1/events`, copied)).status).toBe(401);
  await page.goto(`${trail.url}/monitoring/admin-sessions`);
  await expect(page).toHaveURL(/\/login\?next=/);
  await context.close();
});

test("a page of another origin cannot change anything in the owner's name", async ({ own: page, stack }) => {
  // The panel is another port of the same host: the cookie is sent along, so the origin decides.
  await page.goto(`${stack.django.url}/admin/login/`);
  await page.evaluate((action) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = action;
    form.innerHTML = '<input name="hide_me" value="1">';
    document.body.append(form);
    HTMLFormElement.prototype.submit.call(form);
  }, `${stack.trail.url}/settings/account/preferences`);
  await expect(page.locator("body")).toContainText("came from another site");
  await page.goto(`${stack.trail.url}/monitoring/admin-sessions`);
  await expect(page.getByRole("switch", { name: "Hide me" })).toHaveAttribute("aria-checked", "false");
  for (const origin of ["https://evil.example", "null"]) {
    const answer = await page.request.post(`${stack.trail.url}/logout`, { headers: { origin }, maxRedirects: 0 });
    expect(answer.status(), origin).toBe(403);
  }
  await page.reload();
  await expect(page.getByRole("switch", { name: "Hide me" })).toBeVisible();
});

test("pages cannot be framed, sniffed or made to run scripts of others", async ({ page, stack }) => {
  for (const path of ["/login", "/monitoring/admin-sessions", "/nothing-here", "/api/v1/events"]) {
    const answer = await page.request.get(`${stack.trail.url}${path}`);
    const headers = answer.headers();
    const csp = headers["content-security-policy"] ?? "";
    expect(csp, path).toContain("frame-ancestors 'none'");
    expect(csp, path).not.toContain("unsafe-");
    expect(csp, path).toMatch(/default-src '(none|self)'/);
    expect(headers["x-content-type-options"], path).toBe("nosniff");
    expect(headers["referrer-policy"], path).toMatch(/^(no-referrer|same-origin)$/);
    expect(headers["x-frame-options"], path).toBe("DENY");
  }
});
