import { describe, expect, it } from 'vitest';
import type { DistributionDefinition, TreeCommand, VerifiedPackage } from '@ict/plugin-api';
import { fakeContext, memoryTree } from '@ict/plugin-testkit';
import { createInstaller } from '../src/install/installer.js';

const NOTHING = { install: [], remove: [] };
const distribution = { boot: {} } as DistributionDefinition;

/** Applies a change of nothing to a tree whose dpkg finds these things one after another. @returns what dpkg was asked for. */
async function asked(...findings: readonly Partial<{ stdout: string; exitCode: number }>[]): Promise<readonly string[]> {
  await using ctx = fakeContext();
  const actions: string[] = [];
  const left = [...findings];
  const run = ({ argv }: TreeCommand) => {
    const action = argv.filter((word) => /^--(audit|configure|pending)$/.test(word)).join(' ');
    actions.push(action);
    return action === '--audit' ? (left.shift() ?? {}) : {};
  };
  const tree = memoryTree({ files: { '/var/lib/dpkg/status': '' }, run });
  await createInstaller().apply(NOTHING, tree, distribution, ctx);
  expect(await tree.stat('/usr/sbin/policy-rc.d')).toBeUndefined();
  return actions;
}

describe('what configuring packages leaves', () => {
  it('is only looked for when there is nothing', async () => {
    expect(await asked({})).toEqual(['--audit']);
  });

  it.each([
    ['in words', { stdout: 'The following packages are in a mess:\n a  one\n' }],
    ['by its status', { exitCode: 1 }],
  ])('is configured where dpkg tells of it %s', async (_how, finding) => {
    expect(await asked(finding, {})).toEqual(['--audit', '--configure --pending', '--audit']);
  });

  it('is a failure when it is still there', async () => {
    const finding = { stdout: 'The following packages are in a mess:\n a  one\n' };
    await expect(asked(finding, finding)).rejects.toMatchObject({ code: 'ICT_DEB_INCONSISTENT', facts: { audit: finding.stdout } });
  });
});

describe('host keys of an ssh server', () => {
  /** Whether each of the keys is there when dpkg configures a package, and afterwards. */
  async function keysBeside(name: string): Promise<readonly unknown[]> {
    await using ctx = fakeContext();
    const digest = `sha256:${'1'.repeat(64)}` as const;
    await ctx.memo.set('deb-preinst', digest, false);
    const pkg = {
      id: `${name}:all`,
      name,
      version: '1',
      arch: 'all',
      repository: 'x',
      path: 'x.deb',
      file: '/x.deb',
      digest,
      requires: [],
    };
    const keys = ['ecdsa', 'ed25519', 'rsa'].map((kind) => `/etc/ssh/ssh_host_${kind}_key`);
    const found: boolean[] = [];
    const there = async () => (await Promise.all(keys.map((key) => tree.stat(key)))).map((entry) => entry !== undefined);
    const run = async ({ argv }: TreeCommand) => {
      if (argv.includes('--configure')) found.push(...(await there()));
      return {};
    };
    const tree = memoryTree({ files: { '/var/lib/dpkg/status': '' }, run });
    const installer = createInstaller();
    await installer.apply({ install: [pkg as unknown as VerifiedPackage], remove: [] }, tree, distribution, ctx);
    await installer.clean(tree, ctx);
    return [found, await there()];
  }

  it('are held, so that none is made for nothing, and then are not in the tree', async () => {
    expect(await keysBeside('openssh-server')).toEqual([[true, true, true], [false, false, false]]); // prettier-ignore
  });

  it('are held for nothing else', async () => {
    expect(await keysBeside('openssh-client')).toEqual([[false, false, false], [false, false, false]]); // prettier-ignore
  });
});
