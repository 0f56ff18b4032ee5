/** The page in a proof pack: it finds a good pack good, and everything that was tampered with. */

import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, test as base } from "@playwright/test";

import { Packs } from "../stack/pack.ts";
import { picture, watch } from "../stack/test.ts";

const test = base.extend<{ checker: Page }, { packs: Packs }>({
  packs: [
    async ({}, use) => {
      const packs = await Packs.make();
      await use(packs);
      packs.remove();
    },
    { scope: "worker" },
  ],
  /** The page as somebody opens it from the disk; it may ask nothing of anybody. */
  checker: async ({ page, packs }, use) => {
    const complaints: string[] = [];
    watch(page, complaints);
    page.on("request", (request) => {
      if (!/^(file|data|blob):/.test(request.url())) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(packs.page);
    await use(page);
    expect(complaints).toEqual([]);
  },
});

async function choose(page: Page, files: string | string[]): Promise<void> {
  await page.locator("input[type=file]").setInputFiles(files);
}

async function verdict(page: Page, expected: "good" | "tampered" | "unknown"): Promise<void> {
  await expect(page.locator("#verdict:not([data-verdict=checking])")).toHaveAttribute("data-verdict", expected);
}

async function faults(page: Page): Promise<string[]> {
  return (await page.locator("#faults li").allTextContents()).map((text) => text.trim());
}

test.describe("a good pack", () => {
  test("is good as a zip, and says what is left to do", async ({ checker, packs }) => {
    await choose(checker, packs.path("good.zip"));
    await verdict(checker, "good");
    const result = checker.locator("#result");
    await expect(result).toContainText("31 of 36 rows as recorded, 5 as an erasure left them");
    await expect(result).toContainText("the key that came with the pack. Compare that key");
    await expect(result).toContainText("31 rows are in the ledger as they were recorded");
    await expect(result).toContainText("5 rows are in the ledger as an erasure left them");
    await expect(result).toContainText("events.csv says the same.");
    await expect(result).toContainText("Compare the key with one from somewhere else");
    await expect(result).toContainText(packs.text("good/key.txt").trim());
    await expect(result).toContainText("panel:billing -method:HEAD");
    await expect(checker.locator(".row")).toHaveCount(36);
    await expect(checker.locator(".row.changed")).toHaveCount(0);
  });

  test("tells what an erasure left from what was recorded", async ({ checker, packs }) => {
    await choose(checker, packs.path("good.zip"));
    await verdict(checker, "good");
    const left = "the row is what the erasure left; what stood there before is kept by its hash alone";
    const told = "erased on 2026-11-18 11:07:35 UTC by olena@example.org";
    const both = `${told} (approved by jonas@example.org): ${left}`;
    await expect(checker.locator("#result")).toContainText(`Events 15, 18 to 19, now erased-7f30: ${both}.`);
    await expect(checker.locator("#result")).toContainText(`Events 34, 37, now erased-7f31: ${told}: ${left}.`);
    await expect(checker.locator(".row.erased")).toHaveCount(5);
    const row = checker.locator(".row.erased").first();
    await expect(row.getByRole("img", { name: "as the erasure left it" })).toBeVisible();
    await row.locator("summary").click();
    const was = /"seq":15,"salt":"[0-9a-f]+","was":"([0-9a-f]+)"/.exec(packs.text("good/events.ndjson"))?.[1];
    await expect(row.locator(".left")).toHaveText(`E${both.slice(1)}: ${was}`);
  });

  test("lists what is said to be kept elsewhere, to be compared", async ({ checker, packs }) => {
    await choose(checker, packs.path("good.zip"));
    await verdict(checker, "good");
    const ledger = checker.locator(".card", { hasText: "Kept elsewhere" });
    await expect(ledger).toContainText("Compare these with the copies there");
    const { anchors } = JSON.parse(packs.text("good/pack.json")) as { anchors: { root: string }[] };
    const places = await ledger.locator("li").allTextContents();
    expect(places).toEqual([
      `backup-host, 2026-11-18 11:07:40 UTC: the first 2 entries; not all rows are among them${anchors[0]?.root}`,
      `marek@hosting.example, 2026-11-18 11:07:40 UTC: the first 5 entries; not all rows are among them${anchors[1]?.root}`,
      `backup-host, 2026-11-18 11:07:40 UTC: the first 9 entries${anchors[2]?.root}`,
    ]);
  });

  test("is good as files, and as a zip that is dropped", async ({ checker, packs }) => {
    await choose(checker, packs.files());
    await verdict(checker, "good");
    await checker.reload();
    const base64 = readFileSync(packs.path("good.zip")).toString("base64");
    await checker.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], "good.zip"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    }, base64);
    await verdict(checker, "good");
  });

  test("is good without the table, and says so", async ({ checker, packs }) => {
    await choose(checker, packs.files("events.csv"));
    await verdict(checker, "good");
    await expect(checker.locator("#result")).toContainText("events.csv is not here");
  });

  test("is good in a browser that knows neither Ed25519 nor any other cryptography", async ({ page, packs }) => {
    await page.addInitScript(() => Object.defineProperty(Crypto.prototype, "subtle", { value: undefined }));
    await page.goto(packs.page);
    await choose(page, packs.path("good.zip"));
    await verdict(page, "good");
    const wrong = packs.cases.find((one) => one.name === "signature");
    await page.reload();
    await choose(page, packs.path(wrong?.file ?? ""));
    await verdict(page, "tampered");
  });

  test("shows whatever stands in an event as text", async ({ checker, packs }) => {
    await choose(checker, packs.path("good.zip"));
    await verdict(checker, "good");
    for (const [seq, text] of [["8", "a=\"b\"\\&c='d'</script><!--"], ["8", "/nul/\\u{0}/\\u{1}"], ["7", "\\u{202e}evil\\u{2028}"]]) {
      const row = checker.locator(".row").filter({ has: checker.locator(".seq", { hasText: new RegExp(`^${seq}$`) }) });
      if (!(await row.getAttribute("open").then((open) => open !== null))) await row.locator("summary").click();
      await expect(row.locator("dl")).toContainText(text ?? "");
    }
  });
});

