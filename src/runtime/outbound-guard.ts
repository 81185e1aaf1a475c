import { lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { addressRange } from "../config/address-range.ts";
import { NameCache, type Resolve } from "./name-cache.ts";

/**
 * Keeps requests to addresses that somebody configured (a provider's base URL, a webhook) away from what only this
 * machine and its network can see. Literal addresses are judged when the configuration is read, names at each connect
 * with the very address that the socket then uses, so that a name which changes its mind (DNS rebinding) gains nothing.
 */
export interface Reach {
  /** Private and loopback addresses may be reached by any name. */
  readonly allowPrivate: boolean;
  /** Host as written in the operator's own file; what it names literally is trusted, if it is loopback or private. */
  readonly explicitHost?: string;
}

/** `code` of every refusal; undici and net pass the error on as it is. */
export const OUTBOUND_REFUSED = "OUTBOUND_REFUSED";

export class OutboundRefused extends Error {
  override readonly name = "OutboundRefused";
  readonly code = OUTBOUND_REFUSED;
}

/** Names that no public DNS serves: a machine of one's own network or a container beside this one. */
const OWN_NAME = /^[^.]+$|\.(localhost|local|internal|lan|home|intranet|localdomain|home\.arpa|svc|test)\.?$/i;

/** Why a connection to `address` is refused; undefined when it may be made. @param host The name that led there. */
function refusal(host: string, address: string, reach: Reach): OutboundRefused | undefined {
  const range = addressRange(address);
  if (range === "public") return undefined;
  if (range === "private" && mayBePrivate(host, reach)) return undefined;
  const what = host === address ? "the address" : `${JSON.stringify(host)} resolves to an address that`;
  return new OutboundRefused(
    range === "never"
      ? `${what} is link-local, a metadata service or reserved, which is never called`
      : `${what} is private or loopback, which needs allowPrivate: true`,
  );
}

function mayBePrivate(host: string, { allowPrivate, explicitHost }: Reach): boolean {
  if (allowPrivate) return true;
  if (explicitHost === undefined || bareHost(explicitHost) !== bareHost(host)) return false;
  return isIP(bareHost(host)) !== 0 || OWN_NAME.test(bareHost(host));
}

/**
 * For a URL's host that is an address already, which no look-up will ever see. URL parsing has turned `0x7f.1`,
 * `2130706433` and the like into dotted form before.
 */
export function refusedLiteral(hostname: string, reach: Reach): OutboundRefused | undefined {
  const host = bareHost(hostname);
  return isIP(host) === 0 ? undefined : refusal(host, host, reach);
}

function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, "").toLowerCase();
}

const systemResolve: Resolve = (host, done) => systemLookup(host, { all: true, verbatim: true }, done);

/**
 * A `lookup` for sockets (net, tls, undici's `connect`) that gives only addresses which may be reached. Answers are kept
 * a short while, and used on when the name service fails or is slow.
 * @param resolve For tests; the system's resolver otherwise.
 */
export function guardedLookup(reach: Reach, resolve: Resolve = systemResolve): LookupFunction {
  const names = new NameCache(resolve);
  return (hostname, options, callback) => {
    names.resolve(hostname, (error, found) => {
      if (error !== undefined) return callback(error, "");
      let refused: OutboundRefused | undefined;
      const family = options.family === "IPv4" ? 4 : options.family === "IPv6" ? 6 : (options.family ?? 0);
      const open = found.filter((entry) => {
        const reason = refusal(hostname, entry.address, reach);
        refused ??= reason;
        return reason === undefined && (family === 0 || entry.family === family);
      });
      const [first] = open;
      if (first === undefined) return callback(refused ?? noAddress(hostname), "");
      if (options.all === true) return callback(null, open);
      return callback(null, first.address, first.family);
    });
  };
}

function noAddress(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no usable address for ${JSON.stringify(hostname)}`), { code: "ENOTFOUND" });
}
