import { isPattern, patternExpression } from '@ict/package-index';
import type { ResolvedPackage } from '@ict/plugin-api';

/**
 * The name in `name`, `name=version`, `name/suite`, or in an id; with its architecture where it has one (`name:arch`). A path is its own, and so is a name
 * behind whose sign nothing stands: it is nobody's.
 */
export function seedName(request: string): string {
  return request.startsWith('/') ? request : request.replace(/[=/].+$/, '');
}

/** Whether a request asks for that version of a package, with or without its release, or by a pattern; undefined when it names none. */
export function asksForVersion(request: string, { version }: Pick<ResolvedPackage, 'version'>): boolean | undefined {
  const asked = askedVersion(request);
  if (asked === undefined) return undefined;
  return isPattern(asked) ? patternExpression([asked]).test(version) : version === asked || version.startsWith(`${asked}-`);
}

/** The version in `name=version`; undefined when a request names none. */
export function askedVersion(request: string): string | undefined {
  return /=([^/]+)/.exec(request)?.[1];
}

/** The suite in `name/suite`; undefined when a request names none. */
export function askedSuite(request: string): string | undefined {
  return /^[^=/]+\/(.+)$/.exec(request)?.[1];
}

/** What a request may call a package, whatever its version. */
export function namesOf({ arch, name }: Pick<ResolvedPackage, 'arch' | 'name'>): readonly string[] {
  return [name, `${name}:${arch}`, `${name}.${arch}`];
}

/** Whether what a package is there for is another package, and not a reason such as `template`. */
export function isPackageId(reason: string): boolean {
  return reason.includes(':');
}
