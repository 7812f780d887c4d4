import type { HostCheck } from '@ict/sandbox';

/** How a check says that a Debian package is missing. */
const INSTALL = /^sudo apt-get install --yes ([a-z0-9][a-z0-9+.-]*)$/;

/** Debian packages that would put failed checks right, sorted. */
export function missingPackages(checks: readonly HostCheck[]): readonly string[] {
  const names = checks.filter((check) => !check.ok).map((check) => INSTALL.exec(check.remedy ?? '')?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** The fewest commands that put failed checks right: one for all packages, and each other remedy once. */
export function mendingCommands(checks: readonly HostCheck[], root: boolean): readonly string[] {
  const packages = missingPackages(checks);
  const install = packages.length === 0 ? [] : [`sudo apt-get install --yes ${packages.join(' ')}`];
  const others = checks
    .filter((check) => !check.ok && check.remedy !== undefined && !INSTALL.test(check.remedy))
    .map((check) => check.remedy ?? '');
  return [...install, ...new Set(others)].map((command) => (root ? command.replace(/^sudo /, '') : command));
}
