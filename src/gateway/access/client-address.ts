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
  const peer = peerOf(request.socket);
  // Only a worker of this gateway is on the primary's private socket, which has no addresses; it says who asks.
  if (peer.isPrivateSocket) return String(request.headers[CLIENT_ADDRESS_HEADER] ?? "") || undefined;
  const header = peer.isNearby ? request.headers["x-forwarded-for"] : undefined;
  if (header === undefined) return peer.counted;
  const forwarded = plain((Array.isArray(header) ? header.join(",") : header).split(",").at(-1)!.trim());
  return isIP(forwarded) === 0 ? peer.counted : counted(forwarded);
}

interface Peer {
  readonly isPrivateSocket: boolean;
  readonly isNearby: boolean;
  /** As limits count it; undefined for this machine. */
  readonly counted: string | undefined;
}

/** By connection: asking the socket and the block list costs more than the rest of the key check. */
const peers = new WeakMap<IncomingMessage["socket"], Peer>();

function peerOf(socket: IncomingMessage["socket"]): Peer {
  let peer = peers.get(socket);
  if (peer === undefined) {
    const address = plain(socket.remoteAddress ?? "");
    // A connection that has ended has no address either; what it sent is believed no more than before.
    const isPrivateSocket = address === "" && !socket.destroyed;
    const isThisMachine = address === "::1" || address.startsWith("127.");
    peer = { isPrivateSocket, isNearby: isNearby(address), counted: isThisMachine ? undefined : counted(address) };
    peers.set(socket, peer);
  }
  return peer;
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
