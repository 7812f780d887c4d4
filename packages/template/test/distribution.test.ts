import { describe, expect, it } from 'vitest';
import { parseDistribution, placeDistribution, requireDistribution, type WrittenDistribution } from '../src/targets/distribution.js';
import { said } from './workspace.js';

const text = `apiVersion: 1
ecosystem: deb
os: acme
dist: acme1
title: Acme Linux 1
architectures: [x86_64]
repositories:
  - id: acme
    archive: http://archive.example.com/acme
    suite: one
    components: [main]
    keyrings: [../keys/acme.asc, /etc/acme.asc]
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
      packages: [udev]
      additionalFiles: [{ local: files/motd, final: /etc/motd }]
`;

it('fills in defaults and makes paths absolute', () => {
  const definition = requireDistribution(parseDistribution(text, '/plugin/distros/acme.yml'));
  expect(definition.repositories[0]?.keyrings).toEqual(['/plugin/keys/acme.asc', '/etc/acme.asc']);
  expect(definition.essential).toEqual({ priorities: [], packages: [] });
  expect(definition.defaults['raw']).toEqual({
    systemConfig: { packages: ['udev'], additionalFiles: [{ local: '/plugin/distros/files/motd', final: '/etc/motd' }] },
  });
});

it('says what a file has apart from where it is', () => {
  const { written } = parseDistribution(text, '/build/acme.yml');
  const kept = JSON.parse(JSON.stringify(written)) as WrittenDistribution;
  expect(placeDistribution(kept, '/plugin/distros/acme.yml')).toEqual(parseDistribution(text, '/plugin/distros/acme.yml').definition);
  expect(parseDistribution(`${text}unknown: 1\n`, '/build/acme.yml').written).toBeUndefined();
});

describe('refuses', () => {
  it.each([
    [
      'defaults that are no template',
      text.replace('packages: [udev]', 'pakages: [udev]'),
      23,
      'ICT_DOCUMENT_UNKNOWN_KEY: unknown key "pakages" in systemConfig',
    ],
    [
      'a disk for immutable roots that is none',
      `${text}immutable:\n  disk:\n    sise: 2GiB\n`,
      27,
      'ICT_DOCUMENT_UNKNOWN_KEY: unknown key "sise" in disk',
    ],
    ...['/boot/vmlinuz', '/boot/*/vmlinuz-*', 'boot/vmlinuz-*', '/boot//vmlinuz-*', '/lib/modules/*/'].map(
      (kernel): [string, string, number, string] => [
        `${kernel} as the path of kernels`,
        text.replace('/boot/vmlinuz-*', kernel),
        14,
        `ICT_DOCUMENT_BAD_VALUE: boot.kernel is "${kernel}"; it must be an absolute path with one "*", which stands for the kernel version, such as /boot/vmlinuz-* or /lib/modules/*/vmlinuz`,
      ],
    ),
    [
      'a name that leads elsewhere',
      text.replace('dist: acme1', 'dist: ../x'),
      4,
      'ICT_DOCUMENT_BAD_VALUE: dist is "../x"; it must be letters, digits, ".", "_" and "-": directories are named after it',
    ],
    ['another version', text.replace('apiVersion: 1', 'apiVersion: 2'), 1, 'ICT_DOCUMENT_BAD_VALUE: apiVersion is 2; it must be one of: 1'],
    [
      'a metalink beside a mirror list',
      text.replace('    suite: one', '    suite: one\n    metalink: http://a.example/metalink\n    mirrorlist: http://a.example/list'),
      12,
      'ICT_DOCUMENT_BAD_VALUE: the repository "acme" names a metalink and a mirror list; a metalink says more',
    ],
    [
      'an archive that ends in a slash',
      text.replace('com/acme', 'com/acme/'),
      9,
      'ICT_DOCUMENT_BAD_VALUE: the archive http://archive.example.com/acme/ ends in a slash',
    ],
  ])('%s', (_, changed, line, expected) => {
    const parsed = parseDistribution(changed, 'acme.yml');
    expect(said(parsed.problems)).toEqual([expected]);
    expect(parsed.problems[0]?.position?.line).toBe(line);
    expect(() => requireDistribution(parsed)).toThrow(expect.objectContaining({ code: 'ICT_DISTRO_INVALID' }));
  });
});
