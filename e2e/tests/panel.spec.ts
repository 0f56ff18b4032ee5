/** The panel works through Admintrail as it does without it. */

import { expect, test } from "../stack/test.ts";

test("an admin signs in, edits, adds and deletes users, and signs out, through the proxy", async ({ atPanel }) => {
  const panel = await atPanel("198.18.9.9");
  await panel.signIn("olena");
  await panel.editUser("client01", "Northwind");
  await panel.addUser("newcomer");
  await panel.deleteUser("newcomer");
  await panel.signOut();
  await panel.goto("/admin/auth/user/");
  await expect(panel.page).toHaveURL(/\/admin\/login\/\?next=\/admin\/auth\/user\/$/);
});
