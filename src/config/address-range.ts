import ipaddr from "ipaddr.js";

/** Metadata services outside the link-local ranges: Alibaba Cloud, AWS over IPv6, Oracle. */
const METADATA = new Set(["100.100.100.200", "fd00:ec2::254", "192.0.0.192", "168.63.129.16"]);

/** Where an address lies, as far as it matters here. */
export type AddressRange = "public" | "private" | "never";

/**
 * `private` can be allowed; `never` (link-local, metadata, multicast, unspecified, reserved) cannot. An IPv4 address
 * inside an IPv6 one (mapped, NAT64, 6to4, Teredo) is judged by itself.
 */
export function addressRange(address: string): AddressRange {
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  if (!ipaddr.isValid(bare)) return "never";
  const parsed = ipaddr.parse(bare);
  const inner = parsed.kind() === "ipv6" ? embedded(parsed as ipaddr.IPv6) : undefined;
  if (inner !== undefined) return addressRange(inner);
  if (METADATA.has(parsed.toString())) return "never";
  switch (parsed.range()) {
    case "unicast":
      return "public";
    case "loopback":
    case "private":
    case "uniqueLocal":
    case "carrierGradeNat":
      return "private";
    default:
      return "never";
  }
}

/** The IPv4 address that packets to this IPv6 address end at, if any. */
function embedded(address: ipaddr.IPv6): string | undefined {
  const bytes = address.toByteArray();
  const at = (offset: number, invert = 0): string =>
    bytes
      .slice(offset, offset + 4)
      .map((byte) => byte ^ invert)
      .join(".");
  switch (address.range()) {
    case "ipv4Mapped":
    case "rfc6052":
    case "rfc6145":
      return at(12);
    case "6to4":
      return at(2);
    case "teredo":
      return at(12, 0xff);
    default:
      // IPv4-compatible (::a.b.c.d), long deprecated; :: and ::1 are themselves.
      return bytes.slice(0, 12).every((byte) => byte === 0) && bytes[12] !== 0 ? at(12) : undefined;
  }
}
