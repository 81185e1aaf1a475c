import { hash, randomBytes } from "node:crypto";

/** What a key is for; it is the middle of its prefix, so that people and scanners see it. */
export const KEY_KINDS = ["live", "test", "staging", "dev", "temp"] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** 192 random bits: 32 characters of base64url. */
const SECRET_BYTES = 24;
/** Longest key that is looked at; longer ones cannot be ours. */
export const KEY_CHARS_MAX = 512;

/** A new key such as `gw_live_…`. It is shown once and kept nowhere. */
export function createKeySecret(kind: KeyKind): string {
  return `gw_${kind}_${randomBytes(SECRET_BYTES).toString("base64url")}`;
}

/**
 * What is kept of a key: its SHA-256 in hex. A slow, salted hash protects passwords, which people choose and which can be
 * guessed; nobody guesses 192 random bits, so a fast one is as safe here and does not cost each request milliseconds.
 */
export function hashKey(secret: string): string {
  return hash("sha256", secret, "hex");
}
