/** Flower, as it is, behind Admintrail: the browser itself asks for name and password, and keeps them. */

import { expect, type Page, test } from "@playwright/test";

import { available, OLENA, start, TOM, WORKER } from "../../real/flower.ts";
import type { EventJson } from "../../stack/admintrail.ts";
import { refuseToAsk } from "../../stack/browser.ts";
import { type RealStack, standUp, watchBrowser } from "../../stack/real.ts";
import { DESK } from "../../stack/test.ts";
import { expectBars, expectInOrder, pictureOfTrail, sentences } from "../../stack/told.ts";

const WRONG = "not-the-Password-4711";
const TASK = "billing.invoice";

test.skip(!available(), "Flower is not installed: pip install -r e2e/requirements.txt");

test("a day at Flower is recorded, named and readable", async ({ browser }) => {
  test.setTimeout(90_000);
  // Whoever sends no name is nobody.
  const stack = await standUp(browser, { name: "flower", start, open: /./ });
  try {
    const context = await browser.newContext(DESK);
    const sent = watchBrowser(context, stack.url);
    const page = await context.newPage();
    page.on("dialog", (dialog) => void dialog.accept().catch(() => {}));
    await refuseToAsk(page);
    const day = new Flower(page, stack);

    await day.trySignIn(OLENA.name, WRONG);
    await day.trySignIn("root", WRONG);
    await day.signIn(OLENA);
    const task = await day.deedsOfOlena();
    await day.trySignIn(OLENA.name, WRONG);
    await day.signIn(TOM);
    await day.deedsOfTom();

    const events = await stack.events();
    told(events, task);
    await expectBars(stack, sent, [WRONG]);
    await context.close();
    await pictureOfTrail(browser, stack, "flower");
  } finally {
    await stack.stop();
  }
});

/** What people do there, by what they see. */
class Flower {
  readonly page: Page;
  readonly stack: RealStack;

  constructor(page: Page, stack: RealStack) {
    this.page = page;
    this.stack = stack;
  }

  async goto(at: string): Promise<void> {
    await this.page.goto(`${this.stack.url}/${at}`);
    await this.stack.counter.quiet();
  }

  /** The browser goes on with this name and password; nobody is asked whether they are right. */
  async carry(name: string, password: string): Promise<void> {
    await this.page.goto("about:blank");
    await this.stack.counter.quiet();
    const pair = Buffer.from(`${name}:${password}`).toString("base64");
    await this.page.context().setExtraHTTPHeaders({ authorization: `Basic ${pair}` });
  }

  async trySignIn(name: string, password: string): Promise<void> {
    await this.carry(name, password);
    this.stack.counter.who(null);
    await this.goto("workers");
    await expect(this.page.getByText("Access denied")).toBeVisible();
    // Its pictures are for everybody.
    await this.goto("static/favicon.ico");
  }

  async signIn({ name, password }: typeof OLENA): Promise<void> {
    await this.carry(name, password);
    this.stack.counter.who(name);
    await this.goto("workers");
    await expect(this.page.getByRole("link", { name: WORKER })).toBeVisible();
  }

  async show(id: string): Promise<void> {
    await this.page.locator(`[id="${id}"]`).click();
  }

  /** Presses a button that makes a change. */
  async press(id: string): Promise<void> {
    const answer = this.page.waitForResponse((response) => response.request().method() === "POST");
    await this.show(id);
    await answer;
    await this.stack.counter.quiet();
  }

  async post(path: string, body = ""): Promise<string> {
    const ask = ([path, body]: readonly string[]) => fetch(path ?? "", { method: "POST", body: body ?? "" }).then((answer) => answer.text());
    const text = await this.page.evaluate(ask, [path, body]);
    await this.stack.counter.quiet();
    return text;
  }

  async deedsOfOlena(): Promise<string> {
    const { page } = this;
    await this.goto(`worker/${WORKER}`);
    await this.press("worker-pool-grow");
    await this.press("worker-pool-shrink");
    await page.locator("#min-autoscale").fill("1");
    await page.locator("#max-autoscale").fill("3");
    await this.press("worker-pool-autoscale");
    await this.show("worker-tab-queues");
    await page.locator("#add-consumer-name").fill("urgent");
    await this.press("worker-add-consumer");
    await this.goto(`worker/${WORKER}`);
    await this.show("worker-tab-queues");
    await this.press("worker-cancel-consumer-celery");
    await this.show("worker-tab-limits");
    await this.press(`task-rate-limit-${TASK}`);
    await this.goto("broker");
    const made = await this.post(`/api/task/async-apply/${TASK}`, '{"args":[4711]}');
    const task = (JSON.parse(made) as { "task-id": string })["task-id"];
    await this.goto("tasks");
    await this.goto(`task/${task}`);
    await this.page.evaluate((at) => fetch(at).then((answer) => answer.text()), `/api/task/result/${task}`);
    await this.post(`/api/task/revoke/${task}`);
    return task;
  }

  async deedsOfTom(): Promise<void> {
    await this.goto("api/tasks");
    await this.goto("api/task/types");
    await this.goto(`worker/${WORKER}`);
    await this.show("worker-group");
    await this.press("worker-shutdown");
  }
}

/** Each deed reads as a person would say it. */
function told(events: EventJson[], task: string): void {
  const worker = `worker ${WORKER} (worker/${WORKER})`;
  const shown = `task ${task.slice(0, 8)}… (task/${task})`;
  expectInOrder(sentences(events), [
    // Nobody knows yet that there is an olena; and a picture proves nobody.
    "nobody: Failed sign-in as unknown name (5 characters)",
    "nobody: Viewed static/favicon, success",
    "nobody: Failed sign-in as root, denied",
    "nobody: Viewed static/favicon, success",
    "olena: Listed workers, success",
    `olena: Viewed ${worker}, success`,
    `olena: Enlarged pool of ${worker}, success`,
    `olena: Reduced pool of ${worker}, success`,
    // It has a fixed size.
    `olena: Denied: set autoscaling of ${worker}, denied`,
    `olena: Added a queue to ${worker}, success`,
    `olena: Viewed ${worker}, success`,
    `olena: Took a queue from ${worker}, success`,
    `olena: Set rate limit of tasks ${TASK} (type/${TASK}), success`,
    "olena: Viewed broker, success",
    `olena: Sent a task ${TASK} (type/${TASK}), success`,
    "olena: Listed tasks, success",
    "olena: Searched tasks, success",
    `olena: Viewed ${shown}, success`,
    `olena: Viewed result of ${shown}, success`,
    `olena: Revoked ${shown}, success`,
    "nobody: Failed sign-in as olena, denied",
    "nobody: Viewed static/favicon, success",
    "tom: Listed workers, success",
    "tom: Listed tasks, success",
    "tom: Listed types of tasks, success",
    `tom: Viewed ${worker}, success`,
    `tom: Stopped ${worker}, success`,
  ]);
}
