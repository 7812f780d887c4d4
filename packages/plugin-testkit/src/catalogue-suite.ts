import type { CatalogueScope, PackageRecord, PackageSummary, Snapshot } from '@ict/plugin-api';
import { closureOf, identity, pin, recordsOf, requestOf } from './fixture-questions.js';
import type { FixtureTest } from './installer-suite.js';
import { throughJson } from './plain-data.js';
import type { ProviderFixture } from './provider-suite.js';
import type { TestApi } from './test-api.js';

/** The catalogue's part of a provider's suite; a provider without one passes. */
export function describeCatalogue(it: FixtureTest, { describe, expect }: TestApi): void {
  describe('the catalogue, where there is one', () => {
    it('lists the packages of the repository, in their order', async (fixture) => {
      const { catalogue } = fixture.provider;
      if (catalogue === undefined) return;
      const listed: unknown[] = [];
      for await (const { name: own, version, arch } of catalogue.list(await pin(fixture), fixture.ctx)) listed.push([own, version, arch]);
      expect(listed).toEqual((await recordsOf(fixture)).map(({ name: own, version, arch }) => [own, version, arch]));
    });

    it('names what a search may want: all that has a word, in any case, or a name, in their order', async (fixture) => {
      const { catalogue } = fixture.provider;
      if (catalogue?.mentioning === undefined) return;
      const snapshot = await pin(fixture);
      const listed: PackageSummary[] = [];
      for await (const pkg of catalogue.list(snapshot, fixture.ctx)) listed.push(pkg);
      const textOf = ({ name, summary, description = '' }: PackageSummary): string => `${name}\n${summary}\n${description}`.toLowerCase();
      for (const { name, summary } of listed) {
        for (const word of [name.toUpperCase(), summary.toUpperCase(), summary.slice(1, 5)]) {
          const found: PackageSummary[] = [];
          for await (const pkg of catalogue.mentioning(snapshot, { words: [word], names: new Set([name]) }, fixture.ctx)) found.push(pkg);
          const must = listed.filter((pkg) => pkg.name === name || textOf(pkg).includes(word.toLowerCase()));
          const told = found.map((pkg) => JSON.stringify(pkg));
          expect(must.filter((pkg) => !told.includes(JSON.stringify(pkg)))).toEqual([]);
          expect(listed.filter((pkg) => told.includes(JSON.stringify(pkg)))).toEqual(found);
        }
      }
    });

    it('describes each as plain data, with its record', async (fixture) => {
      const { catalogue } = fixture.provider;
      if (catalogue === undefined) return;
      const snapshot = await pin(fixture);
      for (const record of await recordsOf(fixture)) {
        const entry = await catalogue.describe(snapshot, record.name, fixture.ctx);
        expect(throughJson(entry)).toEqual(entry);
        expect(entry.packages.map(identity).includes(identity(record))).toEqual(true);
      }
    });

    it('knows nothing of a name that nothing bears', async (fixture) => {
      const { catalogue } = fixture.provider;
      if (catalogue === undefined) return;
      const snapshot = await pin(fixture);
      const entry = await catalogue.describe(snapshot, fixture.unknownSeed.request, fixture.ctx);
      expect(entry).toEqual({ packages: [], providers: [] });
      const scope = scopeOf(fixture, snapshot, [fixture.unknownSeed.request]);
      expect((await catalogue.withheld?.(scope, fixture.ctx)) ?? []).toEqual([]);
      expect((await catalogue.standings?.(scope, fixture.ctx)) ?? []).toEqual([]);
      expect((await catalogue.advisories?.(scope, fixture.ctx)) ?? []).toEqual([]);
    });

    it('withholds nothing that a resolution takes, and tells of advisories as plain data', async (fixture) => {
      const { catalogue } = fixture.provider;
      if (catalogue === undefined) return;
      const { packages } = await closureOf(fixture);
      const scope = scopeOf(fixture, await pin(fixture), packages.map((pkg) => pkg.name)); // prettier-ignore
      const withheld = (await catalogue.withheld?.(scope, fixture.ctx)) ?? [];
      const taken = new Set(packages.map(placed));
      expect(withheld.filter((pkg) => taken.has(placed(pkg)))).toEqual([]);
      expect(throughJson(withheld)).toEqual(withheld);
      const advisories = (await catalogue.advisories?.(scope, fixture.ctx)) ?? [];
      expect(throughJson(advisories)).toEqual(advisories);
      expect(advisories.flatMap((one) => one.packages).filter((pkg) => !scope.names.has(pkg.name))).toEqual([]);
    });

    it('tells how each package stands that it does not withhold, and takes for candidates what a resolution takes, as plain data', async (fixture) => {
      const { catalogue } = fixture.provider;
      if (catalogue?.standings === undefined) return;
      const { packages } = await closureOf(fixture);
      const scope = scopeOf(fixture, await pin(fixture), packages.map((pkg) => pkg.name)); // prettier-ignore
      const standings = await catalogue.standings(scope, fixture.ctx);
      expect(throughJson(standings)).toEqual(standings);
      const withheld = ((await catalogue.withheld?.(scope, fixture.ctx)) ?? []).map(placed);
      const open = (await recordsOf(fixture)).filter((pkg) => scope.names.has(pkg.name)).map(placed).filter((pkg) => !withheld.includes(pkg)); // prettier-ignore
      expect(standings.map(placed).sort()).toEqual([...open].sort());
      const candidates = standings.filter(({ candidate }) => candidate);
      expect(packages.map(placed).filter((pkg) => !candidates.map(placed).includes(pkg))).toEqual([]);
      expect(candidates.filter(({ passedOver }) => passedOver !== undefined)).toEqual([]);
    });

    it('tells of changelogs in the order of the packages, no more than was asked for, the newest first, as plain data', async (fixture) => {
      const { catalogue } = fixture.provider;
      if (catalogue?.changelogs === undefined) return;
      const packages = await recordsOf(fixture);
      const changelogs = await catalogue.changelogs(await pin(fixture), { packages, newest: 1 }, fixture.ctx);
      if (changelogs === undefined) return;
      expect(throughJson(changelogs)).toEqual(changelogs);
      const named = (pkg: PackageKey): string => `${pkg.name}:${pkg.arch} ${pkg.version}`;
      expect(changelogs.map(named)).toEqual(packages.map(named));
      expect(changelogs.filter(({ entries }) => entries.length > 1)).toEqual([]);
      const all = (await catalogue.changelogs(await pin(fixture), { packages, newest: 100 }, fixture.ctx)) ?? [];
      expect(all.map(({ entries }) => entries.slice(0, 1))).toEqual(changelogs.map(({ entries }) => entries));
      const days = all.map(({ entries }) => entries.flatMap(({ date }) => date ?? []));
      expect(days).toEqual(days.map((each) => [...each].sort().reverse()));
    });
  });
}

/** Which package of which repository it is. */
function placed({ name, version, arch, repository }: PackageKey & Pick<PackageRecord, 'repository'>): string {
  return `${repository} ${name}:${arch} ${version}`;
}

type PackageKey = Pick<PackageRecord, 'name' | 'version' | 'arch'>;

function scopeOf(fixture: ProviderFixture, snapshot: Snapshot, names: readonly string[]): CatalogueScope {
  return { ...requestOf(fixture, [snapshot], fixture.seeds), names: new Set(names) };
}
