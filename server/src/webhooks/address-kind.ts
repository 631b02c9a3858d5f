// What kind of place an IP address is: everyone's, this machine's, a private network's, or nobody's.
import { BlockList, isIPv6 } from "node:net";

/** `reserved` is everything that no webhook has business with: link-local (cloud metadata), multicast, documentation, unspecified. */
export type AddressKind = "public" | "loopback" | "private" | "reserved";

/** Special-purpose ranges of the IANA registries (RFC 6890 and its updates), as `[address, prefix]`. */
const RANGES: Record<Exclude<AddressKind, "public">, [string, number][]> = {
  loopback: [
    ["127.0.0.0", 8],
    ["::1", 128],
  ],
  private: [
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["172.16.0.0", 12],
    ["192.168.0.0", 16],
    ["fc00::", 7],
  ],
  reserved: [
    ["0.0.0.0", 8],
    ["169.254.0.0", 16],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.88.99.0", 24],
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 4],
    ["240.0.0.0", 4],
    ["::", 128],
    // Carry an IPv4 address within them that a gateway may unwrap: NAT64, 6to4, Teredo.
    ["64:ff9b::", 96],
    ["64:ff9b:1::", 48],
    ["2001::", 23],
    ["2002::", 16],
    ["100::", 64],
    ["2001:db8::", 32],
    ["3fff::", 20],
    ["5f00::", 16],
    ["fe80::", 10],
    ["fec0::", 10],
    ["ff00::", 8],
  ],
};

const LISTS = Object.entries(RANGES).map(([kind, ranges]) => {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, isIPv6(address) ? "ipv6" : "ipv4");
  return { kind: kind as AddressKind, list };
});

/** IPv4 within IPv6 (`::ffff:127.0.0.1`) counts as the IPv4 address it is. */
export function addressKind(address: string): AddressKind {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  return LISTS.find(({ list }) => list.check(address, family))?.kind ?? "public";
}
