// Time until every panel of our Request Metrics dashboard shows data, after a warm load. Run: npm run bench:dashboard
import { setTimeout as sleep } from "node:timers/promises";
import { openBrowser } from "../test/support/browser.ts";
import { Stack } from "../test/support/stack.ts";

const ROUNDS = 7;
const WARM_UP_MS = 60_000;
const TARGET_MS = 500;
const PAGE = "/d/gatewayz-request-metrics";

const browser = await openBrowser();
const stack = await Stack.start();
await sleep(WARM_UP_MS);
const page = await browser.newPage({ viewport: { width: 1600, height: 2400 } });
const times: number[] = [];
let panels = 0;
for (let round = 0; round <= ROUNDS; round++) {
  const startedAtMs = performance.now();
  await page.goto(stack.url("dashboards") + PAGE, { waitUntil: "commit" });
  await page.waitForFunction(
    () => {
      const all = [...document.querySelectorAll<HTMLElement>("[data-panel-id]")];
      return all.length >= 10 && all.every((panel) => panel.dataset["panelState"] === "data");
    },
    undefined,
    { polling: 10, timeout: 30_000 },
  );
  // The first load fills the browser's cache and the engines' own; it is not counted.
  if (round > 0) times.push(performance.now() - startedAtMs);
  panels = await page.locator("[data-panel-id]").count();
}
times.sort((left, right) => left - right);
console.log(
  `${panels} panels complete after a warm load: median ${times[Math.floor(ROUNDS / 2)]!.toFixed(0)} ms, ${times[0]!.toFixed(0)} to ${times.at(-1)!.toFixed(0)} ms over ${ROUNDS} (target ${TARGET_MS} ms)`,
);
await browser.close();
await stack.dispose();
