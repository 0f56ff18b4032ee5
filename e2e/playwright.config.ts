import { defineConfig } from "@playwright/test";

// One stack (Django, Admintrail, Chromium) a worker. A test that passes only when repeated has
// failed, so nothing is repeated.
export default defineConfig({
  testDir: "tests",
  globalSetup: "./stack/clean.ts",
  outputDir: "artifacts/failures",
  fullyParallel: false,
  workers: Number(process.env.E2E_WORKERS ?? 2),
  retries: 0,
  forbidOnly: true,
  timeout: 30_000,
  expect: { timeout: 7_000 },
  reporter: [["list"], ["json", { outputFile: "artifacts/report.json" }]],
  use: {
    browserName: "chromium",
    actionTimeout: 7_000,
    navigationTimeout: 10_000,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
