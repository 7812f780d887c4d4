import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyPrograms, RpmWorkshop, type RpmKey } from '@ict/fixtures';
import type { TreeSession } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { startSandbox, type LayerManifest, type Sandbox } from '@ict/sandbox';
import { cleanTree } from '../src/install/clean.js';

const EPOCH_SECONDS = 1_000_000_000;

describe('keys that a scriptlet imported for root', () => {
  const base = mkdtempSync(join(tmpdir(), 'ict-rpm-clean-'));
  const low = join(base, 'low');
  const bare = join(base, 'bare');
  const workshop = new RpmWorkshop();
  let keys: readonly RpmKey[];
  let sandbox: Sandbox;
  beforeAll(async () => {
    copyPrograms(low, ['/usr/bin/gpg']);
    mkdirSync(join(low, 'root'));
    mkdirSync(join(bare, 'root'), { recursive: true });
    sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
    keys = [workshop.key('first'), workshop.key('second')];
  });
  afterAll(async () => {
    await sandbox.close();
    workshop.close();
    rmSync(base, { recursive: true });
  });

  let count = 0;

  /** Runs gpg in a tree. */
  type Gpg = (args: readonly string[], stdin?: string) => Promise<unknown>;

  /** What gpg, run in a tree, and the cleaning after it leave there. */
  function cleaned(...imports: readonly RpmKey[]): Promise<{ upper: string; entries: LayerManifest['entries'] }> {
    return cleanedAfter(async (_tree, gpg) => {
      await gpg(['--list-keys']);
      for (const { keyring } of imports) await gpg(['--import'], readFileSync(keyring, 'utf8'));
    });
  }

  async function cleanedAfter(prepare: (tree: TreeSession, gpg: Gpg) => Promise<unknown>, lowers = [low]) {
    await using ctx = fakeContext({});
    const upper = { directory: join(base, `upper-${++count}`), work: join(base, `work-${count}`) };
    for (const directory of Object.values(upper)) mkdirSync(directory);
    const tree = await sandbox.openTree({
      lowers,
      upper,
      epochSeconds: EPOCH_SECONDS,
      signal: new AbortController().signal,
    });
    const gpg: Gpg = (args, stdin = '') =>
      tree.run({ argv: ['gpg', '--batch', '--no-autostart', ...args], stdin, env: { PATH: '/usr/bin:/bin', HOME: '/root' } });
    await prepare(tree, gpg);
    await cleanTree(tree, ctx);
    await tree.close();
    const { entries } = await sandbox.sealLayer(upper.directory, { epochSeconds: EPOCH_SECONDS });
    return { upper: upper.directory, entries };
  }

  it('are there, and are the same whenever they were imported', async () => {
    const first = await cleaned(...keys);
    const home = join(first.upper, 'root/.gnupg');
    expect(readdirSync(home).filter((name) => name.startsWith('pubring') || name.startsWith('trustdb'))).toEqual(['pubring.gpg']);
    // Times in a keybox are whole seconds.
    const second = Math.floor(Date.now() / 1000);
    await expect.poll(() => Math.floor(Date.now() / 1000), { timeout: 5000 }).toBeGreaterThan(second);
    expect((await cleaned(...keys)).entries).toEqual(first.entries);
    const listed = execFileSync('gpg', ['--homedir', home, '--batch', '--no-autostart', '--with-colons', '--list-keys'], { stdio: 'pipe' });
    expect(Array.from(listed.toString().matchAll(/^fpr:+([0-9A-F]{40}):/gm), ([, fingerprint]) => fingerprint)).toEqual(
      keys.map(({ fingerprint }) => fingerprint),
    );
  });

  it('keep the trust that somebody was given', async () => {
    const { upper } = await cleanedAfter(async (_tree, gpg) => {
      await gpg(['--import'], readFileSync(keys[0]!.keyring, 'utf8'));
      await gpg(['--import-ownertrust'], `${keys[0]!.fingerprint}:6:\n`);
    });
    const home = ['--homedir', join(upper, 'root/.gnupg'), '--batch', '--no-autostart'];
    const trust = execFileSync('gpg', [...home, '--export-ownertrust'], { stdio: 'pipe' }).toString();
    expect(trust).toContain(`${keys[0]!.fingerprint}:6:`);
  });

  it('stay where gpg cannot read them', async () => {
    const { upper } = await cleanedAfter((tree) => tree.write('/root/.gnupg/pubring.kbx', 'no keybox'));
    expect(readFileSync(join(upper, 'root/.gnupg/pubring.kbx'), 'utf8')).toBe('no keybox');
  });

  it('stay where there is no gpg, as a template may bring them', async () => {
    const { upper } = await cleanedAfter((tree) => tree.write('/root/.gnupg/pubring.kbx', 'a keybox'), [bare]);
    expect(readdirSync(join(upper, 'root/.gnupg'))).toEqual(['pubring.kbx']);
  });

  it('are no reason to fail where there are none', async () => {
    const { upper } = await cleaned();
    expect(readdirSync(join(upper, 'root/.gnupg')).filter((name) => name.startsWith('pubring'))).toEqual([]);
  });
});
