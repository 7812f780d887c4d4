import type { PackageRecord } from '@ict/plugin-api';
import { formatEvr, parseEvr } from './relations/evr.js';

/**
 * File name of a package in the flat cache: `name-version-release.arch.rpm`, as rpm itself names it, with the epoch in front of the version
 * (`name-1%3a2.0-1.x86_64.rpm`) where there is one, because versions that differ in it alone would share a name.
 */
export function createFileName(pkg: Pick<PackageRecord, 'name' | 'version' | 'arch'>): string {
  return `${escape(pkg.name)}-${escape(formatEvr(parseEvr(pkg.version)))}.${escape(pkg.arch)}.rpm`;
}

/** Escapes what is no printable ASCII or could leave a directory. */
function escape(text: string): string {
  return text.replace(/[^A-Za-z0-9.+~^_-]/gu, (character) => {
    return [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  });
}
