/** The page in a real browser, against the running demonstration: what a person sees, and a setting that a person changes. */
import { existsSync } from "node:fs";
import { chromium, type Page } from "playwright-core";
import { expect, test } from "vitest";
import { startDemo } from "./testing/demo.ts";
import { PATIENCE_MS } from "./testing/programs.ts";

const BROWSER = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"].find((path) =>
  existsSync(path),
);
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
if (!BROWSER) console.warn("the page's test is skipped: no Chromium on this machine (apt install chromium)");

test.skipIf(!BROWSER)(
  "the page shows live values, and a target set on it reaches the pump and comes back as applied",
  { timeout: 2 * PATIENCE_MS },
  async ({ onTestFinished }) => {
    const demo = await startDemo(onTestFinished);
    const browser = await chromium.launch({ executablePath: BROWSER ?? "", args: FLAGS });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${demo.url}/#token=${demo.token}`);

    await see(page, '[data-testid="connection"][data-state="live"]');
    await see(page, '[data-testid="value-pump-pressure"]', /\d+\.\d/);
    await see(page, '[data-testid="value-climate-temperature"]', /-?\d+\.\d+/);
    expect(page.url()).not.toContain(demo.token);

    await page.fill('[data-testid="input-devices-pump-target"]', "640");
    await page.click('[data-testid="set-devices-pump-target"]');
    await see(page, '[data-testid="answer-devices-pump-target"][data-kind="applied"]');
    await see(page, '[data-testid="reported-devices-pump-target"]', /640/);
    // What the page says is what the board does.
    await expect
      .poll(async () => (await demo.readings("pump")).rows.at(-1)?.at(-1), { timeout: PATIENCE_MS })
      .toBe(640);

    await page.fill('[data-testid="input-devices-pump-target"]', "1200");
    await page.click('[data-testid="set-devices-pump-target"]');
    await see(page, '[data-testid="answer-devices-pump-target"][data-kind="refused"]', /200 to 1000/);

    // On a phone: live is one control, and nothing is wider than the screen.
    await page.setViewportSize({ width: 360, height: 780 });
    await page.click('[data-testid="watch-live"]');
    await see(page, '[data-testid="desired-live"]', /every 5 s until/);
    await see(page, '[data-testid="answer-live"][data-kind="applied"]');
    await page.click('[data-testid="stop-live"]');
    await see(page, '[data-testid="answer-live"][data-kind="file"]', /nobody watches/);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    expect(complaints).toEqual([]);
  },
);

async function see(page: Page, selector: string, text?: RegExp): Promise<void> {
  const found = page.locator(selector).filter(text ? { hasText: text } : {});
  try {
    await found.first().waitFor({ state: "visible", timeout: PATIENCE_MS });
  } catch (cause) {
    throw new Error(`${selector} didn't come; the page says:\n${await page.locator("body").innerText()}`, { cause });
  }
}

/** Errors of the page's scripts, and what its content security policy stopped. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return complaints;
}
