/** Compression formats that can be read. */
export type Compression = 'none' | 'gz' | 'xz' | 'zstd' | 'bz2' | 'lzma' | 'zck';

const SUFFIXES: Readonly<Record<string, Compression>> = {
  gz: 'gz',
  tgz: 'gz',
  xz: 'xz',
  txz: 'xz',
  zst: 'zstd',
  zstd: 'zstd',
  tzst: 'zstd',
  bz2: 'bz2',
  tbz2: 'bz2',
  lzma: 'lzma',
  zck: 'zck',
};

/** How many first bytes of a file {@link detectCompression} looks at. */
export const DETECTION_BYTES = 13;

/**
 * Tells the compression by the first bytes of a file (give at least 13), or by the end of its name.
 * lzma has no magic number; its usual header (properties 0x5d, a power-of-two dictionary, a plausible size) is taken for it.
 *
 * @returns `none` when nothing matches.
 */
export function detectCompression(source: Uint8Array | string): Compression {
  if (typeof source === 'string') {
    const suffix = /\.([a-z0-9]+)$/i.exec(source)?.[1]?.toLowerCase() ?? '';
    return Object.hasOwn(SUFFIXES, suffix) ? (SUFFIXES[suffix] ?? 'none') : 'none';
  }
  const bytes = Buffer.from(source.buffer, source.byteOffset, Math.min(source.byteLength, DETECTION_BYTES));
  const hex = bytes.toString('hex');
  if (hex.startsWith('1f8b08')) return 'gz';
  if (hex.startsWith('fd377a585a00')) return 'xz';
  if (hex.startsWith('28b52ffd') || /^5[0-9a-f]2a4d18/.test(hex)) return 'zstd';
  if (hex.startsWith('005a434b31')) return 'zck';
  if (/^BZh[1-9]/.test(bytes.toString('latin1', 0, 4))) return 'bz2';
  if (bytes.length === DETECTION_BYTES && bytes[0] === 0x5d && isLzmaHeader(bytes)) return 'lzma';
  return 'none';
}

function isLzmaHeader(bytes: Buffer): boolean {
  const dictionary = bytes.readUInt32LE(1);
  const known = bytes.readBigUInt64LE(5);
  // The two largest sizes that real encoders write: "unknown", or below 256 GiB.
  return dictionary >= 4096 && (dictionary & (dictionary - 1)) === 0 && (known === 0xffff_ffff_ffff_ffffn || known < 1n << 38n);
}
