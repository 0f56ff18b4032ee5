/** What an admin does in Django's admin site. */

import { expect, type Page } from "@playwright/test";

import { PANEL_PASSWORD } from "../stack/django.ts";

export class Panel {
  readonly page: Page;
  readonly url: string;

  constructor(page: Page, url: string) {
    this.page = page;
    this.url = url;
  }

  async goto(path: string): Promise<void> {
    await this.page.goto(`${this.url}${path}`);
  }

  /** Fills the sign-in form, whatever comes of it. */
  async trySignIn(name: string, password: string): Promise<void> {
    await this.goto("/admin/login/?next=/admin/");
    await this.page.getByLabel("Username:").fill(name);
    await this.page.getByLabel("Password:").fill(password);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.waitForLoadState();
  }

  async signIn(name: string): Promise<void> {
    await this.trySignIn(name, PANEL_PASSWORD);
    await expect(this.page.getByRole("button", { name: "Log out" })).toBeVisible();
  }

  async signOut(): Promise<void> {
    await this.page.getByRole("button", { name: "Log out" }).click();
    await expect(this.page.getByRole("heading", { name: "Logged out" })).toBeVisible();
  }

  /** Opens the list of users and there the form of this one; returns its id. */
  async openUser(name: string): Promise<string> {
    await this.goto("/admin/auth/user/");
    await this.page.getByRole("link", { name, exact: true }).click();
    await expect(this.page.getByRole("heading", { name: "Change user" })).toBeVisible();
    const id = /\/user\/(\d+)\/change\//.exec(this.page.url())?.[1];
    if (id === undefined) throw new Error(`no user id in ${this.page.url()}`);
    return id;
  }

  async editUser(name: string, lastName: string): Promise<string> {
    const id = await this.openUser(name);
    await this.page.getByLabel("Last name:").fill(lastName);
    await this.page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(this.page.getByText("was changed successfully")).toBeVisible();
    return id;
  }

  async addUser(name: string): Promise<string> {
    await this.goto("/admin/auth/user/add/");
    await this.page.getByLabel("Username:").fill(name);
    await this.page.getByLabel("Password:", { exact: true }).fill("long-enough-4711");
    await this.page.getByLabel("Password confirmation:").fill("long-enough-4711");
    await this.page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(this.page.getByText("was added successfully")).toBeVisible();
    return /\/user\/(\d+)\/change\//.exec(this.page.url())?.[1] ?? "";
  }

  async deleteUser(name: string): Promise<string> {
    const id = await this.openUser(name);
    await this.page.getByRole("link", { name: "Delete" }).click();
    await this.page.getByRole("button", { name: "Yes, I’m sure" }).click();
    await expect(this.page.getByText("was deleted successfully")).toBeVisible();
    return id;
  }
}
