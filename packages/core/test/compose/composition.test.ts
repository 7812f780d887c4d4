import { describe, expect, it } from 'vitest';
import { canonicalJson } from '@ict/integrity';
import type { BuildContext, Json, LayerSpec, TreeRef } from '@ict/plugin-api';
import { fakeContext, memoryTree, type MemoryTreeContent } from '@ict/plugin-testkit';
import { composeTree, compositionSteps, type Composition, type LayerCall, type LayerMaker } from '../../src/compose/composition.js';
import type { EarlierLayer } from '../../src/compose/earlier-layers.js';
import { composition, layer, maker, nothing, packages, verified } from '../support/sample-composition.js';
import { digestOfAll, distribution, sampleFormat, sampleSpec } from '../support/sample-image.js';

function stepsOf(input: Composition, ctx: BuildContext, over: TreeRef = { layers: [layer('9')] }): readonly LayerCall[] {
  return compositionSteps(input, maker(memoryTree()), nothing, ctx).map((step) => step(over));
}

describe('compositionSteps', () => {
  it('makes no initrd for an image that starts without one', async () => {
    await using ctx = fakeContext();
    const { input } = composition();
    const format = { ...input.format, part: { ...input.format.part, needsInitrd: false } };
    expect(stepsOf({ ...input, format }, ctx).map((step) => step.type)).not.toContain('ict.initrd');
  });

  it('keys the configuration by what the format says that it reads, else by all that it may read', async () => {
    await using ctx = fakeContext();
    const key = (version: string, prepareKey?: () => Json, imageTypes: readonly string[] = ['sample']): string => {
      const { input } = composition({ spec: { ...sampleSpec(), image: { name: 'sample', version } } });
      const format = { ...input.format, part: sampleFormat({ imageTypes, ...(prepareKey === undefined ? {} : { prepareKey }) }) };
      return canonicalJson(stepsOf({ ...input, format }, ctx).find(({ type }) => type === 'ict.configure')?.key ?? null);
    };
    expect(key('2')).not.toBe(key('1'));
    expect(key('2', () => ({ fstab: 'a' }))).toBe(key('1', () => ({ fstab: 'a' })));
    expect(key('1', () => ({ fstab: 'b' }))).not.toBe(key('1', () => ({ fstab: 'a' })));
    expect(key('1', () => ({}), ['other'])).not.toBe(key('1', () => ({})));
  });

  it('makes base, packages, configuration and initrd, each over all that lies below', async () => {
    await using ctx = fakeContext();
    const { input, done } = composition();
    const tree = memoryTree({
      files: { '/boot/vmlinuz-6.1': '', '/boot/vmlinuz-6.12': '', '/vmlinuz': { link: 'boot/old' } },
      run: ({ argv }) => {
        done.push(argv.join(' '));
        return {};
      },
    });
    const layers = maker(tree);
    const types: string[] = [];
    await composeTree(compositionSteps(input, layers, nothing, ctx), (call) => {
      types.push(call.type);
      return call.run();
    });
    expect(types).toEqual(['ict.base', 'ict.packages', 'ict.configure', 'ict.initrd']);
    expect(done).toEqual([
      'install libc bash remove 0',
      'clean',
      'install curl remove 0',
      'clean',
      'prepare',
      '/bin/sh -c touch /done',
      'clean',
      'mkinitramfs -o /boot/initrd.img-6.1 6.1',
      'mkinitramfs -o /boot/initrd.img-6.12 6.12',
    ]);
    expect(tree.commands.filter(({ env }) => env?.['LC_ALL'] === 'C').map(({ argv: [program] }) => program)).toEqual([
      'mkinitramfs',
      'mkinitramfs',
    ]);
    const [one, two, three] = ['1', '2', '3'].map(digestOfAll);
    expect(layers.made).toEqual([
      [[], undefined],
      [[one], undefined],
      // What a template makes itself is of 1980-01-01T00:00:01Z.
      [[one, two], 315_532_801],
      [[one, two, three], undefined],
    ]);
    expect((await tree.stat('/vmlinuz'))?.linkTarget).toBe('boot/vmlinuz-6.12');
  });

  it('makes no layer of packages when all belong to the base', async () => {
    await using ctx = fakeContext();
    const { input } = composition({ packages: packages.slice(0, 2) });
    expect(stepsOf(input, ctx).map((step) => step.type)).toEqual(['ict.base', 'ict.configure', 'ict.initrd']);
  });

  const foreign = (parts: Partial<Composition> = {}): Partial<Composition> => {
    const spec = sampleSpec();
    return { spec: { ...spec, target: { ...spec.target, foreignArchitectures: ['i386'] } }, ...parts };
  };

  it.each<[string, Partial<Composition>, readonly string[]]>([
    ['over the base tree of every image', foreign(), ['install libc bash remove 0', 'accept i386, install curl remove 0']],
    [
      'in the base tree, when it has such packages',
      foreign({ packages: [...packages, verified('bash32', { arch: 'i386', requestedBy: ['essential'] })] }),
      ['accept i386, install libc bash bash32 remove 0', 'accept i386, install curl remove 0'],
    ],
    [
      'even when nothing is installed over the base tree',
      foreign({ packages: packages.slice(0, 2) }),
      ['install libc bash remove 0', 'accept i386, install  remove 0'],
    ],
  ])('lets packages of foreign architectures in %s', async (_what, parts, expected) => {
    await using ctx = fakeContext();
    const { input, done } = composition(parts);
    for (const call of stepsOf(input, ctx).slice(0, 2)) await call.run();
    expect(done.filter((line) => line !== 'clean')).toEqual(expected);
  });

  const spec = sampleSpec();
  const changed = (system: Partial<typeof spec.system>) => ({ spec: { ...spec, system: { ...spec.system, ...system } } });

  it('has files of packages chosen in the base tree and above', async () => {
    await using ctx = fakeContext();
    const { input, done } = composition(changed({ fileChoice: { documentation: false } }));
    for (const call of stepsOf(input, ctx).slice(0, 2)) await call.run();
    const choice = '{"documentation":false}';
    expect(done).toEqual([choice, 'install libc bash remove 0', 'clean', choice, 'install curl remove 0', 'clean']);
  });

  it('keys every step but the base by the content of the layers below', async () => {
    await using ctx = fakeContext();
    const { input } = composition();
    const keys = (digit: string) => stepsOf(input, ctx, { layers: [layer(digit)] }).map(({ key }) => JSON.stringify(key));
    const [base, ...above] = keys('1');
    const [otherBase, ...otherAbove] = keys('2');
    expect(otherBase).toBe(base);
    for (const [index, key] of above.entries()) {
      expect(key).toContain(digestOfAll('1'));
      expect(otherAbove[index]).toBe(key.replaceAll(digestOfAll('1'), digestOfAll('2')));
    }
    expect(keys('1')).toEqual([base, ...above]);
  });

  const boot = { ...distribution.boot, makeInitrd: ['dracut'] };
  const installerOf = (version: number): Composition['provider'] => {
    const { provider } = composition().input;
    return { ...provider, part: { ...provider.part, installer: { ...provider.part.installer, version } } };
  };
  it.each<[string, Partial<Composition>, readonly string[]]>([
    ['nothing', {}, []],
    ['where a package lies', { packages: packages.map((pkg) => ({ ...pkg, file: '/elsewhere' })) }, []],
    ['a base package', { packages: [{ ...packages[0], version: '2' }, ...packages.slice(1)] }, ['ict.base']],
    ['bytes of a base package', { packages: [{ ...packages[0], digest: digestOfAll('b') }, ...packages.slice(1)] }, ['ict.base']],
    ['another package', { packages: [...packages, verified('tar')] }, ['ict.packages']],
    ['a foreign architecture', foreign(), ['ict.packages', 'ict.configure']],
    ['a choice among files of packages', changed({ fileChoice: { languages: ['de'] } }), ['ict.base', 'ict.packages']],
    ['the version of the installer', { provider: installerOf(5) }, ['ict.base', 'ict.packages']],
    ['the quirks of the distribution', { distribution: { ...distribution, quirks: { a: 1 } } }, ['ict.base', 'ict.packages']],
    ['the way to make an initrd', { distribution: { ...distribution, boot } }, ['ict.configure', 'ict.initrd']],
    ['a command', { configuration: { users: [], files: [], commands: [] } }, ['ict.configure']],
    ['the command line of the kernel', changed({ kernel: { ...spec.system.kernel, cmdline: 'debug' } }), ['ict.configure']],
    ['the boot loader', changed({ bootloader: { bootType: 'efi', provider: 'grub' } }), ['ict.configure']],
    ['another lock of the same packages', { lock: digestOfAll('f') }, []],
    ['the time of what packages make', { treeEpoch: 2 }, ['ict.base', 'ict.packages', 'ict.configure', 'ict.initrd']],
    ['the seed', { seed: digestOfAll('f') }, ['ict.configure']],
    ['the disk', { spec: { ...spec, disk: { ...spec.disk, partitionTable: 'mbr' } } }, ['ict.configure']],
    ['the title of the distribution, which boot menus show', { distribution: { ...distribution, title: 'Mine' } }, ['ict.configure']],
    ['what is said to the plugin of the format', { spec: { ...spec, sections: { format: { level: 2 } } } }, ['ict.configure']],
    ['what is said to another plugin', { spec: { ...spec, sections: { other: { level: 2 } } } }, []],
    ['the version of the image', { spec: { ...spec, image: { ...spec.image, version: '2' } } }, ['ict.configure']],
  ])('%s changes the keys of exactly these steps', async (_what, parts, expected) => {
    await using ctx = fakeContext();
    const before = stepsOf(composition().input, ctx);
    const after = stepsOf(composition(parts).input, ctx);
    const different = after.filter((step, index) => JSON.stringify(step.key) !== JSON.stringify(before[index].key));
    expect(different.map(({ type }) => type)).toEqual(expected);
  });

  describe('layers of a template', () => {
    const layerSpec: LayerSpec = {
      ...{
        name: 'app',
        run: ['make'],
        files: [],
        types: { launch: true, build: false, cache: false },
        env: {},
        inputs: [],
        cacheMounts: [],
      },
      ...{ network: false, metadata: {}, invalidateOn: { packages: ['linux'], values: {} } },
    };
    const keyOf = (change: Partial<LayerSpec>, parts: Partial<Composition>, ctx: BuildContext): string => {
      const layers = [{ spec: { ...layerSpec, ...change }, files: [], inputs: {} }];
      return canonicalJson(stepsOf(composition({ layers, ...parts }).input, ctx).find(({ type }) => type === 'ict.layer.app')?.key ?? null);
    };
    const provider = { part: composition().input.provider.part, identity: { name: 'provider', version: '2' } };
    const scratch = { types: { launch: false, build: true, cache: false } };
    const kernels = (...versions: readonly string[]) => ({
      packages: [...packages, ...versions.map((version) => verified('linux', { version, id: `linux:${version}` }))],
    });
    const at = (target: string) => ({ cacheMounts: [{ id: 'a', target, sharing: 'shared' } as const] });

    it.each<[string, Partial<LayerSpec>, Partial<Composition>, Partial<LayerSpec>, Partial<Composition>, boolean]>([
      ['where a directory that outlives builds lies', at('/b'), {}, at('/a'), {}, true],
      ['another provider, which cleans up', {}, { provider }, {}, {}, true],
      ['another provider, of what is no part of the image', scratch, { provider }, scratch, {}, false],
      ['any of several versions of a package', {}, kernels('1', '3'), {}, kernels('1', '2'), true],
      ['the order of several versions of a package', {}, kernels('2', '1'), {}, kernels('1', '2'), false],
    ])('are keyed by %s', async (_what, change, parts, changeBefore, before, differs) => {
      await using ctx = fakeContext();
      expect(keyOf(change, parts, ctx) !== keyOf(changeBefore, before, ctx)).toBe(differs);
    });

    it.each<[string, Partial<LayerSpec>, boolean | undefined, string]>([
      ['refused, with their line, where they reach the network', { network: true }, true, 'ICT_LAYER_OFFLINE'],
      ['made where they do not', {}, true, 'made'],
      ['made where downloads are allowed', { network: true }, false, 'made'],
    ])('are %s: offline', async (_what, change, offline, outcome) => {
      await using ctx = fakeContext();
      const position = { file: '/template.yml', line: 7, column: 3 };
      const { input } = composition({ layers: [{ spec: { ...layerSpec, ...change, position }, files: [], inputs: {} }], offline });
      const call = stepsOf(input, ctx).find(({ type }) => type === 'ict.layer.app')!;
      const made = call.run().then(
        () => 'made',
        (error: unknown) => error,
      );
      expect(await made).toEqual(
        outcome === 'made'
          ? outcome
          : expect.objectContaining({ code: outcome, kind: 'offline', problems: [expect.objectContaining({ position })] }),
      );
      expect(JSON.stringify(call.key)).not.toContain('offline');
      expect(call.clean !== undefined).toBe(outcome === 'made'); // an audit makes it anew
    });

    it('are refused offline with all after them that reach the network', async () => {
      await using ctx = fakeContext();
      const layers = Object.entries({ app: true, local: false, late: true, last: true }).map(([name, network]) => {
        return { spec: { ...layerSpec, name, network }, files: [], inputs: {} };
      });
      const call = stepsOf(composition({ layers, offline: true }).input, ctx).find(({ type }) => type === 'ict.layer.app')!;
      const error: unknown = await call.run().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ICT_LAYER_OFFLINE', facts: { layer: 'app', after: ['late', 'last'] } });
      expect((error as Error).message).toMatch(/; so do, after it, those of "late", "last"$/);
    });

    const line = (number: number) => ({ file: '/template.yml', line: number, column: 5 });

    it.each([
      ['of the command', new Map([['layers[1].run[0]', line(8)], ['layers[1].run[1]', line(9)]]), line(9)], // prettier-ignore
      ['of the layer, where that of the command is not known', new Map(), line(7)],
    ])('whose command fails are named, with the line %s', async (_what, positions, position) => {
      await using ctx = fakeContext();
      const fine = { spec: { ...layerSpec, name: 'fine' }, files: [], inputs: {} };
      const failing = { spec: { ...layerSpec, run: ['true', ['break', 'it']], position: line(7) }, files: [], inputs: {} };
      const { input } = composition({ layers: [fine, failing], spec: { ...sampleSpec(), positions } });
      const tree = memoryTree({ run: ({ argv }) => ({ exitCode: argv.includes('break') ? 7 : 0 }) });
      const steps = compositionSteps(input, maker(tree), nothing, ctx).map((step) => step({ layers: [layer('9')] }));
      await expect(steps.find(({ type }) => type === 'ict.layer.app')!.run()).rejects.toMatchObject({
        code: 'ICT_COMMAND_FAILED',
        kind: 'command',
        message: expect.stringMatching(/^a command of layer "app" failed: break it /) as string,
        facts: { layer: 'app', exitCode: 7, argv: ['break', 'it'], position },
        problems: [{ code: 'ICT_COMMAND_FAILED', position, severity: 'error' }],
      });
    });

    describe('that ask validate', () => {
      const position = { file: '/template.yml', line: 7, column: 3 };

      /** @param answers what the command prints, and its exit status. */
      async function ask(answers: { readonly stdout?: string; readonly exitCode?: number }) {
        await using ctx = fakeContext();
        const tree = memoryTree({ run: ({ argv }) => (argv.includes('decide') ? answers : {}) });
        let known: EarlierLayer = { layer: layer('7'), metadata: { version: '1.5' } };
        const layers: LayerMaker = {
          ...maker(tree),
          recall: async () => known,
          remember: async (_scope, _terms, made) => void (known = made),
        };
        const types = { launch: true, build: false, cache: true };
        const spec = { ...layerSpec, types, metadata: { version: '1.6' }, validate: ['decide'], position };
        const { input } = composition({ layers: [{ spec, files: [], inputs: {} }] });
        const steps = compositionSteps(input, layers, nothing, ctx).map((step) => step({ layers: [layer('9')] }));
        const made = await steps.find(({ type }) => type === 'ict.layer.app')?.run();
        return { made, known };
      }

      it.each([
        ['keep', '1.5'],
        ['update', '1.6'],
        ['discard', '1.6'],
      ])('are known, when it says %s, by the facts that they were made with', async (stdout, version) => {
        const { made, known } = await ask({ stdout });
        expect(known).toMatchObject({ layer: made, metadata: { version } });
      });

      it.each([
        ['fails', { exitCode: 3 }, /"app" failed: decide/],
        ['says something else', { stdout: 'perhaps' }, /"app" printed "perhaps"/],
      ])('fail with their line when it %s', async (_what, answers, message) => {
        await expect(ask(answers)).rejects.toMatchObject({
          code: 'ICT_LAYER_VALIDATE',
          message: expect.stringMatching(message) as string,
          problems: [{ position }],
        });
      });
    });
  });

  it('keys no step by the date of the repositories: the same packages make the same tree', async () => {
    await using early = fakeContext({ epochSeconds: 1 });
    await using late = fakeContext({ epochSeconds: 2 });
    const keys = (ctx: BuildContext) => stepsOf(composition().input, ctx).map(({ key }) => key);
    expect(keys(late)).toEqual(keys(early));
  });

  it('is the work of who made it: provider, format, engine', async () => {
    await using ctx = fakeContext();
    expect(stepsOf(composition().input, ctx).map(({ by }) => by.name)).toEqual(['provider', 'provider', 'format', 'core']);
  });

  it.each<[string, Readonly<Record<string, MemoryTreeContent>>]>([
    ['an empty tree', {}],
    ['other files beside', { '/boot/config-6.1': '' }],
  ])('asks for a kernel: %s', async (_what, files) => {
    await using ctx = fakeContext();
    const initrd = compositionSteps(composition().input, maker(memoryTree({ files })), nothing, ctx).at(-1)?.({ layers: [layer('1')] });
    await expect(initrd?.run()).rejects.toMatchObject({ code: 'ICT_KERNEL_MISSING', facts: { pattern: '/boot/vmlinuz-*' } });
  });
});
