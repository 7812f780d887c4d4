/**
 * Bytes of one unit. Every unit is a power of 1024, `GB` as well as `GiB` and `G`, because templates mix them for the same
 * disk ("4GiB # 4G, 4GB, 4096 MiB also valid") and because partitions must begin and end on sectors.
 */
const UNITS: Readonly<Record<string, number>> = {
  K: 2 ** 10,
  KB: 2 ** 10,
  KiB: 2 ** 10,
  M: 2 ** 20,
  MB: 2 ** 20,
  MiB: 2 ** 20,
  G: 2 ** 30,
  GB: 2 ** 30,
  GiB: 2 ** 30,
  T: 2 ** 40,
  TB: 2 ** 40,
  TiB: 2 ** 40,
};

/** Bytes of a GiB. */
export const GIB = UNITS['GiB'] as number;

const SIZE = /^(0|[1-9][0-9]{0,15}) ?([KMGT](?:i?B)?)$/;

/**
 * Reads a size such as `4GiB`, `4G`, `4GB` or `4096 MiB`; `0` alone is 0.
 *
 * @returns bytes, or undefined when the text is not a size or is beyond 2^53
 */
export function parseSize(text: string): number | undefined {
  if (text === '0') return 0;
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (UNITS[match[2] as string] as number);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Writes bytes with the largest unit that divides them: `513MiB`, `4GiB`, `17KiB`, `1 bytes`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const size = UNITS[unit] as number;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes} bytes`;
}
