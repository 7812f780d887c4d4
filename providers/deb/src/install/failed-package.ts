import type { VerifiedPackage } from '@ict/plugin-api';
import { createFileName } from '../file-name.js';

/** What dpkg's status line says of a package file that it cannot unpack. @see dpkg(1), --status-fd */
const FAILED = /^status: (.+) : error : (.*)$/;

/** A package that dpkg does not unpack. */
export interface FailedPackage {
  readonly pkg: VerifiedPackage;
  /** In dpkg's words. */
  readonly reason: string;
}

/**
 * @param line of dpkg's output and status.
 * @param packages those that are unpacked, from files of the names that they have in the cache.
 * @returns which of them dpkg does not unpack, and why, if the line says that.
 */
export function failedPackage(line: string, packages: readonly VerifiedPackage[]): FailedPackage | undefined {
  const [, file, reason] = FAILED.exec(line) ?? [];
  if (file === undefined) return undefined;
  const pkg = packages.find((one) => file.endsWith(`/${createFileName(one)}`));
  return pkg === undefined ? undefined : { pkg, reason: reason! };
}
