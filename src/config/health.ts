import * as z from "zod";
import { duration } from "./duration.ts";

const webUrl = z.string().regex(/^https?:\/\//, "must start with http:// or https://");
/** As environment variables write it. */
const flag = z.union([z.boolean(), z.stringbool()]);

/** From which severity on a channel is told. */
const severityMin = z.enum(["low", "medium", "high", "critical"]).default("low");

const email = z.strictObject({
  /** `smtp://[user:password@]host[:port]`, or `smtps://` for TLS from the first byte. */
  smtpUrl: z.string().regex(/^smtps?:\/\//, "must start with smtp:// or smtps://"),
  from: z.string().min(3),
  /** One address, several with commas between them, or a list. */
  to: z
    .union([z.string().transform((text) => text.split(",").map((part) => part.trim())), z.array(z.string())])
    .pipe(z.array(z.string().min(3)).min(1).max(20)),
  severityMin,
});

/** Who is told when something breaks. Addresses of webhooks are secrets and never logged. */
const alerts = z.strictObject({
  /** The same alert is not told again within this. */
  cooldown: duration.prefault("30m"),
  /** Channels in private networks and on this machine are refused unless this is set. */
  allowPrivateAddresses: flag.default(false),
  webhook: z
    .strictObject({
      url: webUrl,
      /** Signs each body: header `x-gatewayz-signature: sha256=<HMAC in hex>`. */
      secret: z.string().min(8).optional(),
      severityMin,
    })
    .optional(),
  slack: z.strictObject({ url: webUrl, severityMin }).optional(),
  discord: z.strictObject({ url: webUrl, severityMin }).optional(),
  pagerduty: z
    .strictObject({
      /** Integration key of a service with Events API v2. */
      routingKey: z.string().min(8),
      url: webUrl.default("https://events.pagerduty.com/v2/enqueue"),
      severityMin,
    })
    .optional(),
  email: email.optional(),
});

/** The health service on its port: what it checks, and whom it tells. */
export const health = z.strictObject({
  /** Interval of critical models; the other tiers are multiples of it. */
  checkInterval: duration.prefault("300s"),
  concurrentProbes: z.number().int().positive().default(20),
  /** False keeps everything in memory only. */
  intelligentMonitor: flag.default(true),
  /** Above this much memory of the process no model is probed, MiB. */
  memoryLimitMb: z.coerce.number().int().positive().default(28_000),
  /** Shown on top of the public status page. */
  statusPageTitle: z.string().min(1).max(100).default("GatewayZ"),
  alerts: alerts.prefault({}),
});
