import type { Architecture } from './distribution.js';

/** Node's names of architectures that images are for. */
const OWN_NAMES: Readonly<Record<string, Architecture>> = { x64: 'x86_64', arm64: 'aarch64', arm: 'armv7hl' };

/** Architecture whose programs this machine runs by itself; Node's own name of it where no images are for it. */
export function hostArchitecture(): string {
  return OWN_NAMES[process.arch] ?? process.arch;
}
