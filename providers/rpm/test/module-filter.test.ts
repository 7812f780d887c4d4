import { expect, it, onTestFinished, vi } from 'vitest';
import { hiddenByModules } from '../src/metadata/module-filter.js';
import type { ModuleBuild } from '../src/metadata/modules.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { RelationTable } from '../src/relations/relation.js';
import { parsePrimary } from './checked-resolution.js';

it('looks at the packages of a name once, however many artifacts of modules have it', () => {
  const COUNT = 2_000;
  const versions = Array.from({ length: COUNT }, (_, at) => String(at + 1));
  const entries = versions.map(
    (version) =>
      `<package type="rpm"><name>many</name><arch>noarch</arch><version epoch="0" ver="${version}" rel="1"/><checksum type="sha256" pkgid="YES">${version.padStart(64, '0')}</checksum><size package="1" installed="1"/><location href="${version}.rpm"/><format/></package>`,
  );
  const index = parsePrimary(`<metadata xmlns="x" xmlns:rpm="rpm">${entries.join('')}</metadata>`, new RelationTable());
  const looks = vi.spyOn(PackagesIndex.prototype, 'evr');
  onTestFinished(() => looks.mockRestore());
  const build = (stream: string, artifacts: readonly string[]): ModuleBuild => ({
    ...{ name: 'many', stream, version: '1', context: 'c', arch: 'noarch', requires: [], profiles: {}, demodularized: [] },
    artifacts,
  });
  const artifacts = versions.map((version) => `many-0:${version}-1.noarch`);
  const old = build('old', artifacts.slice(0, -1));
  const now = build('now', [artifacts.at(-1)!, 'many-0:1-1.src', 'many-0:1-1.x86_64', 'absent-0:1-1.noarch']);
  const hidden = hiddenByModules(index, { builds: [old, now], defaults: [] }, new Set([now]));
  expect(hidden.size).toBe(COUNT - 1);
  expect(hidden.get(0)).toEqual({ streams: ['many:old'], instead: 'many:now' });
  expect(hidden.has(COUNT - 1)).toBe(false);
  expect(looks.mock.calls.length).toBe(COUNT);
});
