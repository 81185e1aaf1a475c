import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../../config/schema.ts";
import { configSchema } from "../../config/schema.ts";
import { FixtureSmtp } from "../testing/fixture-smtp.ts";
import type { Alert, Notification } from "./alert.ts";
import { channelsOf } from "./channels.ts";
import { Delivery } from "./delivery.ts";

const SECRET_PATH = "T000/B000/verySecretPath";
const alert: Alert = {
  key: "provider_down/openai/",
  type: "provider_down",
  severity: "critical",
  title: "openai is down",
  message: "5 of 5 models <!channel> @everyone & more",
  provider: "openai",
  model: undefined,
  details: { unhealthy_models: 5 },
};
const firing: Notification = { alert, status: "firing", firedAtMs: 1_000, atMs: 2_000 };
const resolved: Notification = { alert, status: "resolved", firedAtMs: 1_000, atMs: 9_000 };

interface Received {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  readonly body: Record<string, unknown>;
}

let server: Server;
let url: string;
let received: Received[];
/** Statuses of the next answers; 200 when there are none left. */
let statuses: (number | { status: number; retryAfter: string })[];
let lines: Record<string, unknown>[];
let results: string[];
let delivery: Delivery | undefined;
const stop = new AbortController();

beforeEach(async () => {
  [received, statuses, lines, results] = [[], [], [], []];
  server = createServer(async (request, reply) => {
    let text = "";
    for await (const part of request) text += String(part);
    received.push({ url: request.url!, headers: request.headers, text, body: JSON.parse(text) as Received["body"] });
    const next = statuses.shift() ?? 200;
    if (typeof next === "number") reply.writeHead(next).end("ok");
    else reply.writeHead(next.status, { "retry-after": next.retryAfter }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${SECRET_PATH}`;
});
afterEach(async () => {
  await delivery?.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

type AlertsInput = NonNullable<NonNullable<Parameters<typeof configSchema.parse>[0] & object>>;
function deliver(
  alerts: AlertsInput,
  retryPausesMs: readonly number[] = [5, 5, 5],
  attemptTimeoutMs?: number,
): Delivery {
  const { health } = configSchema.parse({ health: { alerts: { allowPrivateAddresses: true, ...alerts } } });
  delivery = new Delivery({
    channels: channelsOf(health as Config["health"]),
    logger: pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }),
    signal: stop.signal,
    retryPausesMs,
    ...(attemptTimeoutMs !== undefined && { attemptTimeoutMs }),
    onResult: (channel, result) => results.push(`${channel} ${result}`),
  });
  return delivery;
}
async function send(alerts: AlertsInput, ...notifications: Notification[]): Promise<void> {
  const sender = deliver(alerts);
  for (const notification of notifications) sender.send(notification);
  await sender.idle();
}

describe("what each channel says", () => {
  test("webhook: the alert as JSON, signed", async () => {
    await send({ webhook: { url, secret: "signing-secret" } }, firing, resolved);
    const [first, second] = received;
    expect(first!.url).toBe(`/${SECRET_PATH}`);
    expect(first!.body).toEqual({
      key: "provider_down/openai/",
      status: "firing",
      type: "provider_down",
      severity: "critical",
      title: "openai is down",
      message: alert.message,
      provider: "openai",
      model: null,
      details: { unhealthy_models: 5 },
      fired_at: "1970-01-01T00:00:01.000Z",
      timestamp: "1970-01-01T00:00:02.000Z",
    });
    const signature = createHmac("sha256", "signing-secret").update(first!.text).digest("hex");
    expect(first!.headers["x-gatewayz-signature"]).toBe(`sha256=${signature}`);
    expect(second!.body).toMatchObject({ status: "resolved" });
  });

  test("Slack: nothing in it mentions a channel", async () => {
    await send({ slack: { url } }, firing, resolved);
    expect(received[0]!.text).not.toContain("<!channel>");
    expect(received[0]!.body).toMatchObject({
      text: "[CRITICAL] openai is down",
      attachments: [{ color: "#b3261e", blocks: [{ type: "section" }, { type: "context" }, { type: "context" }] }],
    });
    expect(received[1]!.body).toMatchObject({ text: "[Resolved] openai is down", attachments: [{ color: "#157f3c" }] });
  });

  test("Discord: nobody is mentioned", async () => {
    await send({ discord: { url } }, firing);
    expect(received[0]!.body).toMatchObject({
      embeds: [{ title: "[CRITICAL] openai is down", color: 0xb3261e, timestamp: "1970-01-01T00:00:02.000Z" }],
      allowed_mentions: { parse: [] },
    });
  });

  test("PagerDuty: an alert and its end have one key", async () => {
    await send({ pagerduty: { url, routingKey: "routing-key-1" } }, firing, resolved);
    expect(received[0]!.body).toMatchObject({
      routing_key: "routing-key-1",
      event_action: "trigger",
      dedup_key: "gatewayz/provider_down/openai/",
      payload: {
        severity: "critical",
        source: "openai",
        class: "provider_down",
        summary: expect.stringMatching(/^openai is down: /),
      },
    });
    expect(received[1]!.body).toEqual({
      routing_key: "routing-key-1",
      event_action: "resolve",
      dedup_key: "gatewayz/provider_down/openai/",
    });
  });

  test("mail through SMTP", async () => {
    const smtp = await FixtureSmtp.start();
    await send(
      { email: { smtpUrl: smtp.url, from: "gatewayz@example.org", to: "a@example.org, b@example.org" } },
      firing,
    );
    await smtp.close();
    expect(results).toEqual(["email sent"]);
    expect(smtp.mails).toMatchObject([{ from: "gatewayz@example.org", to: ["a@example.org", "b@example.org"] }]);
    expect(smtp.mails[0]!.text).toContain("Subject: [GatewayZ CRITICAL] openai is down");
    expect(smtp.mails[0]!.text).toContain("unhealthy_models: 5");
  });
});

describe("when it is not taken", () => {
  test("what may pass is tried again, in order; what will not pass is given up", async () => {
    statuses = [500, { status: 429, retryAfter: "0" }, 200];
    await send({ webhook: { url } }, firing, resolved);
    expect(received.map(({ body }) => body["status"])).toEqual(["firing", "firing", "firing", "resolved"]);
    expect(results).toEqual(["webhook retried", "webhook retried", "webhook sent", "webhook sent"]);
    statuses = [404];
    results = [];
    await send({ webhook: { url } }, firing);
    expect(results).toEqual(["webhook failed"]);
    expect(lines.at(-1)).toMatchObject({ channel: "webhook", reason: "answered 404", attempts: 1 });
  });

  test("after the last attempt it is given up, and the log names no address and no secret", async () => {
    statuses = [500, 500, 500, 500];
    await send(
      { webhook: { url, secret: "signing-secret" }, slack: { url: "http://127.0.0.1:9/secretSlack" } },
      firing,
    );
    const smtpUrl = "smtp://secretUser:secretPassword@127.0.0.1:9";
    await send({ email: { smtpUrl, from: "a@example.org", to: ["b@example.org"] } }, firing);
    expect(results.filter((result) => result.endsWith("failed")).sort()).toEqual([
      "email failed",
      "slack failed",
      "webhook failed",
    ]);
    expect(lines).toHaveLength(3);
    expect(JSON.stringify(lines)).not.toMatch(/127\.0\.0\.1|[sS]ecret/);
  });

  test("a mail server that refuses for ever is asked once, one that is busy again", async () => {
    const smtp = await FixtureSmtp.start();
    const email = { email: { smtpUrl: smtp.url, from: "a@example.org", to: ["b@example.org"] } };
    smtp.refusals = ["550 no such user"];
    await send(email, firing);
    smtp.refusals = ["451 try later"];
    await send(email, firing);
    await smtp.close();
    expect(results).toEqual(["email failed", "email retried", "email sent"]);
  });

  test("a password is not sent in the clear", async () => {
    const smtp = await FixtureSmtp.start();
    const smtpUrl = smtp.url.replace("smtp://", "smtp://user:pass@");
    await send({ email: { smtpUrl, from: "a@example.org", to: ["b@example.org"] } }, firing);
    await smtp.close();
    expect(results.at(-1)).toBe("email failed");
    expect(smtp.commands.join("\n")).not.toMatch(/AUTH/i);
  });

  test("one that hangs is given up after its time", async () => {
    const smtp = await FixtureSmtp.start();
    smtp.hangsInTls = true;
    const sender = deliver({ email: { smtpUrl: smtp.url, from: "a@example.org", to: ["b@example.org"] } }, [], 100);
    sender.send(firing);
    await sender.idle();
    await smtp.close();
    expect(results).toEqual(["email failed"]);
  });

  test("private addresses are refused unless they are allowed", async () => {
    const channels = {
      webhook: { url },
      slack: { url: url.replace("127.0.0.1", "localhost") },
      email: { smtpUrl: "smtp://127.0.0.1:25", from: "a@example.org", to: ["b@example.org"] },
      discord: { url: "http://169.254.169.254/latest" },
    };
    await send({ ...channels, allowPrivateAddresses: false }, firing);
    expect(received).toEqual([]);
    expect(results.sort()).toEqual(["discord failed", "email failed", "slack failed", "webhook failed"]);
    results = [];
    await send({ discord: channels.discord, allowPrivateAddresses: true }, firing);
    expect(results).toEqual(["discord failed"]);
  });

  test("a channel gets only what is severe enough, and only so much may wait", async () => {
    const mild = { ...firing, alert: { ...alert, severity: "medium" as const } };
    await send({ webhook: { url, severityMin: "high" } }, mild, firing);
    expect(received).toHaveLength(1);
    const sender = deliver({ slack: { url } });
    for (let count = 0; count < 150; count++) sender.send(firing);
    expect(results.filter((result) => result === "slack dropped")).toHaveLength(49);
    await sender.idle();
    expect(received).toHaveLength(1 + 101);
  });
});
