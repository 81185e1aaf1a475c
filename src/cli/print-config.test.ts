import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { printConfig } from "./print-config.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatewayz-print-config-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("no secret of any area is printed; what it belongs to is", async () => {
  const file = join(folder, "gatewayz.yaml");
  await writeFile(
    file,
    `dataDir: ${folder}
adminApiKey: hidden-admin-key
database: { url: "postgres://user:hidden-password@db.example.org/gatewayz" }
gateway:
  keys:
    team: hidden-client-key
    staff: { key: hidden-client-key-2, tier: pro }
  cache: { keys: ["staff*"] }
  providers:
    groq: { apiKey: hidden-provider-key, headers: { x-extra: hidden-header } }
    openai: { apiKeys: [{ key: hidden-provider-key-2, name: second, weight: 2 }] }
health:
  alerts:
    webhook: { url: "https://hooks.example.org/hidden-path", secret: hidden-signing-secret }
    slack: { url: "https://hooks.slack.com/services/hidden-path" }
    discord: { url: "https://discord.com/api/webhooks/hidden-path" }
    pagerduty: { routingKey: hidden-routing-key }
    email: { smtpUrl: "smtps://user:hidden-password@mail.example.org", from: a@example.org, to: b@example.org }
`,
  );
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  printConfig(file, folder);
  write.mockRestore();
  const text = written.join("");
  expect(text).not.toContain("hidden");
  for (const shown of [
    "groq",
    "team",
    "staff",
    "pro",
    "staff*",
    "x-extra",
    "second",
    "slack",
    "pagerduty",
    "mail.example.org",
    "b@example.org",
    "db.example.org",
  ]) {
    expect(text).toContain(shown);
  }
});
