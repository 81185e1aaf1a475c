import type { ProviderConfig } from "./provider.ts";

/** What one call to a provider authenticates with. */
export interface Credential {
  /** Names it in records and logs; never the secret or a part of it. */
  readonly name: string;
  /** An API key, or what `apiKey` of the provider's type means; undefined where the provider wants none. */
  readonly secret: string | undefined;
}

/** The credentials of a provider's configuration: `apiKey`, then `apiKeys`; at least one, that may be empty. */
export function credentialsOf(config: ProviderConfig): readonly (Credential & { readonly weight: number })[] {
  const keys = config.apiKey ? [{ key: config.apiKey, weight: 1, name: undefined }] : [];
  const all = [...keys, ...(config.apiKeys ?? [])];
  if (all.length === 0) return [{ name: "none", secret: undefined, weight: 1 }];
  return all.map(({ key, weight, name }, index) => ({ name: name ?? `key-${index + 1}`, secret: key, weight }));
}