test("every way to tamper is found, and the row is named", async ({ checker, packs }) => {
  test.setTimeout(300_000);
  const { cases } = packs;
  expect(cases.length).toBeGreaterThan(90);
  for (const { name, file, finds } of cases) {
    await test.step(name, async () => {
      await checker.goto(packs.page);
      await choose(checker, packs.path(file));
      await verdict(checker, "tampered");
      const found = await faults(checker);
      expect(found.filter((fault) => fault.startsWith(finds)), `${name}: ${finds} in ${found.join(" | ")}`).not.toEqual([]);
      const [, line] = /^line (\d+), event \d+: (?!it stands|it is not in the order)/.exec(finds) ?? [];
      if (line && Number(line) <= 36) await expect(checker.locator(".row.changed").first()).toBeVisible();
    });
  }
});

test.describe("what somebody kept", () => {
  test("the right key and an earlier checkpoint make it better", async ({ checker, packs }) => {
    await choose(checker, packs.path("good.zip"));
    await verdict(checker, "good");
    await checker.locator("#own > summary").click();
    await checker.getByLabel("Verification key").fill(packs.text("good/key.txt"));
    await checker.getByLabel("Checkpoint", { exact: false }).last().fill(packs.text("kept"));
    await checker.locator("#kept").blur();
    const result = checker.locator("#result");
    await expect(result).toContainText("the key you gave");
    await expect(result).toContainText("The ledger begins with the checkpoint you gave");
    await verdict(checker, "good");
  });

  test("another key, or a checkpoint by another key, is told", async ({ checker, packs }) => {
    await choose(checker, packs.path("other.zip"));
    await verdict(checker, "good");
    await checker.locator("#own > summary").click();
    await checker.locator("#kept").fill(packs.text("kept"));
    await checker.locator("#kept").blur();
    await verdict(checker, "tampered");
    expect(await faults(checker)).toContainEqual(expect.stringContaining("the checkpoint you gave: it is not signed by the key"));
    await checker.locator("#kept").fill("");
    await checker.locator("#key").fill(packs.text("good/key.txt"));
    await checker.locator("#key").blur();
    await expect(checker.locator("#faults")).toContainText("key.txt: it is not the key you gave");
  });

  test("a key that was mistyped says nothing of the pack", async ({ checker, packs }) => {
    await checker.locator("#own > summary").click();
    await checker.locator("#key").fill("hi");
    await choose(checker, packs.path("good.zip"));
    await verdict(checker, "unknown");
  });

  test("what is no checkpoint cannot be compared with", async ({ checker, packs }) => {
    await checker.locator("#own > summary").click();
    await checker.locator("#kept").fill("hello");
    await choose(checker, packs.path("good.zip"));
    await verdict(checker, "unknown");
  });
});

