import { describe, expect, it } from 'vitest';
import type { DistributionDefinition, TreeCommand } from '@ict/plugin-api';
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
