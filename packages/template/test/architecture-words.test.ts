import { describe, expect, it } from 'vitest';
import { ofArchitecture, replaceWords } from '../src/sections/architecture-words.js';
import { parseDistribution, requireDistribution } from '../src/targets/distribution.js';
import { loadTemplate } from '../src/documents/load.js';
import { DISK, HEAD, said, workspace } from './workspace.js';

const text = `apiVersion: 1
ecosystem: deb
os: debian
dist: debian13
title: Acme Linux 1
architectures: [x86_64, aarch64]
byArchitecture:
  x86_64: { host: www.example.com, kernel: linux-image-amd64 }
  aarch64: { host: ports.example.com, kernel: linux-image-arm64 }
repositories:
  - id: acme
    archive: http://\${host}/acme
    suite: one
    keyrings: [acme.asc]
boot:
  kernel: /boot/vmlinuz-*
  initrd: /boot/initrd.img-\${kernelVersion}
  makeInitrd: [mkinitramfs, -o, '\${output}', '\${kernelVersion}']
  loaders: {}
tools:
  packages: { ext: [e2fsprogs] }
defaults:
  raw:
    systemConfig:
      kernel: { packages: ['\${kernel}'] }
`;

describe('words of an architecture', () => {
  it('stand wherever their name does, and leave other names alone', () => {
    expect(replaceWords({ a: ['${x}-${y}-${x}'], b: { c: 1, d: null, e: '${constructor}' } }, { x: '1' })).toEqual({
      a: ['1-${y}-1'],
      b: { c: 1, d: null, e: '${constructor}' },
    });
  });

  it('make a definition that of an architecture', () => {
    const definition = requireDistribution(parseDistribution(text, '/acme/acme.yml'));
    const arm = ofArchitecture(definition, 'aarch64');
    expect(arm.byArchitecture).toBeUndefined();
    expect(arm.repositories[0]?.archive).toBe('http://ports.example.com/acme');
    expect(arm.boot.makeInitrd).toEqual(['mkinitramfs', '-o', '${output}', '${kernelVersion}']);
    expect(ofArchitecture(definition, 'x86_64').repositories[0]?.archive).toBe('http://www.example.com/acme');
  });

  it.each([
    ['x86_64', 'linux-image-amd64'],
    ['aarch64', 'linux-image-arm64'],
  ])('are those of the target of a template: %s', async (arch, kernel) => {
    const directory = await workspace({ 'image.yml': `${HEAD.replace('x86_64', arch)}${DISK}` });
    const { spec, problems } = await loadTemplate(`${directory}/image.yml`, {
      distribution: () => requireDistribution(parseDistribution(text, '/acme/acme.yml')),
    });
    expect(problems).toEqual([]);
    expect(spec?.system.kernel.packages).toMatchObject([{ name: kernel }]);
  });

  it.each([
    [
      'an architecture without a name that others have',
      text.replace(', kernel: linux-image-arm64', ''),
      ['byArchitecture has no kernel for aarch64'],
    ],
    [
      'an architecture that is none of it',
      text.replace('[x86_64, aarch64]', '[x86_64]'),
      ['byArchitecture has aarch64, which is not among the architectures'],
    ],
    [
      'a name that is taken',
      text.replaceAll('kernel: linux', 'output: linux').replace("'${kernel}'", 'a'),
      ['the name output stands for something else in "boot"', 'the name output stands for something else in "boot"'],
    ],
    [
      'a text that is wrong on one of them',
      text.replace('host: ports.example.com', 'host: "a b"'),
      [expect.stringContaining('http://a b/acme')],
    ],
    [
      'a fault that both have, once',
      text.replace('packages: { ext', 'pakages: { ext'),
      ['tools needs the key "packages"', 'unknown key "pakages" in tools'],
    ],
  ])('refuses %s', (_what, changed, expected) => {
    const { problems } = parseDistribution(changed, 'acme.yml');
    expect(problems.map(({ message }) => message)).toEqual(expected);
    for (const { position } of problems) expect(position?.line).toBeGreaterThan(5);
    expect(said(problems).join()).not.toContain('undefined');
  });
});
