import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyPrograms } from '@ict/fixtures';
import type { DistributionDefinition, InstallChange, VerifiedPackage } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { startSandbox, type Sandbox } from '@ict/sandbox';
import { createFileName } from '../src/file-name.js';
import { createInstaller } from '../src/install/installer.js';

const EPOCH_SECONDS = 1_000_000_000;
const distribution = { dist: 'x', boot: {}, quirks: { preExtract: ['first'], usrMerge: [] } } as unknown as DistributionDefinition;

/** What dpkg itself needs, and what it runs. */
const PROGRAMS = [
  '/usr/bin/dpkg',
  '/usr/bin/dpkg-deb',
  '/usr/bin/dpkg-split',
  '/bin/sh',
  '/bin/rm',
  '/bin/tar',
  '/usr/bin/diff',
  '/sbin/start-stop-daemon',
];

const base = mkdtempSync(join(tmpdir(), 'ict-deb-installation-'));
/** A root of a few programs of this machine: its dpkg installs as that of any tree would. */
const low = join(base, 'low');
const empty = join(base, 'empty');
let sandbox: Sandbox;

beforeAll(async () => {
  copyPrograms(low, PROGRAMS);
  // dpkg asks that there is one; it runs it for nothing here.
  writeFileSync(join(low, 'sbin/ldconfig'), '#!/bin/sh\n', { mode: 0o755 });
  for (const directory of ['etc', 'tmp', 'var/log', 'usr/share', 'var/lib/dpkg/info', 'var/lib/dpkg/updates', 'var/lib/dpkg/triggers'])
    mkdirSync(join(low, directory), { recursive: true });
  for (const file of ['status', 'available']) writeFileSync(join(low, 'var/lib/dpkg', file), '');
  mkdirSync(empty);
  sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
});
afterAll(async () => {
  await sandbox.close();
  rmSync(base, { recursive: true });
});

let count = 0;

/** A package file whose only member has that name, under the name that the cache gives it. */
function packageOf(name: string, member: string): VerifiedPackage {
  const identity = { name, version: '1:1', arch: 'all' };
  const directory = join(base, `package-${++count}`);
  mkdirSync(directory);
  const made = (part: string, content: string): void => writeFileSync(join(directory, part), content);
  made('debian-binary', '2.0\n');
  made('control', `Package: ${name}\nVersion: 1:1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n`);
  made('payload', 'payload\n');
  const run = (...argv: readonly string[]) => execFileSync(argv[0] as string, argv.slice(1), { cwd: directory });
  run('tar', '-cf', 'control.tar', './control');
  run('tar', '-P', '-cf', 'data.tar', `--transform=s|^payload$|${member}|`, 'payload');
  const file = join(directory, createFileName(identity));
  run('ar', 'rc', file, 'debian-binary', 'control.tar', 'data.tar');
  return {
    ...identity,
    id: `${name}:all`,
    repository: 'hostile',
    path: `pool/${name}.deb`,
    digest: `sha256:${String(count).repeat(64)}`,
    requires: [],
    file,
  } as unknown as VerifiedPackage;
}

/** Installs into a tree in the sandbox, as a build does. @param before what the tree has already. @returns what ended it, and the paths that were written. */
async function install(packages: readonly VerifiedPackage[], lowers: readonly string[] = [low], before: readonly VerifiedPackage[] = []) {
  await using ctx = fakeContext({});
  const upper = { directory: join(base, `upper-${++count}`), work: join(base, `work-${count}`) };
  for (const directory of Object.values(upper)) mkdirSync(directory);
  const tree = await sandbox.openTree({ lowers, upper, epochSeconds: EPOCH_SECONDS, signal: new AbortController().signal });
  const apply = (change: Pick<InstallChange, 'install' | 'installed'>) =>
    createInstaller().apply({ ...change, remove: [] }, tree, distribution, { ...ctx, epochSeconds: EPOCH_SECONDS });
  if (before.length > 0) await apply({ install: before });
  const error = await apply({ install: packages, installed: before }).then(
    () => undefined,
    (reason: { readonly code: string; readonly message: string }) => reason,
  );
  await tree.close();
  const { entries } = await sandbox.sealLayer(upper.directory, { epochSeconds: EPOCH_SECONDS });
  return { error, paths: entries.map(({ path }) => path) };
}

/** What names file, repository and member. */
const refusal = (name: string, member: string) => ({
  code: 'ICT_DEB_PACKAGE_ESCAPE',
  kind: 'integrity',
  message: `the package file ${name}_1%3a1_all.deb from repository "hostile" has the member "${member}", which leads out of the root`,
  facts: { package: `${name}:all`, version: '1:1', repository: 'hostile', path: `pool/${name}.deb`, member },
});

describe('a package', () => {
  it('is installed when its member stays in the root', async () => {
    const { error, paths } = await install([packageOf('good', './usr/share/..good')]);
    expect([error, paths.includes('/usr/share/..good')]).toEqual([undefined, true]);
  });

  it.each([
    ['by the root, to a directory that is there', '../../etc/evil', '/../../etc/evil'],
    ['by a directory, to one that is there', './usr/share/../../etc/evil', '/usr/share/../../etc/evil'],
    ['to a directory that is missing', '../../../nowhere/evil', '../../../nowhere/evil'],
  ])('whose member climbs %s is refused, with file, package and repository named', async (_, member, told) => {
    const { error, paths } = await install([packageOf('good', './usr/share/good'), packageOf('evil', member)]);
    expect(error).toMatchObject(refusal('evil', told));
    expect(paths.filter((path) => path.startsWith('/nowhere'))).toEqual([]);
  });

  it('that dpkg needs is refused before the tree has a dpkg, and nothing of it is there', async () => {
    const { error, paths } = await install([packageOf('first', './usr/../../evil')], [empty]);
    expect(error).toMatchObject(refusal('first', './usr/../../evil'));
    expect(paths.filter((path) => path.endsWith('evil'))).toEqual([]);
  });

  it('that cannot be unpacked for another reason stays what dpkg says', async () => {
    const { error } = await install([packageOf('lost', './missing/directory/file')]);
    expect(error).toMatchObject({ code: 'ICT_COMMAND_FAILED' });
  });
});

describe('packages with the same file', () => {
  const told = (message: string) => ({
    code: 'ICT_DEB_FILE_CONFLICT',
    kind: 'command',
    message: expect.stringContaining(message) as string,
  });
  const file = './usr/share/same';

  it('are all refused, with the one that has it already, their repositories and the path named', async () => {
    const { error } = await install([packageOf('first', file), packageOf('second', file), packageOf('third', file)]);
    for (const name of ['second', 'third'])
      expect(error).toMatchObject(
        told(`\n  ${name}:all 1:1 from repository "hostile" and first:all 1:1 from repository "hostile": /usr/share/same`),
      );
  });

  it('are refused, too, when one of them is in the tree below', async () => {
    const { error } = await install([packageOf('second', file)], [low], [packageOf('first', file)]);
    expect(error).toMatchObject(told('and first:all 1:1 from repository "hostile": /usr/share/same'));
  });
});
