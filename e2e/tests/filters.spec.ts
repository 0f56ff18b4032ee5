/** Filter words, chips, and mistakes in them. */

import { AdminSessions } from "../pages/admin_sessions.ts";
import { oneOfEachKind } from "../stack/data.ts";
import { expect, test } from "../stack/test.ts";

/** Words and the requests that they find among one of each kind, newest first. */
const WORDS: [string, string[]][] = [
  ["admin:olena", ["/gone", "/api/settings/mail", "/client/1"]],
  ["admin:olena@hosting.example", ["/gone", "/api/settings/mail", "/client/1"]],
  ['admin:"Olena Kravets"', ["/gone", "/api/settings/mail", "/client/1"]],
  ["admin:OLENA,tom status:4xx", ["/gone", "/api/client/4711"]],
  ["admin:ole", []],
  ["admin:ole*", ["/gone", "/api/settings/mail", "/client/1"]],
  ["ip:198.51.100.0/24", ["/gone", "/api/settings/mail", "/client/1"]],
  ["ip:45.83.64.11", ["/login"]],
  ["type:api", ["/api/client/4711", "/api/settings/mail"]],
  ["type:WEB method:GET", ["/gone", "/report", "/client/1"]],
  ["method:PUT,DELETE", ["/api/client/4711", "/api/settings/mail"]],
  ["-method:GET", ["/login", "/api/client/4711", "/api/settings/mail"]],
  ["status:4xx", ["/gone", "/login", "/api/client/4711"]],
  ["status:403", ["/api/client/4711"]],
  ["status:400-403", ["/login", "/api/client/4711"]],
  ["status:>=500", ["/report"]],
  ["outcome:denied", ["/login", "/api/client/4711"]],
  ["outcome:error,failed", ["/gone", "/report"]],
  ["outcome:success -type:api", ["/client/1"]],
  ["path:/api/", ["/api/client/4711", "/api/settings/mail"]],
  ["query:notes", ["/client/1"]],
  ['action:"changed settings"', ["/api/settings/mail"]],
  ["session:77f0", ["/gone", "/api/settings/mail", "/client/1"]],
  ["agent:firefox", ["/gone", "/api/settings/mail", "/client/1"]],
  ["agent:curl", ["/login"]],
  ["duration:>500ms", ["/report", "/api/settings/mail"]],
  ["duration:<=3ms", ["/gone", "/client/1"]],
  ["object:client/4711", ["/api/client/4711"]],
  ["attempted:root", ["/login"]],
  ["known_by:attempt", ["/login"]],
  ["is:unknown", ["/login"]],
  ["is:change", ["/api/settings/mail"]],
  ["-is:unknown status:4xx", ["/gone", "/api/client/4711"]],
  ["4711", ["/api/client/4711"]],
  ["SETTINGS", ["/api/settings/mail"]],
  ["203.0.113", ["/report", "/api/client/4711"]],
  ["kravets client", ["/client/1"]],
  ["nothing-has-this-word", []],
];

test.describe("filter words", () => {
  test.beforeAll(async ({ stack }) => {
    await stack.trail.take("words", oneOfEachKind());
  });

  test("each word finds what it says", async ({ page, stack }) => {
    test.setTimeout(60_000);
    const list = new AdminSessions(page, stack.trail.url);
    for (const [words, found] of WORDS) {
      await list.open({ q: `panel:words ${words}` });
      expect(await list.paths(), words).toEqual(found);
    }
  });

  test("background refreshes and assets are folded behind a chip that shows them", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:words" });
    await expect(list.rows).toHaveCount(6);
    const chip = list.chips.filter({ hasText: "hidden" });
    await expect(chip).toHaveText(/1 file and 1 background refresh hidden/);
    await page.getByRole("link", { name: /^Show 1 file and 1 background refresh/ }).click();
    await expect(list.rows).toHaveCount(8);
    expect(await list.paths()).toContain("/heartbeat");
    expect(await list.paths()).toContain("/style.css");
    await page.getByRole("link", { name: /^Hide files and background refreshes/ }).click();
    await expect(list.rows).toHaveCount(6);
  });

  test("is:polling and is:asset show what is folded otherwise", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:words is:polling" });
    await expect(list.rows).toHaveCount(1);
    await expect(list.rows).toContainText("/heartbeat");
    await list.open({ q: "panel:words is:asset" });
    await expect(list.rows).toHaveCount(1);
    await expect(list.rows).toContainText("/style.css");
  });

  test("typing in the box filters, and chips say the same as the box", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open();
    await list.search('panel:words -method:GET action:"changed settings"');
    await expect(list.rows).toHaveCount(1);
    await expect(list.rows).toContainText("/api/settings/mail");
    await expect(page).toHaveURL((url) => url.searchParams.get("q") === 'panel:words -method:GET action:"changed settings"');
    await expect(list.chips.filter({ hasText: "not method: GET" })).toBeVisible();
    await expect(list.chips.filter({ hasText: "panel: words" })).toBeVisible();
    await page.getByRole("link", { name: /^Remove action/ }).click();
    await expect(list.rows).toHaveCount(3);
    await expect(list.box).toHaveValue("panel:words -method:GET");
    await page.getByRole("link", { name: "Remove not method: GET" }).click();
    await expect(list.rows).toHaveCount(6);
    await expect(list.box).toHaveValue("panel:words");
  });

  test("a mistake gets a message that points at the word, never an empty list", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    const mistakes: [string, string][] = [
      ["panel:words statu:404", "statu"],
      ["panel:words status:abc", "abc"],
      ["panel:words ip:300.1.2.3", "300.1.2.3"],
      ["panel:words session:7", "7"],
      ["panel:words is:purple", "purple"],
      ['panel:words action:"unclosed', "unclosed"],
      ["panel:words duration:>fast", "fast"],
    ];
    for (const [words, culprit] of mistakes) {
      await list.open({ q: words });
      const message = page.locator("#q-error");
      await expect(message, words).toContainText(culprit);
      await expect(page.locator("#q-error mark"), words).toContainText(culprit);
      await expect(list.box).toHaveValue(words);
      await expect(page.getByText("Nothing matches"), words).toBeHidden();
    }
  });

  test("the view Denied shows the failed and the forbidden in one click", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open();
    await page.getByRole("link", { name: "Denied", exact: true }).click();
    await expect(list.box).toHaveValue("outcome:denied");
    await expect(list.row("/api/client/4711")).not.toHaveCount(0);
    await expect(list.row("Viewed client 1")).toHaveCount(0);
    await page.getByRole("link", { name: "Denied", exact: true }).click();
    await expect(list.box).toHaveValue("");
  });

  test("when nothing matches, the page says so and offers to clear the filters", async ({ page, stack }) => {
    const list = new AdminSessions(page, stack.trail.url);
    await list.open({ q: "panel:words nothing-has-this-word" });
    await expect(page.getByText("Nothing matches.")).toBeVisible();
    await page.locator("[data-empty]").getByRole("link", { name: "Clear filters" }).click();
    await expect(list.box).toHaveValue("");
    await expect(list.rows).not.toHaveCount(0);
  });
});
