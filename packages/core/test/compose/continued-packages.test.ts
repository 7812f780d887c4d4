import { describe, expect, it } from 'vitest';
import { IctError } from '@ict/plugin-api';
import type { DeltaOutcome, Installer } from '@ict/plugin-api';
import { fakeContext, memoryTree } from '@ict/plugin-testkit';
import { makeManifest, type LayerEntry } from '@ict/sandbox';
import { compositionSteps, type LayerMaker, type LayerSource } from '../../src/compose/composition.js';
import { composition, layer, maker, nothing, packages, verified } from '../support/sample-composition.js';

describe('a layer of packages that begins with a cached one', () => {
  const reason = 'from the nearest cached layer: add curl:amd64';
  const owned: DeltaOutcome = { kind: 'applied', expected: (path) => path === '/etc/curl' };
  const failed = (kind: 'command' | 'host') => new IctError('ICT_SAMPLE', kind, { message: `${kind} failed` });
  const fail = (kind: 'command' | 'host') => async (): Promise<never> => Promise.reject(failed(kind));

  /**
   * Adds curl to a layer that has tar.
   *
   * @param apply changes the layer.
   * @param changed path of what is then another than before.
   * @param applyCleanly what a clean installation comes to.
   */
  async function add(apply: () => Promise<DeltaOutcome>, changed = '/etc/curl', applyCleanly = async (): Promise<void> => undefined) {
    await using ctx = fakeContext();
    const { input, done } = composition({ packages: [...packages, verified('tar')] });
    const { part, identity } = input.provider;
    const delta: Installer['delta'] = {
      judge: async () => ({ kind: 'free' }),
      apply: async ({ install }) => {
        done.push(`add ${install.map(({ name }) => name).join(' ')}`);
        return await apply();
      },
    };
    const cleanly: Installer['apply'] = async (...change) => {
      await part.installer.apply(...change);
      await applyCleanly();
    };
    const provider = { part: { ...part, installer: { ...part.installer, apply: cleanly, delta } }, identity };
    const entry: LayerEntry = { path: changed, type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1 };
    const layers: LayerMaker = {
      ...maker(memoryTree()),
      from: async (start, _parent, work, review) => {
        await work(memoryTree());
        review(makeManifest([]), makeManifest([entry]));
        return start;
      },
    };
    const siblings: LayerSource['siblings'] = async function* ({ key }) {
      const { packages: wanted } = key as { readonly packages: Readonly<Record<string, string>> };
      yield {
        key: { packages: { 'tar:amd64': wanted['tar:amd64']! } },
        output: { ...layer('7') },
        differences: ['packages["curl:amd64"]'],
      };
    };
    const source = { ...nothing, has: async () => true, siblings };
    const [, step] = compositionSteps({ ...input, provider }, layers, source, ctx);
    const made = await step!({ layers: [layer('9')] })
      .run()
      .catch((error: unknown) => error);
    return { made, done, ways: ctx.events.flatMap((event) => (event.type === 'install.way' ? [[event.way, event.reason]] : [])) };
  }

  it('is that one, changed', async () => {
    expect(await add(async () => owned)).toEqual({ made: layer('7'), done: ['add curl'], ways: [['delta', reason]] });
  });

  it.each<[string, () => Promise<DeltaOutcome>, string, string]>([
    ['a command fails in it', fail('command'), '/etc/curl', 'command failed'],
    ['its installer refuses', async () => ({ kind: 'refused', reason: 'a user is there' }), '/etc/curl', 'a user is there'],
    [
      'the change reached more than its packages',
      async () => owned,
      '/etc/passwd',
      '/etc/passwd changed, which belongs to no changed package',
    ],
  ])('is installed cleanly, and says so, when %s', async (_what, apply, changed, why) => {
    expect(await add(apply, changed)).toEqual({
      made: layer('1'),
      done: ['add curl', 'install curl tar remove 0', 'clean'],
      ways: [
        ['delta', reason],
        ['clean', why],
      ],
    });
  });

  it('fails as the clean installation does, where both fail', async () => {
    const clean = new IctError('ICT_SAMPLE', 'command', { message: 'curl cannot be installed' });
    expect((await add(fail('command'), '/etc/curl', () => Promise.reject(clean))).made).toBe(clean);
  });

  it('fails at once for what no other way would mend', async () => {
    const { made, done } = await add(fail('host'));
    expect([made, done]).toEqual([failed('host'), ['add curl']]);
  });
});
