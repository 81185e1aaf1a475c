import { isIP } from "node:net";
import * as z from "zod";
import { addressRange } from "./address-range.ts";
import { providerRoutingFields } from "./routing.ts";

/**
 * How a provider is spoken to. `openai` and `anthropic` are also right for every server that is compatible with one of
 * them; `azure` is OpenAI's format at Azure's addresses.
 */
export const PROVIDER_TYPES = ["openai", "anthropic", "gemini", "vertex", "bedrock", "azure", "cohere", "fal"] as const;

export type ProviderType = (typeof PROVIDER_TYPES)[number];

const url = z
  .string()
  .regex(/^https?:\/\//, "must start with http:// or https://")
  .refine((text) => URL.canParse(text), { message: "is no address that can be called" })
  .refine((text) => !URL.canParse(text) || !isNeverCalled(new URL(text).hostname), {
    message: "is link-local, a metadata service or reserved, which is never called",
  })
  .transform((text) => text.replace(/\/+$/, ""));

/** For hosts that are addresses; URL parsing has turned `2130706433` and the like into dotted form. */
function isNeverCalled(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return isIP(host) !== 0 && addressRange(host) === "never";
}

/** A process has at most some ten thousands of open files, and a stream needs two. */
const PROVIDER_CONNECTIONS_MAX = 20_000;

/** One entry of `gateway.providers`. */
export const providerSchema = z.strictObject({
  /** Wire format that the provider speaks. */
  type: z.enum(PROVIDER_TYPES).default("openai"),
  /** May be left out for the providers of the table and for gemini, vertex, bedrock, cohere and fal. */
  baseUrl: url,
  /**
   * What calls authenticate with. Vertex: the service account's JSON, or the path of its file. Bedrock: an API key, or
   * `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`.
   */
  apiKey: z.string().optional(),
  /** Model ids served; empty asks the provider's own list. */
  models: z.array(z.string()).default([]),
  /** Lets the address resolve to private and loopback ranges; link-local and metadata addresses stay out of reach. */
  allowPrivate: z.boolean().default(false),
  /** Most connections to it, each with one request or stream at a time; 100 when left out. */
  connections: z.number().int().min(1).max(PROVIDER_CONNECTIONS_MAX).optional(),
  /** Headers added to every call. */
  headers: z.record(z.string(), z.string()).optional(),
  /** It has OpenAI's `/responses` below its base URL: such requests pass as they are. Known for the providers of the table. */
  responses: z.boolean().optional(),
  /** Azure: the `api-version` of the deployments path; unset takes the v1 path, which needs none. */
  apiVersion: z.string().optional(),
  /** Azure: model id → deployment name, where the two differ. */
  deployments: z.record(z.string(), z.string()).optional(),
  /** Bedrock: the AWS region. Vertex: the location, such as `europe-west4` or `global`. */
  region: z.string().optional(),
  /** Vertex: the Google Cloud project; unset takes the service account's. */
  project: z.string().optional(),
  ...providerRoutingFields,
});
