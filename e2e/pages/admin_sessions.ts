/** Monitoring → Admin Sessions, as somebody uses it. */

import { expect, type Locator, type Page } from "@playwright/test";

export const PATH = "/monitoring/admin-sessions";

/** The columns of the list, by their headings. */
export const COLUMNS = [
  "Date",
  "Admin",
  "IP address",
  "Type",
  "Method",
  "Action and URL",
  "Status",
  "Session",
  "Duration",
] as const;

export type Column = (typeof COLUMNS)[number];

/** What one row shows, by column. */
export type Row = Record<Column, string>;

export class AdminSessions {
  readonly page: Page;
  readonly url: string;
  readonly rows: Locator;
  readonly box: Locator;
  readonly drawer: Locator;
  readonly pager: Locator;
  /** `51–100 of 41,208` */
  readonly span: Locator;
  readonly chips: Locator;
  readonly hideMe: Locator;

  constructor(page: Page, url: string) {
    this.page = page;
    this.url = url;
    this.rows = page.locator("table.requests tbody tr[data-event]");
    this.box = page.getByRole("searchbox", { name: "Filter" });
    this.drawer = page.getByRole("complementary", { name: "Request" });
    this.pager = page.locator("[data-pager]");
    this.span = page.locator("[data-span]");
    this.chips = page.locator("[data-chip]");
    this.hideMe = page.getByRole("switch", { name: "Hide me" });
  }

  /** Opens a view by its address. */
  async open(view: Record<string, string> = {}, path: string = PATH): Promise<void> {
    const query = new URLSearchParams(view).toString();
    await this.page.goto(`${this.url}${path}${query && `?${query}`}`);
  }

  /** Types filter words into the box. */
  async search(words: string): Promise<void> {
    await this.box.fill(words);
    await this.box.press("Enter");
  }

  /** Opens one of the menus. */
  async menu(name: "range" | "views" | "refresh" | "share" | "export" | "size"): Promise<void> {
    await this.page.locator(`details[data-menu="${name}"] > summary`).click();
  }

  /** Picks an entry of the refresh menu, as the menu calls it. */
  async refresh(choice: "Off" | "Every 5 s" | "Every 10 s" | "Every 30 s" | "Every 60 s" | "Live"): Promise<void> {
    await this.menu("refresh");
    await this.page.getByRole("button", { name: choice, exact: true }).click();
    await expect(this.page.locator("[data-refresh-label]")).toHaveText(choice.replace("Every ", ""));
  }

  row(text: string | RegExp): Locator {
    return this.rows.filter({ hasText: text });
  }

  /** What all rows show. */
  async read(): Promise<Row[]> {
    const cells = await this.rows.evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll("td")].map((cell) => (cell.textContent ?? "").trim().replaceAll(/\s+/g, " "))),
    );
    return cells.map((texts) => {
      const entries = COLUMNS.map((column, at) => [column, texts[at] ?? ""]);
      return Object.fromEntries(entries) as Row;
    });
  }

  /** Path and query of the rows, in their order. */
  async urls(): Promise<string[]> {
    return this.rows.evaluateAll((rows) =>
      rows.map((row) => row.querySelector(".url")?.getAttribute("title") ?? ""),
    );
  }

  /** The paths of the rows, in their order. */
  async paths(): Promise<string[]> {
    return (await this.urls()).map((url) => url.split("?")[0] ?? "");
  }

  /** How many rows the page says that there are: `1–50 of 1,234` → 1234. */
  async total(): Promise<number> {
    const text = (await this.span.textContent()) ?? "";
    return Number(/of ([\d,]+)/.exec(text)?.[1]?.replaceAll(",", ""));
  }

  /** Opens the drawer of a row. */
  async openRow(row: Locator): Promise<void> {
    await row.locator("[data-open-event]").click();
    await expect(this.drawer).toBeVisible();
  }
}
