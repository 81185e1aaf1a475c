import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = "v1";

/**
 * Seals providers' keys for the database, so that a copy of it gives none away. The sealing key comes from the admin key,
 * which all gateways of one database share: whoever changes it enters the providers' keys again.
 */
export class Sealer {
  readonly #key: Buffer;

  constructor(adminKey: string) {
    this.#key = Buffer.from(hkdfSync("sha256", adminKey, "", "gatewayz settings", 32));
  }

  seal(text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce);
    const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `${VERSION}.${sealed.toString("base64url")}`;
  }

  /** Undefined when it was sealed with another key, or has been changed. */
  open(sealed: string): string | undefined {
    const [version, body = ""] = sealed.split(".");
    const bytes = Buffer.from(body, "base64url");
    if (version !== VERSION || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(ALGORITHM, this.#key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
      return text.toString("utf8");
    } catch {
      return undefined; // The tag does not fit: another key, or damage. The caller says which entry it was.
    }
  }
}
