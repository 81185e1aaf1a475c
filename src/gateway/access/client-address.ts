import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** In which a worker tells its primary who asks. */
export const CLIENT_ADDRESS_HEADER = "x-gatewayz-client-address";

/** Where a reverse proxy of one's own stands; `X-Forwarded-For` is believed from there only. */
const NEARBY = new BlockList();
for (const [network, prefix] of [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  NEARBY.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const)
  NEARBY.addSubnet(network, prefix, "ipv6");

/**
 * Who is asking, as limits per address count it: an IPv4 address, or an IPv6 network of /64, which one customer has to
 * itself. Behind a proxy in a private network it is the last address that the proxy named. Undefined for this machine.
 */
export function clientAddress(request: Pick<IncomingMessage, "headers" | "socket">): string | undefined {
  // Only a worker of this gateway is on the primary's private socket, which has no addresses; it says who asks.
  if (request.socket.remoteAddress === undefined)
    return String(request.headers[CLIENT_ADDRESS_HEADER] ?? "") || undefined;
  const peer = plain(request.socket.remoteAddress);
  if (!isNearby(peer)) return counted(peer);
  const header = request.headers["x-forwarded-for"];
  const forwarded = plain((Array.isArray(header) ? header.join(",") : (header ?? "")).split(",").at(-1)!.trim());
  if (isIP(forwarded) !== 0) return counted(forwarded);
  return peer === "::1" || peer.startsWith("127.") ? undefined : counted(peer);
}

/** Without the prefix that an IPv4 address has on an IPv6 socket. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function isNearby(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && NEARBY.check(address, family === 6 ? "ipv6" : "ipv4");
}

function counted(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head.split(":").filter((group) => group !== "");
  while (tail !== undefined && groups.length < 4 && groups.length + tail.split(":").length < 8) groups.push("0");
  return `${groups.slice(0, 4).join(":")}::/64`;
}
