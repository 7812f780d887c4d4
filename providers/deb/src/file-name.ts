import type { PackageRecord } from '@ict/plugin-api';

/**
 * File name of a package in the flat cache, as apt names it in its own: `name_version_arch.deb`, the epoch included, with `:` as `%3a`.
 * Characters that a file name should not have are escaped the same way.
 */
export function createFileName(pkg: Pick<PackageRecord, 'name' | 'version' | 'arch'>): string {
  return `${[pkg.name, pkg.version, pkg.arch].map(escape).join('_')}.deb`;
}

/** Escapes as apt's QuoteString does with the set `_:`, and what is no printable ASCII or could leave a directory. */
function escape(text: string): string {
  return text.replace(/[^A-Za-z0-9.+~-]/gu, (character) => {
    return [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  });
}
