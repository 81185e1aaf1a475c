import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { commonJs } from "../../../../runtime/commonjs.ts";
import type { Credential } from "../../credential.ts";
import type { Provider } from "../../provider.ts";
import type { UnsignedRequest } from "../../wire.ts";
import { loadEventStream } from "./event-stream.ts";

/** `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`; anything else is an API key of Bedrock's. */
const ACCESS_KEYS = /^((?:AKIA|ASIA)[A-Z0-9]{8,}):([^:]+)(?::(.+))?$/;
const REGION = /bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\./;
const REGION_DEFAULT = "us-east-1";

/** The region of the configuration, else of the address. */
function regionOf(provider: Provider): string {
  return provider.options.region ?? REGION.exec(provider.displayUrl)?.[1] ?? REGION_DEFAULT;
}

/** Headers for an API key (bearer), or a signature of version 4 over the request. */
export async function bedrockAuthorization(
  provider: Provider,
  { secret }: Credential,
  request: UnsignedRequest,
): Promise<Record<string, string>> {
  await loadEventStream();
  if (secret === undefined) return {};
  const keys = ACCESS_KEYS.exec(secret);
  if (keys === null) return { authorization: `Bearer ${secret}` };
  const { SignatureV4 } = commonJs(await import("@smithy/signature-v4"));
  const [, accessKeyId, secretAccessKey, sessionToken] = keys;
  const signer = new SignatureV4({
    service: "bedrock",
    region: regionOf(provider),
    credentials: {
      accessKeyId: accessKeyId!,
      secretAccessKey: secretAccessKey!,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
    sha256: NodeSha256,
  });
  const { host, hostname, protocol } = new URL(provider.displayUrl);
  const [path, search] = request.path.split("?");
  const signed = await signer.sign({
    method: request.method,
    protocol,
    hostname,
    path: path!,
    query: Object.fromEntries(new URLSearchParams(search)),
    headers: { host, "content-type": "application/json" },
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  // The client library writes `host` itself.
  const { host: _host, "content-type": _type, ...headers } = signed.headers;
  return headers;
}

/** SHA-256 as the signer asks for it, from OpenSSL: the JavaScript one takes a tenth of a second for a large picture. */
class NodeSha256 {
  readonly #secret: Uint8Array | string | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined || typeof secret === "string" ? secret : bytesOf(secret);
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash("sha256") : createHmac("sha256", this.#secret);
  }

  update(chunk: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(typeof chunk === "string" ? chunk : bytesOf(chunk));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#begin();
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