test("what is not there cannot be checked", async ({ checker, packs }) => {
  for (const name of ["events.ndjson", "pack.json", "checkpoint", "key.txt"]) {
    await checker.goto(packs.page);
    await choose(checker, packs.files(name));
    await verdict(checker, "unknown");
    await expect(checker.locator("#verdict")).toContainText(`${name} is missing`);
  }
});

test("hashes and signatures are those of OpenSSL", async ({ checker }) => {
  const messages = [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000].map((length) => Buffer.alloc(length, length));
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const other = generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  for (const message of messages) {
    const signature = sign(null, message, privateKey);
    const answer = await checker.evaluate(
      ({ message, key, other, signature }) => {
        const page = window as unknown as Record<string, (...bytes: Uint8Array[]) => never>;
        const [m, k, o, s] = [message, key, other, signature].map((bytes) => Uint8Array.from(bytes)) as Uint8Array[] & { length: 4 };
        const call = (name: string, ...bytes: (Uint8Array | undefined)[]) => page[name]?.(...(bytes as Uint8Array[])) as unknown;
        const turned = s?.slice().fill(1, 3, 4);
        return [
          call("hex", call("sha256", m) as Uint8Array),
          call("hex", call("sha512", m) as Uint8Array),
          call("signedByFormula", k, m, s),
          call("signedByFormula", o, m, s),
          call("signedByFormula", k, m, turned),
        ];
      },
      { message: [...message], key: [...key], other: [...other], signature: [...signature] },
    );
    const hash = (name: string) => createHash(name).update(message).digest("hex");
    expect(answer).toEqual([hash("sha256"), hash("sha512"), true, false, signature[3] === 1]);
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1280, 375]) {
    test(`it can be read: ${colorScheme}, ${width} px`, async ({ checker, packs }) => {
      await checker.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await checker.setViewportSize({ width, height: width === 375 ? 812 : 900 });
      const wrong = packs.cases.find((one) => one.name === "rows exchanged");
      for (const [state, file] of [["start", ""], ["good", "good.zip"], ["tampered", wrong?.file ?? ""]]) {
        await checker.goto(packs.page);
        if (file) {
          await choose(checker, packs.path(file));
          await verdict(checker, state as "good" | "tampered");
        }
        const wide = await checker.evaluate(() => document.documentElement.scrollWidth);
        expect(wide).toBeLessThanOrEqual(width);
        const { violations } = await new AxeBuilder({ page: checker }).analyze();
        expect(violations.map((one) => `${one.id}: ${one.nodes.map((at) => at.html).join(" ")}`)).toEqual([]);
        await picture(checker, `proof-pack-${state}-${colorScheme}-${width}`, true);
      }
    });
  }
}
