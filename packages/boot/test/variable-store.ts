/* Variable stores as firmware has them, byte by byte: what the code under test says of GUIDs is not asked. */

/** Vendors of variables. */
export const GLOBAL = '61dfe48bca93d211aa0d00e098032b8c';
export const OF_SECURE_BOOT = 'c70ba3f008af564599c4001009c93a44';
const AUTHENTICATED = '782cf3aa7b949a43a1802e144ec37792';

export interface Variable {
  readonly vendor: string;
  readonly name: string;
  readonly data: Buffer;
  /** Default: added. */
  readonly state?: number;
}

export const PK: Variable = { vendor: GLOBAL, name: 'PK', data: Buffer.from('a list of one certificate') };
export const switched = (on: boolean): Variable => ({ vendor: OF_SECURE_BOOT, name: 'SecureBootEnable', data: Buffer.from([on ? 1 : 0]) });

/** A store with these variables. */
export function variableStore(variables: readonly Variable[], sizeBytes = 4096): Buffer {
  const bytes = Buffer.alloc(sizeBytes, 0xff).fill(0, 0, 72);
  bytes.write('_FVH', 40);
  bytes.writeUInt16LE(72, 48);
  Buffer.from(AUTHENTICATED, 'hex').copy(bytes, 72);
  bytes.writeUInt32LE(sizeBytes - 72, 88);
  let at = 100;
  for (const { vendor, name, data, state = 0x3f } of variables) {
    const encoded = Buffer.from(`${name}\0`, 'utf16le');
    bytes.writeUInt16LE(0x55aa, at);
    bytes[at + 2] = state;
    bytes.writeUInt32LE(encoded.length, at + 36);
    bytes.writeUInt32LE(data.length, at + 40);
    Buffer.from(vendor, 'hex').copy(bytes, at + 44);
    at += encoded.copy(bytes, at + 60) + 60;
    at += data.copy(bytes, at);
    at = Math.ceil((at - 72) / 4) * 4 + 72;
  }
  return bytes;
}
