import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { clientsOf } from "./support/clients/all-clients.ts";
import { clientsPage } from "./support/clients/page.ts";
import { ROOT } from "./support/stack.ts";

test("docs/clients.md says what the table of clients tests", () => {
  const path = resolve(ROOT, "docs/clients.md");
  const page = clientsPage(clientsOf("http://127.0.0.1"));
  if (process.env["GATEWAYZ_WRITE_DOCS"] === "1") writeFileSync(path, page);
  expect(readFileSync(path, "utf8")).toBe(page);
});
