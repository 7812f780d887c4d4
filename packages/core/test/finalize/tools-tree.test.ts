import { describe, expect, it } from 'vitest';
import type { Json, LayerRef, TreeSession } from '@ict/plugin-api';
import type { LazySandbox, SandboxTrees } from '../../src/trees/trees.js';
import type { StepCall } from '../../src/steps.js';
import { ToolsTree, unpackTools } from '../../src/finalize/tools-tree.js';
import { digestOfAll } from '../support/sample-image.js';

const layer: LayerRef & Json = { kind: 'layer', digest: digestOfAll('1'), entries: 1, sizeBytes: 1 };
const step: StepCall<LayerRef & Json> = {
  type: 'ict.tools',
  version: 1,
  by: { name: 'provider', version: '1.0.0', code: 'one' },
  key: { packages: { e2fsprogs: '1.47' } },
  run: async () => layer,
};

const formatWith = (...tools: string[]) =>
  ({ format: { part: { tools: () => tools } }, spec: {} }) as unknown as Parameters<typeof unpackTools>[0];

describe('the tools of a build', () => {
  it.each([
    [['ext'], 1, layer],
    [[], 0, undefined],
  ] as const)('are unpacked once where the format runs any (%j)', async (named, times, expected) => {
    let runs = 0;
    const tools = await unpackTools(formatWith(...named), step, async (call) => {
      runs++;
      return call.run();
    });
    expect([runs, tools.layer]).toEqual([times, expected]);
  });

  it('that a format runs without naming them are refused by name', async () => {
    const { signal } = new AbortController();
    const tools = await unpackTools(formatWith(), step, (call) => call.run());
    const tree = new ToolsTree(tools, {} as SandboxTrees, {} as LazySandbox, signal);
    await expect(tree.run({ argv: ['mke2fs'] })).rejects.toThrow('a format runs mke2fs, but names no tools');
    await expect(tree.read('/usr/lib/grub/boot.img')).rejects.toThrow('a format reads /usr/lib/grub/boot.img, but names no tools');
  });

  it('are read where they are unpacked', async () => {
    const { signal } = new AbortController();
    const tools = await unpackTools(formatWith('grub-bios'), step, (call) => call.run());
    const asked: unknown[] = [];
    const inspect: SandboxTrees['inspect'] = (tree, work) => {
      asked.push(tree);
      return work({ read: async (path: string) => Buffer.from(path) } as unknown as TreeSession);
    };
    const tree = new ToolsTree(tools, { inspect } as SandboxTrees, {} as LazySandbox, signal);
    expect([await tree.read('/a'), asked]).toEqual([Buffer.from('/a'), [{ layers: [layer] }]]);
  });

  it.each([
    ['other packages', { key: { packages: { e2fsprogs: '1.48' } } }],
    ['another version of the step', { version: 2 }],
    ['another version of the code that unpacks them', { by: { ...step.by, version: '1.0.1' } }],
    ['other code in a checkout', { by: { ...step.by, code: 'two' } }],
  ])('are others with %s', async (_what, change) => {
    const digestOf = async (call: typeof step) => (await unpackTools(formatWith(), call, (one) => one.run())).digest;
    expect(await digestOf({ ...step, ...change })).not.toBe(await digestOf(step));
    expect(await digestOf({ ...step })).toBe(await digestOf(step));
  });
});
