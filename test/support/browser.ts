import { type Browser, chromium, type Page } from "playwright-core";
import { debianTool } from "./debian-tools.ts";
import { temporaryDir } from "./stack.ts";

/** Without these, Chromium looks up its maker's hosts at every start. */
const QUIET_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function openBrowser(): Promise<Browser> {
  const tool = await debianTool("chromium");
  return chromium.launch({
    executablePath: tool.path,
    args: QUIET_FLAGS,
    env: { ...tool.env, HOME: temporaryDir("chromium") },
  });
}

/** What a person would call broken: errors on the console, exceptions, and requests that the page needed and lost. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  return complaints;
}

export interface PanelState {
  readonly id: string;
  readonly state: string;
  readonly title: string;
  readonly text: string;
}

/** Scrolls through the page so that every panel has been near the viewport, then reads what each shows. */
export async function panelStates(page: Page): Promise<PanelState[]> {
  await page.evaluate(async () => {
    const scroller = document.querySelector("[data-scroller]") ?? document.scrollingElement!;
    for (let top = 0; top <= scroller.scrollHeight; top += 400) {
      scroller.scrollTo(0, top);
      await new Promise((done) => setTimeout(done, 60));
    }
    scroller.scrollTo(0, 0);
  });
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("[data-panel-id]")].map((element) => ({
      id: element.dataset["panelId"] ?? "",
      state: element.dataset["panelState"] ?? "",
      title: element.querySelector("[data-panel-title], h2, h3, header")?.textContent ?? "",
      text: element.innerText.slice(0, 200),
    })),
  );
}
