import type { Reach } from "../../runtime/outbound-guard.ts";
import type { AlertSeverity, Notification } from "./alert.ts";
import type { Channel } from "./channel.ts";
import { JsonPoster } from "./post-json.ts";

const COLOURS: Readonly<Record<AlertSeverity, string>> = {
  low: "#5b7083",
  medium: "#c97a00",
  high: "#d9480f",
  critical: "#b3261e",
};
const RESOLVED_COLOUR = "#157f3c";
/** Slack cuts longer texts of a section. */
const TEXT_CHARS_MAX = 3_000;

/** A Slack channel through its incoming webhook. */
export function slackChannel(options: { url: string; severityMin: AlertSeverity }, reach: Reach): Channel {
  const poster = new JsonPoster(options.url, reach);
  return {
    name: "slack",
    severityMin: options.severityMin,
    send: (notification, signal) => poster.post(JSON.stringify(slackMessage(notification)), {}, signal),
    close: () => poster.close(),
  };
}

/** `text` is what notifications on phones show; the attachment is the message itself. */
function slackMessage({ alert, status, atMs }: Notification): object {
  const word = status === "resolved" ? "Resolved" : alert.severity.toUpperCase();
  const facts = Object.entries({ type: alert.type, ...alert.details }).map(([name, value]) => `*${name}:* ${value}`);
  return {
    text: escaped(`[${word}] ${alert.title}`),
    attachments: [
      {
        color: status === "resolved" ? RESOLVED_COLOUR : COLOURS[alert.severity],
        blocks: [
          { type: "section", text: markdown(`*[${word}] ${escaped(alert.title)}*\n${escaped(alert.message)}`) },
          { type: "context", elements: [markdown(escaped(facts.join("  ·  ")))] },
          { type: "context", elements: [markdown(new Date(atMs).toISOString())] },
        ],
      },
    ],
  };
}

function markdown(text: string): object {
  return { type: "mrkdwn", text: text.slice(0, TEXT_CHARS_MAX) };
}

/** The three characters that mean something to Slack; without it an error text could mention a whole channel. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
