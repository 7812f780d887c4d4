import { copyFile, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TwinWriter, VerifiedPackage } from '@ict/plugin-api';
import { fails } from './failure.js';
import { unpackedTree, type FixtureTest } from './installer-suite.js';
import type { ProviderFixture } from './provider-suite.js';
import type { TestApi } from './test-api.js';

/** The part of a provider's suite for uncompressed twins of packages, which passes without any. */
export function describeTwins(
  it: FixtureTest,
  { describe, expect }: TestApi,
  closureOf: (fixture: ProviderFixture) => Promise<readonly VerifiedPackage[]>,
): void {
  const itWrites = (title: string, body: (fixture: ProviderFixture, twins: TwinWriter) => Promise<void>): unknown =>
    it(title, async (fixture) => (fixture.provider.twins === undefined ? undefined : body(fixture, fixture.provider.twins)));

  describe('twins, where there are any', () => {
    itWrites('have the same bytes wherever the package lies', async ({ ctx, ...fixture }, twins) => {
      for (const { file } of await closureOf({ ctx, ...fixture })) {
        const [copy, first, second] = ['copy', 'first', 'second'].map((name) => join(ctx.temporary, name)) as [string, string, string];
        await copyFile(file, copy);
        await twins.write(file, first, ctx);
        await twins.write(copy, second, ctx);
        expect(await readFile(first)).toEqual(await readFile(second));
        await Promise.all([first, second].map((path) => rm(path)));
      }
    });

    itWrites('unpack to what the packages unpack to', async (fixture, twins) => {
      const packages = await closureOf(fixture);
      const twinned: VerifiedPackage[] = [];
      for (const [index, pkg] of packages.entries()) {
        const twin = join(fixture.ctx.temporary, `twin-${index}`);
        await twins.write(pkg.file, twin, fixture.ctx);
        twinned.push({ ...pkg, twin });
      }
      expect((await unpackedTree(fixture, twinned)).listing()).toEqual((await unpackedTree(fixture, packages)).listing());
    });

    itWrites('leave nothing behind that could not be written', async ({ ctx, contextWith, ...fixture }, twins) => {
      const [{ file }] = (await closureOf({ ctx, contextWith, ...fixture })) as [VerifiedPackage];
      const damaged = join(ctx.temporary, 'damaged');
      await writeFile(damaged, 'this is a text\n'.repeat(100));
      const before = await readdir(ctx.temporary);
      const out = join(ctx.temporary, 'twin');
      expect(await fails(() => twins.write(damaged, out, ctx))).toEqual(true);
      expect(await fails(() => twins.write(file, out, contextWith(AbortSignal.abort())))).toEqual(true);
      expect(await readdir(ctx.temporary)).toEqual(before);
    });
  });
}
