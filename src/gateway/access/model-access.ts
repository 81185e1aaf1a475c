import { GatewayError } from "../errors.ts";
import type { ClientIdentity } from "../request-record.ts";

/** What routing would try; the names are what keys are allowed by. */
interface Target {
  readonly provider: { readonly name: string };
  readonly model: string;
}

/** True where the key may use this model; `model` may carry its provider in front, as in `openai/gpt-4o`. */
export function mayUseModel(client: ClientIdentity, model: string): boolean {
  return client.allowedModels === undefined || fitsAny(client.allowedModels, model);
}

/**
 * The targets that the key may use, in their order. A pattern of `allowedModels` fits the model as the client wrote it,
 * as the provider calls it, or with the provider in front.
 * @throws GatewayError MODEL_NOT_ALLOWED where none is left.
 */
export function allowedTargets<T extends Target>(
  client: ClientIdentity,
  asked: string,
  targets: readonly T[],
): readonly T[] {
  const { allowedModels, allowedProviders } = client;
  if (allowedModels === undefined && allowedProviders === undefined) return targets;
  const askedFits = allowedModels === undefined || fitsAny(allowedModels, asked);
  const left = targets.filter(({ provider, model }) => {
    if (allowedProviders !== undefined && !fitsAny(allowedProviders, provider.name)) return false;
    return askedFits || fitsAny(allowedModels, model) || fitsAny(allowedModels, `${provider.name}/${model}`);
  });
  if (left.length === 0) throw new GatewayError("MODEL_NOT_ALLOWED", { model: asked }, { param: "model" });
  return left;
}

function fitsAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => globFits(glob, text));
}

/**
 * True where the whole text fits the pattern; `*` stands for any characters, case does not count. Takes at most pattern
 * length times text length steps, whatever the pattern: only the last star is ever tried again.
 */
export function globFits(glob: string, text: string): boolean {
  const pattern = glob.toLowerCase();
  const subject = text.toLowerCase();
  let at = 0;
  let index = 0;
  let starAt = -1;
  let starIndex = 0;
  while (index < subject.length) {
    if (pattern[at] === "*") {
      starAt = at++;
      starIndex = index;
    } else if (at < pattern.length && pattern[at] === subject[index]) {
      at++;
      index++;
    } else if (starAt >= 0) {
      at = starAt + 1;
      index = ++starIndex;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
