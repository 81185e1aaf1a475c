import { createHmac } from "node:crypto";
import type { Reach } from "../../runtime/outbound-guard.ts";
import { type AlertSeverity, notificationJson } from "./alert.ts";
import type { Channel } from "./channel.ts";
import { JsonPoster } from "./post-json.ts";

export interface WebhookOptions {
  readonly url: string;
  readonly secret?: string | undefined;
  readonly severityMin: AlertSeverity;
}

/** The alert as JSON to an address of the operator's own, signed where a secret is given. */
export function webhookChannel({ url, secret, severityMin }: WebhookOptions, reach: Reach): Channel {
  const poster = new JsonPoster(url, reach);
  return {
    name: "webhook",
    severityMin,
    send: (notification, signal) => {
      const body = JSON.stringify(notificationJson(notification));
      const signature = secret === undefined ? undefined : createHmac("sha256", secret).update(body).digest("hex");
      return poster.post(
        body,
        signature === undefined ? {} : { "x-gatewayz-signature": `sha256=${signature}` },
        signal,
      );
    },
    close: () => poster.close(),
  };
}
