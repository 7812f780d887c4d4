import type { Architecture } from '@ict/plugin-api';

const NAMES: Readonly<Record<Architecture, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7hl: 'armhf' };

/** Debian's name of an architecture: `amd64` for `x86_64`. */
export function debArchitecture(arch: Architecture): string {
  return NAMES[arch];
}
