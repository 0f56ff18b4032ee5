/** Every page, light, dark and narrow: no finding of axe, nothing wider than the screen, big enough to touch. */

import { SIGHTS } from "../pages/all.ts";
import { findings, outside } from "../stack/axe.ts";
import { expect, picture, test } from "../stack/test.ts";

test.describe.configure({ timeout: 90_000 });

for (const { name, show, over } of SIGHTS) {
  test(`${name}: axe finds nothing, light and dark`, async ({ page, stack, day: _ }) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await show(page, stack);
      await picture(page, `${name}-${colorScheme}`);
      expect(await findings(page, over), colorScheme).toEqual([]);
    }
  });

  test(`${name}: fits a screen of 375 px, and can be touched there`, async ({ page, stack, day: _ }) => {
    await page.setViewportSize({ width: 375, height: 812 });
    await show(page, stack);
    await picture(page, `${name}-narrow`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(375);
    expect(await outside(page)).toEqual([]);
    expect(await findings(page, over)).toEqual([]);
  });
}

test("the pages before the sign-in: axe finds nothing", async ({ browser, server }) => {
  const trail = await server();
  const [setup] = await trail.program.says(/http:\/\/\S+\/setup\?token=[\w-]+/);
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  for (const [name, url] of [["login", `${trail.url}/login`], ["setup", setup], ["dead-link", `${trail.url}/setup?token=none`]] as const) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(url);
      await picture(page, `${name}-${colorScheme}`);
      expect(await findings(page), `${name} ${colorScheme}`).toEqual([]);
    }
    await page.setViewportSize({ width: 375, height: 812 });
    await picture(page, `${name}-narrow`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(375);
  }
  await context.close();
});

test("whatever has the focus of the keyboard shows it", async ({ page, stack, day: _ }) => {
  for (const { name, show } of SIGHTS.filter(({ name }) => ["requests", "requests-drawer", "settings-account"].includes(name))) {
    await show(page, stack);
    for (let at = 0; at < 30; at += 1) {
      await page.keyboard.press("Tab");
      const seen = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) return undefined;
        // The ring may be drawn by what surrounds the field.
        const rings = [element, element.parentElement, element.nextElementSibling].filter((one) => one !== null);
        const shown = rings.some((one) => {
          const style = getComputedStyle(one);
          return (style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
        });
        return { shown, what: element.outerHTML.slice(0, 120) };
      });
      if (seen !== undefined) expect(seen.shown, `${name}: ${seen.what}`).toBe(true);
    }
  }
});
