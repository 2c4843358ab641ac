/** `struct sockaddr_in`. */
export function ipv4Address(address: string, port: number): Uint8Array {
  return Uint8Array.of(2, 0, port >> 8, port & 0xff, ...address.split('.').map(Number), ...zeros(8))
}

/** `struct sockaddr_in6`. */
export function ipv6Address(address: Uint8Array, port: number): Uint8Array {
  return Uint8Array.of(10, 0, port >> 8, port & 0xff, ...zeros(4), ...address, ...zeros(4))
}

/** `struct sockaddr_un` of a path. */
export function unixAddress(path: string): Uint8Array {
  return Uint8Array.of(1, 0, ...Buffer.from(path).subarray(0, 107), 0)
}

/** `struct sockaddr_un` of an abstract name (given without the leading zero byte). */
export function abstractAddress(name: string): Uint8Array {
  return Uint8Array.of(1, 0, 0, ...Buffer.from(name).subarray(0, 107))
}

/** `struct sockaddr_vm`. */
export function vsockAddress(cid: number, port: number): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(40, 0)
  bytes.writeUInt32LE(port, 4)
  bytes.writeUInt32LE(cid, 8)
  return bytes
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0)
}
