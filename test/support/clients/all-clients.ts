import { aiSdkClients } from "./ai-sdk-clients.ts";
import { curlClients } from "./curl-clients.ts";
import type { Client } from "./dialogue.ts";
import { langChainClients } from "./langchain-clients.ts";
import { anthropicMessages, openAiChat, openAiResponses } from "./official-clients.ts";

/** All clients of the table, in its order, against the gateway at this address. */
export function clientsOf(url: string): Client[] {
  const official = [openAiChat(url), openAiResponses(url), anthropicMessages(url)];
  return [...official, ...aiSdkClients(url), ...langChainClients(url), ...curlClients(url)];
}
