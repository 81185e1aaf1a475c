import type { Config } from "../../config/schema.ts";
import type { Channel } from "./channel.ts";
import { discordChannel } from "./discord.ts";
import { emailChannel } from "./email.ts";
import { pagerDutyChannel } from "./pagerduty.ts";
import { slackChannel } from "./slack.ts";
import { webhookChannel } from "./webhook.ts";

/** The channels that the configuration names. */
export function channelsOf({ alerts }: Config["health"]): Channel[] {
  const reach = { allowPrivate: alerts.allowPrivateAddresses };
  const channels: (Channel | undefined)[] = [
    alerts.webhook && webhookChannel(alerts.webhook, reach),
    alerts.slack && slackChannel(alerts.slack, reach),
    alerts.discord && discordChannel(alerts.discord, reach),
    alerts.pagerduty && pagerDutyChannel(alerts.pagerduty, reach),
    alerts.email && emailChannel(alerts.email, reach),
  ];
  return channels.filter((channel) => channel !== undefined);
}
