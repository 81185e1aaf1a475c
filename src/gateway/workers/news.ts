import type { PurgeScope } from "../cache/answer-store.ts";
import type { Gateway } from "../gateway.ts";
import type { StoredResponse } from "../responses/store.ts";
import type { RoutingNews } from "../routing/routing.ts";

/** What one process of a gateway tells all others: state that each keeps for itself. */
export type News =
  | readonly ["address", string]
  | readonly ["response", string, string, StoredResponse | null]
  | readonly ["purge", PurgeScope]
  | readonly ["routing", RoutingNews]
  | readonly ["keys"];

/**
 * Lets a process tell the others what happened in it.
 * @param tell Reaches all others.
 * @returns what takes in their news.
 */
export function spreadNews(
  gateway: Pick<Gateway, "ipLimits" | "responses" | "cache" | "keySync" | "routing">,
  tell: (news: News) => void,
): (news: News) => void {
  const { ipLimits, responses, cache, keySync, routing } = gateway;
  /** What is being taken in comes from the others and is not told again. */
  let hearing = false;
  const say = (news: News): void => {
    if (!hearing) tell(news);
  };
  ipLimits.onCounted = (address) => say(["address", address]);
  responses.onChange = (keyName, id, stored) => say(["response", keyName, id, stored ?? null]);
  cache.onPurge = (scope) => say(["purge", scope]);
  keySync.onChange = () => say(["keys"]);
  routing.onNews = (news) => say(["routing", news]);
  return (news) => {
    hearing = true;
    try {
      hear(gateway, news);
    } finally {
      hearing = false;
    }
  };
}

function hear(
  {
    ipLimits,
    responses,
    cache,
    keySync,
    routing,
  }: Pick<Gateway, "ipLimits" | "responses" | "cache" | "keySync" | "routing">,
  news: News,
): void {
  switch (news[0]) {
    case "address":
      ipLimits.note(news[1]);
      break;
    case "response": {
      const [, keyName, id, stored] = news;
      if (stored === null) responses.delete(keyName, id);
      else responses.put(keyName, id, stored);
      break;
    }
    case "purge":
      void cache.purge(news[1]);
      break;
    case "routing":
      routing.hear(news[1]);
      break;
    case "keys":
      void keySync.refresh();
  }
}
