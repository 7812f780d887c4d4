import type { Architecture } from '@ict/plugin-api';

/** Architectures of packages that can be installed on a machine, the best first. `noarch` counts as the best. */
const COMPATIBLE: Readonly<Record<Architecture, readonly string[]>> = {
  x86_64: ['x86_64', 'i686', 'i586', 'i486', 'i386'],
  aarch64: ['aarch64'],
  armv7hl: ['armv7hl', 'armv7hnl', 'armv6hl'],
};

/**
 * How well a package of architecture `arch` suits a machine: 0 is best, larger is worse; undefined when it cannot be installed, as
 * source packages cannot.
 */
export function architectureRank(arch: string, machine: Architecture): number | undefined {
  if (arch === 'noarch') return 0;
  const rank = COMPATIBLE[machine].indexOf(arch);
  return rank < 0 ? undefined : rank;
}

/** True when packages of both architectures may bear one name in one tree: the libraries of a 32-bit program beside those of the machine. */
export function mayCoexist(a: string, b: string): boolean {
  return a !== b && a !== 'noarch' && b !== 'noarch';
}
