import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ORDER_LOG, ORDERED_PACKAGES, RpmWorkshop, TOLD_BEFORE } from '@ict/fixtures';
import type { VerifiedPackage } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { startSandbox, type Sandbox } from '@ict/sandbox';
import { createInstaller } from '../src/install/installer.js';
import { distribution, makeHostRpmTree, verified } from './host-rpm-tree.js';

describe('a transaction of packages that need each other for their scriptlets', () => {
  const base = mkdtempSync(join(tmpdir(), 'ict-rpm-order-'));
  const workshop = new RpmWorkshop();
  let sandbox: Sandbox;
  let packages: readonly VerifiedPackage[];
  /** Names of packages as they were installed, and what scriptlets told, with ours. */
  let ours: { readonly installed: readonly string[]; readonly told: readonly string[] };

  beforeAll(async () => {
    const shell = { name: 'shell', preamble: ['Provides: /bin/sh'] };
    packages = [shell, ...ORDERED_PACKAGES].map((spec) => verified(spec.name, workshop.build(spec)));
    sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
    await using ctx = fakeContext({});
    const upper = { directory: join(base, 'upper'), work: join(base, 'work') };
    for (const directory of Object.values(upper)) mkdirSync(directory);
    const lowers = [makeHostRpmTree(join(base, 'low'))];
    const tree = await sandbox.openTree({ lowers, upper, epochSeconds: 1_000_000_000, signal: new AbortController().signal });
    await createInstaller().apply({ install: packages, remove: [] }, tree, distribution, ctx);
    await tree.close();
    expect(ctx.events.filter(({ type }) => type === 'warning')).toEqual([]);
    const installed = ctx.events.flatMap((event) => (event.type === 'install.progress' && event.phase === 'unpack' ? [event.name] : []));
    ours = { installed, told: told(upper.directory) };
  });
  afterAll(async () => {
    await sandbox.close();
    workshop.close();
    rmSync(base, { recursive: true });
  });

  it('installs first what `Requires(pre)` and `Requires(post)` name, in cycles as well', () => {
    for (const [earlier, later] of TOLD_BEFORE) {
      const [first, second] = [earlier, later].map((line) => ours.told.indexOf(line)) as [number, number];
      expect([first, second], `${earlier} before ${later}`).not.toContain(-1);
      expect(first, `${earlier} before ${later}`).toBeLessThan(second);
    }
  });

  it('runs triggers on files of a package after it, and those of the transaction at its end', () => {
    const programs = ['add-user', 'configure', 'prepare', 'stop'].map((program) => `file ${program}`);
    expect(ours.told.filter((line) => line.startsWith('file ')).sort()).toEqual(programs);
    expect(ours.told.indexOf('transaction')).toBe(ours.told.length - 1);
  });

  it('is in the order in which rpm itself installs the same packages', () => {
    const root = makeHostRpmTree(join(base, 'rpm'));
    const at = ['--root', root, '--dbpath', '/var/lib/rpm', '--nosignature', '--noplugins'];
    const run = (...args: readonly string[]): readonly string[] =>
      execFileSync('rpm', [...at, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n');
    const files = packages.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ file }) => file);
    const labels = new Map(packages.map(({ name }) => [`${name}-1.0-1.noarch`, name]));
    const installed = run('--install', '--verbose', ...files).flatMap((line) => labels.get(line.trim()) ?? []);
    expect(installed).toHaveLength(packages.length);
    expect(ours.installed).toEqual(installed);
    expect(ours.told).toEqual(told(root));
    // Who needs another to stop goes first.
    run('--erase', 'mini-order-w', 'mini-order-d');
    expect(told(root).slice(-2)).toEqual(['stop called', 'mini-order-w preun']);
  });
});

function told(root: string): readonly string[] {
  return readFileSync(join(root, ORDER_LOG), 'utf8').trim().split('\n');
}
