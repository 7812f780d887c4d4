import type { Architecture } from '@ict/plugin-api';

const NAMES: Readonly<Record<Architecture, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7hl: 'armhf' };

/** Debian's name of an architecture: `amd64` for `x86_64`. */
export function debArchitecture(arch: Architecture): string {
  return NAMES[arch];
}

/** Words that stand where an architecture may and name none. */
const WILDCARDS: readonly string[] = ['all', 'any', 'native', 'source'];

/** Why packages of an architecture, by Debian's name, cannot come beside those of another; undefined when they can. */
export function refuseForeign(name: string, arch: Architecture): string | undefined {
  if (name === debArchitecture(arch)) return `${name} is the architecture of the image itself`;
  const isName = /^[a-z0-9][a-z0-9-]*$/.test(name) && !WILDCARDS.includes(name);
  return isName ? undefined : `${JSON.stringify(name)} is no architecture; Debian calls them amd64, arm64, armhf, i386`;
}
