import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { presentedKeys } from "../../runtime/auth.ts";
import { GatewayError } from "../errors.ts";
import type { ClientIdentity, Telemetry } from "../request-record.ts";

interface KnownKey {
  readonly digest: Buffer;
  readonly identity: ClientIdentity;
}

/** The keys that clients may use: the admin key, the demo key, and those of the configuration. */
export class Keys {
  readonly #known: KnownKey[] = [];
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  add(keyName: string, key: string, tier: string, unlimited: boolean): void {
    const digest = sha256(key);
    this.#known.push({ digest, identity: { keyName, keyHash: digest.toString("hex").slice(0, 16), tier, unlimited } });
  }

  /**
   * The client behind the bearer token or `x-api-key`.
   * @throws GatewayError AUTHENTICATION_REQUIRED, INVALID_API_KEY.
   */
  identify(headers: IncomingHttpHeaders): ClientIdentity {
    const presented = presentedKeys(headers);
    if (presented.length === 0) {
      this.#telemetry.event("keyLookup", { status: "missing" });
      throw new GatewayError("AUTHENTICATION_REQUIRED", {});
    }
    for (const key of presented) {
      const identity = this.#find(sha256(key));
      if (identity === undefined) continue;
      this.#telemetry.event("keyLookup", { status: "found" });
      return identity;
    }
    this.#telemetry.event("keyLookup", { status: "invalid" });
    throw new GatewayError("INVALID_API_KEY", {});
  }

  /** Looks at every key, whichever matches, so that time tells nothing about which one did. */
  #find(digest: Buffer): ClientIdentity | undefined {
    let found: ClientIdentity | undefined;
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found ??= known.identity;
    return found;
  }
}

/** @throws GatewayError PERMISSION_DENIED for any key but the admin's. */
export function requireAdmin(identity: ClientIdentity, what: string): void {
  if (identity.keyName !== "admin") throw new GatewayError("PERMISSION_DENIED", { what });
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
