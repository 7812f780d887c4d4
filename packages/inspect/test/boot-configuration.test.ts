import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inspectImage } from '../src/inspect-image.js';
import { emptyFile, makeDisk, makeFat, MIB, run, workDirectory } from './images.js';
import { portableExecutable } from './programs.js';

it('entries of systemd-boot, unified kernels, programs and the system are found', async () => {
  const directory = workDirectory();
  const entry =
    'title   A title\n# a comment\nversion 6.12\nlinux /k/vmlinuz\ninitrd /k/microcode\ninitrd /k/initrd\noptions root=A  quiet\noptions ro\n';
  const unified = portableExecutable({
    '.osrel': 'ID=x\nPRETTY_NAME="Of the release"\n',
    '.linux': 'k'.repeat(200_000),
    '.cmdline': 'root=B ro\0',
    '.uname': '6.13',
  });
  const esp = await makeFat(
    join(directory, 'esp'),
    4 * MIB,
    {
      '/loader/entries/a.conf': entry,
      '/loader/entries/not an entry.txt': 'title no\n',
      '/EFI/BOOT/BOOTX64.EFI': 'MZ',
      '/EFI/Linux/new.efi': unified,
      '/EFI/Linux/text.efi': 'no program',
    },
    '-F',
    '12',
  );
  const tree = join(directory, 'tree');
  mkdirSync(join(tree, 'etc'), { recursive: true });
  mkdirSync(join(tree, 'usr/lib/modules/6.12'), { recursive: true });
  await run('ln', '-s', '../usr/lib/os-release', join(tree, 'etc/os-release'));
  writeFileSync(join(tree, 'usr/lib/os-release'), 'PRETTY_NAME="A system"\nID=x\nVERSION_ID=\'7\'\n');
  writeFileSync(join(tree, 'etc/hostname'), 'host\n');
  const root = emptyFile(join(directory, 'root'), 8 * MIB);
  await run('mke2fs', '-q', '-t', 'ext4', '-d', tree, root);
  const disk = makeDisk(join(directory, 'disk'), [
    { type: 'esp', name: 'esp', file: esp, sizeBytes: 4 * MIB },
    { type: 'linux-root-amd64', name: 'root', file: root, sizeBytes: 8 * MIB },
  ]);
  const { boot, system } = await inspectImage(disk);
  expect(system).toEqual({ title: 'A system', id: 'x', version: '7', hostname: 'host', kernels: ['6.12'] });
  expect(boot).toEqual({
    loaders: ['/EFI/BOOT/BOOTX64.EFI', '/EFI/Linux/text.efi'],
    entries: [
      {
        file: '/loader/entries/a.conf',
        title: 'A title',
        version: '6.12',
        kernel: '/k/vmlinuz',
        initrds: ['/k/microcode', '/k/initrd'],
        options: 'root=A  quiet ro',
      },
      { file: '/EFI/Linux/new.efi', title: 'Of the release', version: '6.13', initrds: [], options: 'root=B ro' },
    ],
  });
});

it.each([
  ['lines of one key', `${'a b\n'.repeat(250_000)}title It\n`, 'It'],
  ['blanks in one line', `title It${' '.repeat(1_000_000)}\u2028is\n`, `It${' '.repeat(1_000_000)}\u2028is`],
])('an entry with very many %s is read in no time', async (_what, entry, title) => {
  const directory = workDirectory();
  const esp = await makeFat(join(directory, 'esp'), 4 * MIB, { '/loader/entries/a.conf': entry }, '-F', '12');
  const disk = makeDisk(join(directory, 'disk'), [{ type: 'esp', name: 'esp', file: esp, sizeBytes: 4 * MIB }]);
  expect((await inspectImage(disk)).boot?.entries[0]?.title === title).toBe(true);
});

it('an os-release behind a circle of links is none', async () => {
  const directory = workDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(join(tree, 'etc'), { recursive: true });
  await run('ln', '-s', 'other', join(tree, 'etc/os-release'));
  await run('ln', '-s', 'os-release', join(tree, 'etc/other'));
  const root = emptyFile(join(directory, 'root'), 8 * MIB);
  await run('mke2fs', '-q', '-t', 'ext4', '-d', tree, root);
  expect((await inspectImage(root)).system).toBeUndefined();
});

it.each([
  ['that is none of a file', 'http://[', undefined],
  ['with what a URL would have otherwise', 'a%20 name?', 'x'],
])('an os-release behind a link %s ends in what a system would read', async (_what, target, id) => {
  const directory = workDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(join(tree, 'etc'), { recursive: true });
  writeFileSync(join(tree, 'etc/a%20 name?'), 'ID=x\n');
  await run('ln', '-s', target, join(tree, 'etc/os-release'));
  const root = emptyFile(join(directory, 'root'), 8 * MIB);
  await run('mke2fs', '-q', '-t', 'ext4', '-d', tree, root);
  expect((await inspectImage(root)).system?.id).toBe(id);
});
