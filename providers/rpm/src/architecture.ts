import type { Architecture } from '@ict/plugin-api';

const NO_ARCH = 'noarch';

/** Architectures that no image has, but repositories do. */
const ELSEWHERE: readonly string[] = ['loongarch64', 'ppc64', 'ppc64le', 'riscv64', 's390x', 'src'];

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
  if (arch === NO_ARCH) return 0;
  const rank = COMPATIBLE[machine].indexOf(arch);
  return rank < 0 ? undefined : rank;
}

/** Architectures of packages that a machine can have, the best first. */
export function architecturesFor(machine: Architecture): readonly string[] {
  return [...COMPATIBLE[machine], NO_ARCH];
}

/** True for what stands behind the last dot of `name.arch`, and for nothing that a name ends with, as `python3.12`. */
export function isArchitecture(text: string): boolean {
  return text === NO_ARCH || Object.values(COMPATIBLE).some((names) => names.includes(text)) || ELSEWHERE.includes(text);
}

/** True when packages of both architectures may bear one name in one tree: the libraries of a 32-bit program beside those of the machine. */
export function mayCoexist(a: string, b: string): boolean {
  return a !== b && a !== NO_ARCH && b !== NO_ARCH;
}
