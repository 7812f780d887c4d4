import { describe, expect, it } from 'vitest';
import { debArchitecture, refuseForeign } from '../src/architecture.js';

describe('architectures', () => {
  it('have names of Debian', () => {
    expect((['x86_64', 'aarch64', 'armv7hl'] as const).map(debArchitecture)).toEqual(['amd64', 'arm64', 'armhf']);
  });

  it.each([
    ['i386', 'x86_64', undefined],
    ['amd64', 'aarch64', undefined],
    ['kfreebsd-amd64', 'x86_64', undefined],
    ['amd64', 'x86_64', 'amd64 is the architecture of the image itself'],
    ['musl-linux-arm64', 'x86_64', undefined],
    ['riscv64', 'x86_64', undefined],
    ['all', 'x86_64', '"all" is no architecture; Debian calls them amd64, arm64, armhf, i386'],
    ['any', 'x86_64', '"any" is no architecture; Debian calls them amd64, arm64, armhf, i386'],
    ['--purge', 'x86_64', '"--purge" is no architecture; Debian calls them amd64, arm64, armhf, i386'],
    ['i368', 'x86_64', '"i368" is no architecture; did you mean "i386"?'],
    ['kfreebsd-amd46', 'x86_64', '"kfreebsd-amd46" is no architecture; Debian calls them amd64, arm64, armhf, i386'],
    ['x86_64', 'aarch64', '"x86_64" is no architecture; did you mean "amd64"?'],
    ['i686', 'x86_64', '"i686" is no architecture; did you mean "i386"?'],
  ] as const)('%s beside %s: %s', (name, arch, refusal) => {
    expect(refuseForeign(name, arch)).toBe(refusal);
  });
});
