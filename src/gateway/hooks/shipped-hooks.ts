import { BlockList, type BlockListOptions } from "../safety/block-list.ts";
import type { Redactor } from "../safety/redactor.ts";
import { visitTexts } from "../safety/request-texts.ts";
import type { Hook } from "./hook-types.ts";

const REFUSAL = "it contains something that this gateway is set to block.";

/** `redaction`: takes secrets and personal data out of prompts before any provider sees them. */
export function redactionHook(redactor: Redactor): Hook {
  return {
    before({ body }) {
      let changed = false;
      visitTexts(body, (text) => {
        const clean = redactor.text(text);
        changed ||= clean !== text;
        return clean;
      });
      return changed ? { body } : undefined;
    },
  };
}

/** `block-list`: refuses prompts with words or patterns of a list. */
export function blockListHook(options: Readonly<Record<string, unknown>>): Hook {
  const list = new BlockList(options as BlockListOptions);
  const message = typeof options["message"] === "string" ? options["message"] : REFUSAL;
  return {
    before({ body }) {
      const found = list.check(body);
      if (found === undefined) return undefined;
      const reason = found === "length" ? "it is too long to be searched for what is blocked." : message;
      return { refuse: { message: reason, contentPolicy: true } };
    },
  };
}
