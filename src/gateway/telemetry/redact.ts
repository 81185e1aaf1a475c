import type { Config } from "../../config/schema.ts";

/** Shorter ones are words rather than secrets; replacing them would damage every line. */
const SECRET_CHARS_MIN = 8;
const MARK = "<redacted>";
/** Texts whose redaction is remembered, and the longest of them. */
const REMEMBERED_MAX = 1_000;
const REMEMBERED_CHARS_MAX = 256;
/** What keys of well-known providers, and ours, look like; bearer values whatever they are. */
const KEY_PATTERN = /\b(?:sk|pk|rk|gsk|xai|gw|AIza)[-_][\w-]{12,}|\bBearer\s+[^\s"',]+/gi;

/** Removes secrets from free text (error messages, user agents, model names a client made up). */
export type Redact = (text: string) => string;

/** Knows the installation's own secrets by value, and other keys by their looks. */
export function createRedact(config: Config): Redact {
  const { gateway } = config;
  const secrets = [
    config.adminApiKey,
    config.engineKey,
    config.dashboards.password,
    ...Object.values(gateway.keys).map(({ key }) => key),
    ...Object.values(gateway.providers).map(({ apiKey }) => apiKey),
  ].filter((secret) => secret !== undefined && secret.length >= SECRET_CHARS_MIN) as string[];
  const redact = (text: string): string => {
    let clean = text;
    for (const secret of secrets) if (clean.includes(secret)) clean = clean.replaceAll(secret, MARK);
    return clean.replace(KEY_PATTERN, MARK);
  };
  // User agents and model names come again and again; the newest texts are remembered.
  const remembered = new Map<string, string>();
  return (text) => {
    if (text.length > REMEMBERED_CHARS_MAX) return redact(text);
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const clean = redact(text);
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(text, clean);
    return clean;
  };
}
