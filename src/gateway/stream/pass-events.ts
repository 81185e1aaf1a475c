import type { SseSplitter } from "./sse-splitter.ts";

/**
 * The events of `chunk` (and of what waited before it) for which `passes` says true, unchanged, or what it gives for them.
 * @returns undefined when the splitter found an event too long to be one.
 */
export function passEvents(
  splitter: SseSplitter,
  chunk: Buffer,
  passes: (event: Buffer) => boolean | Buffer,
): Buffer | string | undefined {
  const kept: Buffer[] = [];
  const startsWhole = !splitter.hasRest;
  let keptBytes = 0;
  let replaced = false;
  const sane = splitter.push(chunk, (event) => {
    const passed = passes(event);
    if (passed === false) return;
    const piece = passed === true ? event : passed;
    replaced ||= passed !== true;
    kept.push(piece);
    keptBytes += piece.length;
  });
  if (!sane) return undefined;
  if (kept.length === 0) return "";
  if (startsWhole && !replaced && keptBytes === chunk.length) return chunk; // The common case: nothing withheld, nothing copied.
  return kept.length === 1 ? kept[0]! : Buffer.concat(kept, keptBytes);
}
