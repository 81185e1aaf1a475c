import type { Reach } from "../../runtime/outbound-guard.ts";
import type { AlertSeverity, Notification } from "./alert.ts";
import type { Channel } from "./channel.ts";
import { JsonPoster } from "./post-json.ts";

const COLOURS: Readonly<Record<AlertSeverity, number>> = {
  low: 0x5b7083,
  medium: 0xc97a00,
  high: 0xd9480f,
  critical: 0xb3261e,
};
const RESOLVED_COLOUR = 0x157f3c;
const TITLE_CHARS_MAX = 256;
const DESCRIPTION_CHARS_MAX = 4_096;
const FIELDS_MAX = 25;

/** A Discord channel through its webhook. */
export function discordChannel(options: { url: string; severityMin: AlertSeverity }, reach: Reach): Channel {
  const poster = new JsonPoster(options.url, reach);
  return {
    name: "discord",
    severityMin: options.severityMin,
    send: (notification, signal) => poster.post(JSON.stringify(discordMessage(notification)), {}, signal),
    close: () => poster.close(),
  };
}

function discordMessage({ alert, status, atMs }: Notification): object {
  const word = status === "resolved" ? "Resolved" : alert.severity.toUpperCase();
  const facts = Object.entries({ type: alert.type, ...alert.details });
  return {
    embeds: [
      {
        title: `[${word}] ${alert.title}`.slice(0, TITLE_CHARS_MAX),
        description: alert.message.slice(0, DESCRIPTION_CHARS_MAX),
        color: status === "resolved" ? RESOLVED_COLOUR : COLOURS[alert.severity],
        fields: facts.slice(0, FIELDS_MAX).map(([name, value]) => ({ name, value: String(value), inline: true })),
        timestamp: new Date(atMs).toISOString(),
      },
    ],
    // An error text that says @everyone must reach nobody.
    allowed_mentions: { parse: [] },
  };
}
