import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Plan } from '@ict/core';
import type { LockChanges } from '@ict/plugin-api';
import { lockFaults, PackageWorld, worldPackage, type IctResult } from '../src/index.js';

let world: PackageWorld;
let template: string;
let lockFile: string;

const before = [
  worldPackage('server', '1.0', { Depends: 'library (>= 1)' }),
  worldPackage('library', '1.0'),
  worldPackage('client', '1.0', { Depends: 'old-helper' }),
  worldPackage('old-helper', '1.0'),
];
/** A day later: the server needs the newer library, the client another helper. What was there before stays in the archive. */
const after = [
  ...before,
  worldPackage('server', '2.0', { Depends: 'library (>= 2)' }),
  worldPackage('library', '2.0'),
  worldPackage('client', '2.0', { Depends: 'new-helper' }),
  worldPackage('new-helper', '1.0'),
];

beforeAll(async () => {
  world = await PackageWorld.start(inject('run'), 'locks', before);
  template = await world.template(['server', 'client']);
  lockFile = template.replace(/\.yml$/, '.lock.yml');
});
afterAll(() => world.close());

function changesOf(result: IctResult): LockChanges {
  const done = result.events.find((event) => event.type === 'lock.done');
  if (done?.type !== 'lock.done') throw new Error(`no lock.done; ict exited ${result.status}:\n${result.stderr}`);
  return done.changes;
}

const short = ({ packages }: LockChanges) =>
  packages.map(({ id, before: old, after: now }) => `${id} ${old?.version ?? '-'} ${now?.version ?? '-'}`);

function failureOf(result: IctResult): string {
  const failed = result.events.find((event) => event.type === 'build.failed');
  return failed?.type === 'build.failed' ? failed.error.code : '';
}

