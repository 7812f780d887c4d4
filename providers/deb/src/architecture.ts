import { nearestNames } from '@ict/package-index';
import type { Architecture } from '@ict/plugin-api';

const NAMES: Readonly<Record<Architecture, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7hl: 'armhf' };

/** Debian's name of an architecture: `amd64` for `x86_64`. */
export function debArchitecture(arch: Architecture): string {
  return NAMES[arch];
}

/** The names that dpkg knows for GNU/Linux (`dpkg-architecture -L`); other systems have theirs before, as `hurd-amd64`. */
const KNOWN: readonly string[] = [
  ...['alpha', 'amd64', 'arc', 'arm', 'arm64', 'arm64ilp32', 'armeb', 'armel', 'armhf', 'avr32', 'hppa', 'i386', 'ia64', 'loong64'],
  ...['m32r', 'm68k', 'mips', 'mips64', 'mips64el', 'mips64r6', 'mips64r6el', 'mipsel', 'mipsn32', 'mipsn32el', 'mipsn32r6', 'mipsn32r6el'],
  ...['mipsr6', 'mipsr6el', 'nios2', 'or1k', 'powerpc', 'powerpcel', 'powerpcspe', 'ppc64', 'ppc64el', 'riscv64', 's390', 's390x'],
  ...['sh3', 'sh3eb', 'sh4', 'sh4eb', 'sparc', 'sparc64', 'tilegx', 'x32'],
];

/** What others call an architecture, and what Debian does. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...Object.entries(NAMES),
  ...['x86', 'i486', 'i586', 'i686'].map((name) => [name, 'i386'] as const),
  ['armv7l', 'armhf'],
  ['ppc64le', 'ppc64el'],
]);

/** Why packages of an architecture, by Debian's name, cannot come beside those of another; undefined when they can. */
export function refuseForeign(name: string, arch: Architecture): string | undefined {
  if (name === debArchitecture(arch)) return `${name} is the architecture of the image itself`;
  if (KNOWN.includes(name.replace(/^[a-z]+(?:-[a-z]+)?-/, ''))) return undefined;
  const meant = ELSEWHERE.get(name);
  const near = meant === undefined ? nearestNames(name, KNOWN) : [meant];
  const hint =
    near.length === 0 ? 'Debian calls them amd64, arm64, armhf, i386' : `did you mean ${near.map((each) => `"${each}"`).join(' or ')}?`;
  return `${JSON.stringify(name)} is no architecture; ${hint}`;
}
