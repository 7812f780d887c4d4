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
    ['all', 'x86_64', '"all" is no architecture; Debian calls them amd64, arm64, armhf, i386'],
    ['any', 'x86_64', '"any" is no architecture; Debian calls them amd64, arm64, armhf, i386'],
    ['x86_64', 'aarch64', '"x86_64" is no architecture; Debian calls them amd64, arm64, armhf, i386'],
    ['--purge', 'x86_64', '"--purge" is no architecture; Debian calls them amd64, arm64, armhf, i386'],
  ] as const)('%s beside %s: %s', (name, arch, refusal) => {
    expect(refuseForeign(name, arch)).toBe(refusal);
  });
});
