import type { TreeRecord } from '@ict/plugin-api';
import { archiveImageError } from './errors.js';

/** What records show in place of bytes that are not UTF-8. */
const UNKNOWN = '\ufffd';

/**
 * Requires names and link targets that records tell whole.
 *
 * @throws `ICT_IMAGE_NAME`
 */
export function requireKnownNames(records: readonly TreeRecord[]): void {
  const odd = records.find(({ path, linkTarget = '' }) => path.includes(UNKNOWN) || linkTarget.includes(UNKNOWN));
  if (odd === undefined) return;
  throw archiveImageError('ICT_IMAGE_NAME', {
    message: `${JSON.stringify(odd.path)} cannot be put into an archive: its name, or where it links to, is not UTF-8`,
    hint: 'Rename it, or remove it in systemConfig.configurations.',
    facts: { path: odd.path },
  });
}

/** The name of a record inside an archive: relative, without `./`; `.` for the root. */
export function archiveName({ path }: Pick<TreeRecord, 'path'>): string {
  return path === '/' ? '.' : path.slice(1);
}
