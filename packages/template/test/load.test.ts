import path from 'node:path';
import { hasCode } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { loadTemplate, requireSpec } from '../src/documents/load.js';
import { writeTemplate } from '../src/documents/template-text.js';
import { parseTemplate } from '../src/documents/template-document.js';
import type { TemplateDefaults } from '../src/schema/template.js';
import { definition, DISK, HEAD, load, said, workspace } from './workspace.js';

const defaults: TemplateDefaults = {
  image: { name: 'other', version: '0' },
  disk: { size: '8GiB', partitions: [{ id: 'root', start: '1MiB', fsType: 'ext4', mountPoint: '/' }] },
  systemConfig: {
    name: 'default',
    packages: ['udev', 'dbus'],
    kernel: { cmdline: 'quiet', packages: ['linux-image-amd64', 'linux-headers'], version: '6.12' },
    bootloader: { bootType: 'efi', provider: 'systemd-boot' },
    users: [{ name: 'admin', groups: ['adm'], sudo: true, shell: '/bin/sh' }, { name: 'second' }],
    configurations: [{ cmd: 'echo default' }],
  },
};

describe('merging', () => {
  it('lays the template over the defaults', async () => {
    const text = `${HEAD}${DISK}systemConfig:
  hostname: node-1
  packages: [vim, dbus]
  kernel:
    packages: [linux-image-cloud-amd64]
    cmdline: ""
  bootloader: { provider: grub2 }
  users:
    - { name: admin, groups: [video, adm] }
    - { name: third }
  configurations:
    - cmd: echo own
    - cmd: echo own
`;
    const { spec, problems } = await load(text, defaults);
    expect(problems).toEqual([]);
    expect(spec?.image).toEqual({ name: 'demo', version: '1.0' });
    expect(spec?.disk.sizeBytes).toBe(2 * 2 ** 30);
    expect(spec?.disk.partitions.map(({ id }) => id)).toEqual(['esp', 'root']);
    expect(spec?.system.name).toBe('default');
    expect(spec?.system.hostname).toBe('node-1');
    expect(spec?.system.recommends).toBe(false);
    expect(spec?.system.packages.map(({ name }) => name)).toEqual(['udev', 'dbus', 'vim']);
    expect(spec?.system.packages.map(({ position }) => position?.column)).toEqual([undefined, 19, 14]);
    expect(spec?.system.packages.map(({ byDefault }) => byDefault)).toEqual([true, true, undefined]);
    expect(spec?.system.kernel.packages.map(({ name, byDefault }) => [name, byDefault])).toEqual([['linux-image-cloud-amd64', undefined]]);
    expect(spec?.system.kernel).toMatchObject({ cmdline: 'quiet', version: '6.12' });
    expect(spec?.system.bootloader).toEqual({ bootType: 'efi', provider: 'grub' });
    expect(spec?.system.users.map(({ position }) => position?.line)).toEqual([22, undefined, 23]);
    expect(spec?.system.users.map(({ position: _where, ...user }) => user)).toEqual([
      { name: 'admin', groups: ['adm', 'video'], sudo: false, shell: '/bin/sh', sshKeys: [] },
      { name: 'second', groups: [], sudo: false, sshKeys: [] },
      { name: 'third', groups: [], sudo: false, sshKeys: [] },
    ]);
    expect(spec?.system.configurations.map(({ command }) => command)).toEqual(['echo default', 'echo own', 'echo own']);
    expect(spec?.positions.get('systemConfig.packages[2]')?.line).toBe(16);
    expect(spec?.positions.has('systemConfig.packages[0]')).toBe(false);
  });

  it('takes the whole default where the template says nothing', async () => {
    const { spec, problems } = await load(HEAD, { ...defaults, ...({ disk: { ...defaults.disk, partitions: [] } } as TemplateDefaults) });
    expect(spec).toBeUndefined();
    expect(problems.map(({ message }) => message)).toContain('no partition is mounted at / (from the defaults of debian13)');
  });

  it('replaces files by their place in the image, in a fixed order', async () => {
    const files = { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' };
    const directory = await workspace(files);
    const base = {
      systemConfig: { additionalFiles: ['a', 'b'].map((name) => ({ local: path.join(directory, `${name}.txt`), final: `/${name}` })) },
    };
    const text = `${HEAD}${DISK}systemConfig:\n  additionalFiles:\n    - { local: c.txt, final: /c, mode: "0600", owner: root }\n    - { local: b.txt, final: /a }\n`;
    const { spec, problems } = await load(text, base, files);
    expect(problems).toEqual([]);
    expect(spec?.system.files.map(({ source, target }) => [path.basename(source), target])).toEqual([
      ['b.txt', '/a'],
      ['b.txt', '/b'],
      ['c.txt', '/c'],
    ]);
    expect(spec?.system.files[2]).toMatchObject({ mode: 0o600, owner: 'root' });
    expect(spec?.system.files[0]?.position?.line).toBe(17);
  });
});

it('passes values through untouched', async () => {
  const command = 'printf \'%s\\n\' "$(id)" `x` $HOME; true && "a\\b"\n\tsecond line\n';
  const text = `${HEAD}${DISK}systemConfig:\n  description: ${JSON.stringify(command)}\n  kernel: { cmdline: ${JSON.stringify(command)} }\n  packages: [${JSON.stringify('odd $(name) "x"')}]\n  configurations:\n    - cmd: ${JSON.stringify(command)}\n`;
  const { spec, problems } = await load(text);
  expect(problems).toEqual([]);
  expect(spec?.system.configurations[0]?.command).toBe(command);
  expect(spec?.system.kernel.cmdline).toBe(command);
  expect(spec?.system.packages[0]?.name).toBe('odd $(name) "x"');
});

describe('passwords', () => {
  it('hashes plain ones, always to the same hash, and warns', async () => {
    const text = `${HEAD}${DISK}systemConfig:\n  users:\n    - { name: admin, password: secret }\n    - { name: old, password: secret, hash_algo: sha256 }\n`;
    const [one, two] = [await load(text), await load(text)];
    const hashes = one.spec?.system.users.map(({ passwordHash }) => passwordHash);
    expect(hashes?.[0]).toMatch(/^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/);
    expect(hashes?.[1]).toMatch(/^\$5\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{43}$/);
    expect(two.spec?.system.users.map(({ passwordHash }) => passwordHash)).toEqual(hashes);
    expect(one.warnings.map(({ code, position }) => [code, position?.line])).toEqual([
      ['ICT_TEMPLATE_PLAIN_PASSWORD', 16],
      ['ICT_TEMPLATE_PLAIN_PASSWORD', 17],
    ]);
  });

  it.each([
    ['$6$saltstring$svn8UoSVapNtMuq1', '', []],
    ['$ecret', '', ['ICT_TEMPLATE_PASSWORD: the password of "u" begins with "$", but is not a crypt(3) hash']],
    ['!', '', ['ICT_TEMPLATE_PASSWORD: the password of "u" is neither a hash nor a usable password']],
    ['a\n', '', ['ICT_TEMPLATE_PASSWORD: the password of "u" has a line break or another control character, which no login takes']],
    ['ä'.repeat(256), '', ['ICT_TEMPLATE_PASSWORD: the password of "u" has more than 511 bytes, which no login takes']],
    ['', 'bcrypt', []],
  ])('%j with hash_algo %j', async (password, algorithm, expected) => {
    const users = JSON.stringify([{ name: 'u', password, hash_algo: algorithm }]);
    const { spec, problems } = await load(`${HEAD}${DISK}systemConfig:\n  users: ${users}\n`);
    expect(said(problems)).toEqual(expected);
    if (expected.length === 0) expect(spec?.system.users[0]?.passwordHash).toBe(password === '' ? undefined : password);
  });
});

describe('disk', () => {
  const esp = '{ id: esp, type: esp, start: 1MiB, end: 257MiB, fsType: fat32, mountPoint: /boot/efi }';
  const root = '{ id: root, start: 257MiB, end: "0", fsType: ext4, mountPoint: / }';
  it.each([
    ['1GiB', [esp, root], []],
    ['1GiB', [esp, '{ id: root, fsType: ext4, mountPoint: / }'], []],
    ['1GiB', [root], ['the image starts through EFI, but no partition has the type "esp"']],
    ['1GiB', [esp], ['no partition is mounted at /']],
    ['1GiB', [esp.replace('fat32', 'ext4'), root], ['firmware cannot read the EFI system partition "esp": it is not FAT']],
    [
      '1GiB',
      [esp.replace('/boot/efi', '/srv/'), root.replace('257MiB', '258MiB'), '{ id: x, start: 257MiB, end: 258MiB, mountPoint: /srv }'],
      ['two partitions are mounted at /srv'],
    ],
    ['1GiB', [esp.replace('/boot/efi', '/boot/efi//'), root], []],
    ['1GiB', [esp, root.replace('ext4', 'none')], ['the root partition "root" has no filesystem']],
    ['1GiB', [esp, root.replace('257MiB', '256MiB')], ['partition "root" begins at 256MiB, inside "esp", which ends at 257MiB']],
    ['1GiB', [esp, root.replace('"0"', '2GiB')], ['partition "root" ends at 2GiB, beyond the disk of 1GiB']],
    ['1GiB', [esp, root.replace('"0"', '1GiB')], ['partition "root" leaves no room for the second partition table at the end of the disk']],
    ['1GiB', [esp, root.replace('257MiB', '2GiB')], ['partition "root" begins at 2GiB, not before the end of the disk']],
    ['1GiB', [esp.replace('1MiB', '16KiB'), root], ['partition "esp" begins inside the partition table']],
    [
      '1GiB',
      [esp, root, '{ id: x, start: 900MiB, end: "0" }'],
      ['partition "x" begins at 900MiB, inside "root", which takes the rest of the disk'],
    ],
    ['1GiB', [esp, root, '{ id: x }'], ['partition "x" needs the key "start": the one before takes the rest of the disk']],
    ['1GiB', [esp.replace('id: esp', 'id: root'), root], ['two partitions have the id "root"']],
    [
      '1GiB',
      [esp, root.replace('"0"', '512MiB'), '{ id: x, mountPoint: /boot/efi, end: 513MiB }'],
      ['two partitions are mounted at /boot/efi'],
    ],
    [
      '1GiB',
      [esp.replace('type: esp', 'type: epsx'), root],
      ['partition "esp" has the unknown type "epsx"', 'the image starts through EFI, but no partition has the type "esp"'],
    ],
    ['1KiB', [esp, root], ['a disk of 1KiB is too small']],
  ])('%s %j', async (size, partitions, expected) => {
    const text = `${HEAD}disk:\n  size: ${size}\n  partitions:\n${partitions.map((one) => `    - ${one}\n`).join('')}`;
    const { problems } = await load(text);
    expect(problems.map(({ message }) => message).sort()).toEqual([...expected].sort());
    for (const { position } of problems) expect(position?.line).toBeGreaterThan(0);
  });

  it('must be there for a raw image, and need not for others', async () => {
    expect(said((await load(HEAD)).problems)).toEqual(['ICT_DOCUMENT_MISSING_KEY: a raw image needs the key "disk"']);
    expect((await load(HEAD.replace('raw', 'img'))).spec?.disk.partitions).toEqual([]);
  });
});

describe('names', () => {
  it.each([
    ['image: {name: a/b, version: "1"}', 'image.name contains "/" or a control character: "a/b"'],
    ['image: {name: a, version: ".."}', 'image.version is only dots: ".."'],
    ['image: {name: "", version: "1"}', 'image.name is empty'],
    [`image: {name: ${'ä'.repeat(98)}, version: "1.23"}`, 'image.name makes a file name of 201 bytes; 200 are possible'],
  ])('%s', async (image, expected) => {
    const { problems } = await load(`${image}\n${HEAD.slice(HEAD.indexOf('target'))}${DISK}`);
    expect(said(problems)).toEqual([`ICT_TEMPLATE_NAME: ${expected}`]);
  });

  it.each([
    ['users: [{name: "a b"}]', '"a b" cannot be the name of a user'],
    ['users: [{name: "-a"}]', '"-a" cannot be the name of a user'],
    ['users: [{name: "123"}]', '"123" cannot be the name of a user'],
    ['users: [{name: a, groups: ["b:c"]}]', '"b:c" cannot be the name of a group'],
    ['users: [{name: a, shell: bash}]', '"bash" is not an absolute path without ":"'],
    ['users: [{name: a, sshAuthorizedKeys: ["a\\nb"]}]', 'one entry is one line: this key has several'],
    [`name: ${'a'.repeat(201)}`, 'systemConfig.name makes a file name of 201 bytes; 200 are possible'],
    ['name: ../x', 'systemConfig.name contains "/" or a control character: "../x"'],
    ['additionalFiles: [{local: image.yml, final: etc/motd}]', '"etc/motd" is not the absolute path of a file'],
    ['additionalFiles: [{local: image.yml, final: /etc/../motd}]', '"/etc/../motd" is not the absolute path of a file'],
    [
      `additionalFiles: [{local: image.yml, final: /a/${'ä'.repeat(128)}}]`,
      'systemConfig.additionalFiles[0].final is too long for a filesystem',
    ],
    ['additionalFiles: [{local: image.yml, final: /motd, group: "4294967295"}]', '"4294967295" is neither a name nor a number'],
    ['additionalFiles: [{local: image.yml, final: /motd, owner: "a:b"}]', '"a:b" is neither a name nor a number'],
  ])('%s', async (line, expected) => {
    const { problems } = await load(`${HEAD}${DISK}systemConfig:\n  ${line}\n`);
    expect(said(problems)).toEqual([`ICT_TEMPLATE_NAME: ${expected}`]);
  });
});

it.each([
  ['/run/x', '', ['ICT_TEMPLATE_NO_EFFECT: a file in /run is no part of the image']],
  ['/runner', '', []],
  ['/tmp/x', '  configurations: [{ cmd: sh /tmp/x }]\n', []],
])('warns of a file that is lost unless a command reads it: %s', async (final, more, expected) => {
  const { warnings, problems } = await load(
    `${HEAD}${DISK}systemConfig:\n  additionalFiles: [{ local: image.yml, final: ${final} }]\n${more}`,
  );
  expect([said(warnings), problems]).toEqual([expected, []]);
});

it('warns of a lost file of a layer unless its commands read it', async () => {
  const files = '[{ local: image.yml, final: /tmp/x }]';
  const { warnings } = await load(
    `${HEAD}${DISK}layers:\n  - { name: a, files: ${files} }\n  - { name: b, files: ${files}, run: [sh /tmp/x] }\n`,
  );
  expect(warnings.map(({ code, position }) => [code, position?.line])).toEqual([['ICT_TEMPLATE_NO_EFFECT', 15]]);
});

it('names a missing local file at its place', async () => {
  const { spec, problems, refused, files } = await load(
    `${HEAD}${DISK}systemConfig:\n  additionalFiles:\n    - local: nope\n      final: /x\n`,
  );
  const directory = path.dirname(files[0] as string);
  expect(problems).toEqual([]);
  expect(spec?.system.files).toHaveLength(1);
  expect(said(refused)).toEqual([`ICT_TEMPLATE_FILE_MISSING: the file "nope" is missing: ${path.join(directory, 'nope')} does not exist`]);
  expect(refused[0]?.position).toMatchObject({ line: 16, column: 14 });
});

describe('targets and files', () => {
  it('needs a definition, and one for the architecture', async () => {
    const file = path.join(await workspace({ 'image.yml': `${HEAD}${DISK}` }), 'image.yml');
    const unknown = await loadTemplate(file, { distribution: () => undefined });
    expect(unknown.problems.map(({ code, position }) => [code, position?.line])).toEqual([['ICT_TEMPLATE_TARGET_UNKNOWN', 6]]);
    const other = await loadTemplate(file, { distribution: () => ({ ...definition(), architectures: ['aarch64'] }) });
    expect(said(other.problems)).toEqual(['ICT_TEMPLATE_TARGET_UNKNOWN: Debian 13 does not exist for "x86_64"']);
  });

  it.each([
    ['a misspelt distribution', 'debian/debian13', 'Did you mean os: debian, dist: debian13?'],
    ['one of another os', 'devuan/debain13', 'Did you mean os: devuan, dist: debain13?'],
    ['nothing like it', 'acme/acme1', 'Install the plugin'],
  ])('says what was meant by %s', async (_what, known, hint) => {
    const file = path.join(await workspace({ 'image.yml': `${HEAD.replace('debian13', 'debain13')}${DISK}` }), 'image.yml');
    const { problems } = await loadTemplate(file, { distribution: () => undefined, targets: [known] });
    expect(problems.map((one) => one.hint?.startsWith(hint))).toEqual([true]);
  });

  it('says which releases are known, of which another is as near', async () => {
    const file = path.join(await workspace({ 'image.yml': `${HEAD.replace('debian13', 'debian14')}${DISK}` }), 'image.yml');
    const targets = ['debian/debian12', 'acme/debian14x', 'debian/debian13'];
    const { problems } = await loadTemplate(file, { distribution: () => undefined, targets });
    expect(problems.map((one) => one.hint)).toEqual([expect.stringMatching(/^Known of "debian": debian12, debian13\. /)]);
  });

  it('looks the distribution up although another word of the target is wrong', async () => {
    const text = `${HEAD.replace('debian13', 'debain13').replace('x86_64', 'amd64').replace('"1.0"', '1.0')}${DISK}`;
    const file = path.join(await workspace({ 'image.yml': text }), 'image.yml');
    const { problems } = await loadTemplate(file, { distribution: () => undefined, targets: ['debian/debian13'], imageTypes: [] });
    expect(problems.map(({ code, position, hint }) => [code, position?.line, hint])).toEqual([
      ['ICT_DOCUMENT_WRONG_TYPE', 3, 'Write it in quotes: "1.0".'],
      ['ICT_TEMPLATE_TARGET_UNKNOWN', 6, 'Did you mean os: debian, dist: debian13?'],
      ['ICT_DOCUMENT_BAD_VALUE', 7, undefined],
    ]);
  });

  it.each([
    ['a definition', undefined],
    ['one for the architecture', { ...definition({ disk: { size: '1MiB' } }), architectures: ['aarch64'] as const }],
  ])('finds other mistakes without %s, and concludes nothing from the defaults that are not there', async (_what, found) => {
    const directory = await workspace({ 'image.yml': HEAD, 'wrong.yml': `${HEAD}${DISK.replace('id: root', 'id: esp')}` });
    const problems = async (file: string) =>
      (await loadTemplate(path.join(directory, file), { distribution: () => found })).problems.map(({ code }) => code);
    expect(await problems('image.yml')).toEqual(['ICT_TEMPLATE_TARGET_UNKNOWN']);
    expect(await problems('wrong.yml')).toEqual(['ICT_TEMPLATE_TARGET_UNKNOWN', 'ICT_TEMPLATE_DISK']);
  });

  it('throws for a file that cannot be read, and from requireSpec', async () => {
    const directory = await workspace({ 'image.yml': 'x: 1\n', 'latin.yml': '' });
    const options = { distribution: () => definition() };
    await expect(loadTemplate(path.join(directory, 'nope.yml'), options)).rejects.toSatisfy((error) =>
      hasCode(error, 'ICT_TEMPLATE_UNREADABLE'),
    );
    await expect(loadTemplate(directory, options)).rejects.toSatisfy((error) => hasCode(error, 'ICT_TEMPLATE_UNREADABLE'));
    const loaded = await loadTemplate(path.join(directory, 'image.yml'), options);
    expect(() => requireSpec(loaded)).toThrow(expect.objectContaining({ code: 'ICT_TEMPLATE_INVALID', problems: loaded.problems }));
    expect(loaded.problems).toHaveLength(3);
  });
});

it('writes a merged template without secrets, readable again', async () => {
  const { merged } = await load(`${HEAD}${DISK}systemConfig:\n  users: [{ name: admin, password: secret }]\n`, defaults);
  const text = writeTemplate(merged!.template);
  expect(text).not.toContain('secret');
  const again = parseTemplate(text, 'again.yml');
  expect(again.problems).toEqual([]);
  expect(again.template?.systemConfig?.packages).toEqual(['udev', 'dbus']);
});