describe('ict lock', () => {
  it('writes a lock that is read in a diff: what is asked, pinned roots, packages with version, digest, size, repository', async () => {
    const result = await world.ict(['lock', template]);
    expect(result.status, result.stderr).toBe(0);
    const text = await readFile(lockFile, 'utf8');
    expect(text).toMatch(
      /^ {2}- id: mini\n {4}archive: http:.*\n(?: {4}.*\n)+? {4}root:\n {6}path: dists\/mini\/InRelease\n {6}digest: sha256:/m,
    );
    expect(text).toMatch(/signers:\n {6}- [0-9A-F]{40}/);
    expect(text).toMatch(/^plugins:\n {2}"@ict\/provider-deb": \d/m);
    expect(text).toMatch(
      / {2}- id: server:all\n {4}name: server\n {4}version: "?1\.0"?\n(?: {4}.*\n)*? {4}digest: sha256:[0-9a-f]{64}\n {4}sizeBytes: \d+/,
    );
    const again = await world.ict(['lock', template]);
    expect(again.stdout).toContain('is up to date');
    expect(await readFile(lockFile, 'utf8')).toBe(text);
  });

  it('holds what a second reader of the indexes finds sound; that reader would see what is missing', async () => {
    const text = await readFile(lockFile, 'utf8');
    const { cache } = world.places;
    expect(await lockFaults(text, cache)).toEqual([]);
    const { packages, ...rest } = parse(text) as { readonly packages: readonly { readonly name: string }[] };
    const without = (name: string): string => stringify({ ...rest, packages: packages.filter((pkg) => pkg.name !== name) });
    expect(await lockFaults(without('library'), cache)).toEqual(['server needs library']);
    expect(await lockFaults(without('client'), cache)).toEqual(['nothing answers client']);
  });

  it('--frozen succeeds while the template fits, and fails with 1 when it asks for more', async () => {
    expect((await world.ict(['lock', template, '--frozen', '--offline'])).status).toBe(0);
    const more = await world.template(['server', 'client', 'library']);
    await writeFile(more.replace(/\.yml$/, '.lock.yml'), await readFile(lockFile));
    const result = await world.ict(['lock', more, '--frozen', '--json']);
    expect([result.status, failureOf(result)]).toEqual([1, 'ICT_LOCK_OUTDATED']);
    const line = (await readFile(more, 'utf8')).split('\n').findIndex((each) => each.trim() === '- library') + 1;
    const misfits = result.events.flatMap((event) => (event.type === 'build.failed' ? event.error.problems : []));
    expect(misfits.map(({ message, position }) => [message, position?.line])).toEqual([
      ['"library" is asked for, and was not when the lock was made', line],
    ]);
  });

  it('a lock that lost a package of the template, as when a merge took the wrong side, is refused', async () => {
    const text = await readFile(lockFile, 'utf8');
    const { packages, ...rest } = parse(text) as { readonly packages: readonly { readonly name: string }[] };
    const lost = await world.template(['server', 'client']);
    const kept = packages.filter(({ name }) => !['client', 'old-helper'].includes(name));
    await writeFile(lost.replace(/\.yml$/, '.lock.yml'), stringify({ ...rest, packages: kept }));
    for (const args of [
      ['lock', lost, '--frozen'],
      ['plan', lost],
    ]) {
      const result = await world.ict([...args, '--offline', '--json']);
      expect(result.status).not.toBe(0);
      expect(result.stdout + result.stderr).toContain('"client\\" is answered by client:all, which it does not have');
    }
  });

  it('--update NAME moves the name and what it needs, and nothing else', async () => {
    await world.publish(after);
    const text = await readFile(lockFile, 'utf8');
    const dry = await world.ict(['lock', template, '--update', 'server', '--dry-run', '--json']);
    expect(dry.status, dry.stderr).toBe(0);
    expect(short(changesOf(dry))).toEqual(['library:all 1.0 2.0', 'server:all 1.0 2.0']);
    expect(await readFile(lockFile, 'utf8')).toBe(text);
    const result = await world.ict(['lock', template, '--update', 'server']);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/^~ {2}library:all +1\.0 -> 2\.0 /m);
    expect(result.stdout).toContain(': 2 changed\n');
    expect(await readFile(lockFile, 'utf8')).not.toBe(text);
  });

  it('a lock means the packages that it names, whatever the repository has since', async () => {
    const chosen = async (args: readonly string[]): Promise<readonly string[]> => {
      const plan = await world.document<Plan>(['plan', template, ...args]);
      return plan.packages.filter(({ name }) => ['server', 'client'].includes(name)).map(({ name, version }) => `${name} ${version}`);
    };
    expect(await chosen(['--frozen'])).toEqual(['client 1.0', 'server 2.0']);
    const warmed = await world.ict(['cache', 'warm', template, '--frozen']);
    expect(warmed.status, warmed.stderr).toBe(0);
    const files = await readdir(join(world.places.cache, 'pkgCache'), { recursive: true });
    const fetched = files.map((file) => basename(file)).filter((file) => /^(?:server|client)_.*\.deb$/.test(file));
    expect(fetched.sort()).toEqual(['client_1.0_all.deb', 'server_2.0_all.deb']);
  });

  it('--update without names moves everything, and tells new and gone packages', async () => {
    const result = await world.ict(['lock', template, '--update', '--json']);
    expect(result.status, result.stderr).toBe(0);
    expect(short(changesOf(result))).toEqual(['client:all 1.0 2.0', 'new-helper:all - 1.0', 'old-helper:all 1.0 -']);
    const [{ before: old, after: now }] = changesOf(result).packages;
    expect(old?.digest).not.toBe(now?.digest);
    expect(now?.sizeBytes).toBeGreaterThan(0);
  });

  it('a locked version that the archive dropped moves even when it is not named', async () => {
    await world.publish([...after.slice(4), worldPackage('server', '3.0', { Depends: 'library' }), worldPackage('client', '3.0')]);
    const result = await world.ict(['lock', template, '--update', 'client', '--json']);
    expect(result.status, result.stderr).toBe(0);
    expect(short(changesOf(result))).toEqual(['client:all 2.0 3.0', 'new-helper:all 1.0 -']);
  });

  it.each<[string, (lock: string) => string, number, string]>([
    ['broken', (lock) => lock.slice(0, 500), 2, 'ICT_LOCK_UNREADABLE'],
    ['newer', (lock) => lock.replace('lockVersion: 1', 'lockVersion: 2'), 2, 'ICT_LOCK_NEWER'],
    [
      'of another target',
      (lock) =>
        lock
          .replace('target: mini-mini1-x86_64', 'target: mini-mini2-x86_64')
          .replace(/^asked:\n(?: .*\n)*answers:\n(?: .*\n)*content:.*\n/m, ''),
      1,
      'ICT_LOCK_TARGET',
    ],
    ['of a version that was not resolved', (lock) => lock.replace(/^( {4}version: ).*$/m, '$1"0.9"'), 2, 'ICT_LOCK_UNREADABLE'],
    ['edited', (lock) => lock.replace('recommends: false', 'recommends: true'), 2, 'ICT_LOCK_UNREADABLE'],
  ])('--update refuses a lock that is %s, and leaves it alone', async (_what, change, status, code) => {
    const other = await world.template(['server', 'client']);
    const file = other.replace(/\.yml$/, '.lock.yml');
    const text = change(await readFile(lockFile, 'utf8'));
    await writeFile(file, text);
    const result = await world.ict(['lock', other, '--update', '--json']);
    expect([result.status, failureOf(result)]).toEqual([status, code]);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('--update refuses a name that the lock does not have, and offers the nearest', async () => {
    const result = await world.ict(['lock', template, '--update', 'servre']);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('ICT_LOCK_UNKNOWN_PACKAGE');
    expect(result.stderr).toContain('Did you mean "server"?');
  });
});
