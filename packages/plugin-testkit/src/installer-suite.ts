import type { FileChoice, VerifiedPackage } from '@ict/plugin-api';
import { memoryTree, type MemoryTree } from './memory-tree.js';
import { deepFreeze, reorderings, throughJson } from './plain-data.js';
import type { ProviderFixture } from './provider-suite.js';
import type { TestApi } from './test-api.js';

export type FixtureTest = (title: string, body: (fixture: ProviderFixture) => Promise<void>) => unknown;

/** An empty tree in memory, and what a provider unpacks into it. */
export async function unpackedTree(
  { provider, distribution, ctx }: ProviderFixture,
  packages: readonly VerifiedPackage[],
): Promise<MemoryTree> {
  const tree = memoryTree();
  await provider.installer.unpack(deepFreeze([...packages]), tree, distribution, ctx);
  return tree;
}

/** The installer's and inventory's part of a provider's suite. Trees are in memory; their programs succeed and do nothing. */
export function describeInstaller(
  it: FixtureTest,
  { describe, expect }: TestApi,
  closureOf: (fixture: ProviderFixture) => Promise<readonly VerifiedPackage[]>,
): void {
  const applied = async (
    { provider, distribution, ctx }: ProviderFixture,
    packages: readonly VerifiedPackage[],
    fileChoice?: FileChoice,
  ): Promise<MemoryTree> => {
    const tree = memoryTree();
    const change = { install: [...packages], remove: [], ...(fileChoice === undefined ? {} : { fileChoice }) };
    await provider.installer.apply(deepFreeze(change), tree, distribution, ctx);
    return tree;
  };
  /** All that an installer did to a tree, as plain data. */
  const traceOf = (tree: MemoryTree): unknown => throughJson([tree.listing(), tree.commands, tree.exposed]);

  describe('unpack', () => {
    it('brings the files of the packages, and runs nothing', async (fixture) => {
      const tree = await unpackedTree(fixture, await closureOf(fixture));
      const absent: string[] = [];
      for (const path of fixture.unpackedFiles) if ((await tree.stat(path))?.type !== 'file') absent.push(path);
      expect([fixture.unpackedFiles.length > 0, absent, tree.commands]).toEqual([true, [], []]);
    });

    it('does not depend on the order of the packages', async (fixture) => {
      const packages = await closureOf(fixture);
      const listing = (await unpackedTree(fixture, packages)).listing();
      for (const order of reorderings(packages)) expect((await unpackedTree(fixture, order)).listing()).toEqual(listing);
    });
  });

  describe('apply', () => {
    it('uses no package file but those that it was given', async (fixture) => {
      const packages = await closureOf(fixture);
      const given = new Set(packages.map(({ file }) => file));
      const tree = await applied(fixture, packages);
      expect(tree.exposed.filter(({ file }) => !given.has(file))).toEqual([]);
    });

    it('does the same for the same packages in another order', async (fixture) => {
      const packages = await closureOf(fixture);
      const trace = traceOf(await applied(fixture, packages));
      for (const order of reorderings(packages)) expect(traceOf(await applied(fixture, order))).toEqual(trace);
    });

    it('does otherwise for each choice among files, when it says that it can', async (fixture) => {
      const packages = await closureOf(fixture);
      const [documentation, languages] = [false, ['de']] as const;
      const choices: readonly FileChoice[] = [{ documentation }, { languages }, { documentation, languages }];
      const traces = new Set<string>();
      for (const choice of [undefined, ...choices]) traces.add(JSON.stringify(traceOf(await applied(fixture, packages, choice))));
      expect(traces.size).toEqual(fixture.provider.installer.choosesFiles === true ? 4 : 1);
    });

    it('gives each command its whole environment, and no network', async (fixture) => {
      const { commands } = await applied(fixture, await closureOf(fixture));
      expect(commands.filter(({ argv, env }) => argv.length === 0 || env === undefined)).toEqual([]);
      expect(commands.filter(({ network = false }) => network)).toEqual([]);
    });
  });

  describe('clean', () => {
    it('changes nothing when it runs again', async (fixture) => {
      const { provider, ctx } = fixture;
      const tree = await unpackedTree(fixture, await closureOf(fixture));
      await provider.installer.clean(tree, ctx);
      const listing = tree.listing();
      await provider.installer.clean(tree, ctx);
      expect(tree.listing()).toEqual(listing);
    });
  });

  describe('the inventory', () => {
    it('makes a package URL of a name, a version and an architecture', async (fixture) => {
      const { provider, distribution } = fixture;
      const packages = await closureOf(fixture);
      const purls = packages.map((pkg) => provider.inventory.purl(pkg, distribution));
      expect(purls.filter((purl) => !/^pkg:[a-z0-9.+-]+\/[^\s]+@[^\s]+$/.test(purl))).toEqual([]);
      expect(new Set(purls).size).toEqual(packages.length);
    });
  });

  describe('versions', () => {
    it('are positive whole numbers', async ({ provider }) => {
      const versions = [provider.installer.version, provider.resolver.version];
      expect(versions.filter((version) => !Number.isSafeInteger(version) || version < 1)).toEqual([]);
    });
  });
}
