import { describe, expect, it } from 'vitest';
import type { Json, LayerRef } from '@ict/plugin-api';
import type { StepCall } from '../../src/steps.js';
import { toolsBy } from '../../src/finalize/tools-tree.js';
import { digestOfAll } from '../support/sample-image.js';

const layer: LayerRef & Json = { kind: 'layer', digest: digestOfAll('1'), entries: 1, sizeBytes: 1 };
const step: StepCall<LayerRef & Json> = {
  type: 'ict.tools',
  version: 1,
  by: { name: 'provider', version: '1.0.0', code: 'one' },
  key: { packages: { e2fsprogs: '1.47' } },
  run: async () => layer,
};

describe('the tools of a build', () => {
  it('are unpacked once, and not before one is asked for', async () => {
    let runs = 0;
    const tools = toolsBy(step, async (call) => {
      runs++;
      return call.run();
    });
    expect(runs).toBe(0);
    expect(await Promise.all([tools.layer(), tools.layer()])).toEqual([layer, layer]);
    expect(runs).toBe(1);
  });

  it.each([
    ['other packages', { key: { packages: { e2fsprogs: '1.48' } } }],
    ['another version of the step', { version: 2 }],
    ['another version of the code that unpacks them', { by: { ...step.by, version: '1.0.1' } }],
    ['other code in a checkout', { by: { ...step.by, code: 'two' } }],
  ])('are others with %s', (_what, change) => {
    const run = async () => layer;
    expect(toolsBy({ ...step, ...change }, run).digest).not.toBe(toolsBy(step, run).digest);
    expect(toolsBy({ ...step }, run).digest).toBe(toolsBy(step, run).digest);
  });
});
