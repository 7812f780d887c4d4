import { readFile } from 'node:fs/promises';
import { parseTemplate } from '@ict/template';
import { describe, expect, it } from 'vitest';
import { rawOnly, withFile, withLocalRepository, withPackage } from '../src/local-definition.js';
import { packageNames } from '../src/lock-names.js';
import { wholeIndex } from '../src/whole-index.js';
import { DEFINITION, TEMPLATE } from '../src/workspace.js';

const LOCK = `# Written by \`ict lock\`.
lockVersion: 1
repositories:
  - id: local
    archive: http://archive.example/debian
packages:
  - name: apt
    version: "3.0"
    source:
      name: apt-source
      version: "3.0"
    requires:
      - libc6:amd64
  - version: "2.41"
    name: "libc6"
    requestedBy: []
tools:
  - name: mtools
`;

describe('packageNames', () => {
  it('reads the packages of the image, and neither sources nor tools', () => {
    expect(packageNames(LOCK)).toEqual(['apt', 'libc6']);
  });

  it.each(['lockVersion: 1\n', 'packages:\n  - id: a\n', 'packages: []\n'])('refuses %j', (text) => {
    expect(() => packageNames(text)).toThrow('lock file');
  });
});

describe('withLocalRepository', () => {
  it('replaces the repositories of the shipped definition, and nothing else', async () => {
    const definition = await readFile(DEFINITION, 'utf8');
    const local = withLocalRepository(definition, { archive: 'http://archive.example/debian', suite: 'trixie', keyring: '/some/key.pgp' });
    const keys = (text: string): readonly string[] => text.match(/^[a-z]\w*:/gim) ?? [];
    expect(keys(local)).toEqual(keys(definition));
    expect(local.match(/^ +archive: .*$/gm)).toEqual(['    archive: http://archive.example/debian']);
    expect(local).toContain('keyrings: ["/some/key.pgp"]');
  });

  it('refuses a definition without repositories', () => {
    expect(() => withLocalRepository('os: debian\n', { archive: '', suite: '', keyring: '' })).toThrow('repositories');
  });
});

describe('rawOnly', () => {
  it('leaves the shipped template with one artifact', async () => {
    const template = rawOnly(await readFile(TEMPLATE, 'utf8'));
    expect(template.match(/^ +- type: (raw|qcow2)$/gm)).toEqual(['    - type: raw']);
    expect(template).toContain('partitions:');
  });

  it('refuses a template without a raw disk', () => {
    expect(() => rawOnly('disk:\n  artifacts:\n    - type: qcow2\n')).toThrow('no uncompressed raw disk');
  });
});

describe('variants of the shipped template', () => {
  it('have one more file, or one more package, and are valid', async () => {
    const template = await readFile(TEMPLATE, 'utf8');
    for (const [text, change] of [
      [withFile(template, 'added'), { additionalFiles: [{ local: 'added', final: '/usr/local/share/added' }] }],
      [withPackage(template, 'mtools'), { packages: expect.arrayContaining(['mtools', 'systemd-sysv']) as unknown }],
    ] as const) {
      const parsed = parseTemplate(text, 'image.yml');
      expect(parsed.problems).toEqual([]);
      expect(parsed.template?.systemConfig).toMatchObject(change);
    }
  });

  it.each(['image: {}\n', 'systemConfig:\n  additionalFiles: []\n'])('are not made of %j', (text) => {
    expect(() => withFile(text, 'added')).toThrow('the template has');
  });

  it('need a list of packages', () => {
    expect(() => withPackage('systemConfig:\n  name: a\n', 'mtools')).toThrow('no list of packages');
  });
});

describe('wholeIndex', () => {
  const stanza = (name: string, version: string): string => `Package: ${name}\nVersion: ${version}\nDescription: ${name}\n more of it\n`;

  it('has the packages that are there, and what the archive says of all others', () => {
    const own = [stanza('apt', '3.1'), stanza('bash', '5.2')].join('\n');
    const archive = [stanza('apt', '3.0'), stanza('apt', '3.0~rc1'), stanza('bash-static', '5.2'), stanza('zsh', '5.9')].join('\n');
    const whole = [stanza('apt', '3.1'), stanza('bash', '5.2'), stanza('bash-static', '5.2'), stanza('zsh', '5.9')].join('\n');
    expect(wholeIndex(own, archive)).toBe(whole);
    expect(wholeIndex(own, `${archive}\n\n`)).toBe(whole);
  });

  it('fails on a stanza that names no package', () => {
    expect(() => wholeIndex(stanza('apt', '3.1'), 'Version: 1\n')).toThrow('a stanza of the index names no package: Version: 1');
  });
});
