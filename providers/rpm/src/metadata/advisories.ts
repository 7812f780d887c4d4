import { keepContainer, recallContainer, TextLookup } from '@ict/package-index';
import { formatCount, type Advisory, type CatalogueScope, type Context, type Json, type Snapshot } from '@ict/plugin-api';
import { ADVISORIES, ADVISORY, ADVISORY_WIDTH, decodeAdvisories, encodeAdvisories, FIX, FIX_WIDTH } from './advisory-columns.js';
import type { AdvisoryColumns } from './advisory-columns.js';
import { architectureRank } from '../architecture.js';
import { endOf } from './column-writer.js';
import { indexOf, readIndex } from './read-index.js';
import { loadActiveModules } from '../resolve/resolve-repositories.js';
import { UpdateinfoReader } from './updateinfo.js';

/**
 * Advisories about packages of some names. Those of modules count as with dnf: only while their stream is active.
 *
 * @throws `ICT_RPM_INDEX_MISSING`, `ICT_RPM_INDEX_MISMATCH`, `ICT_RPM_INDEX_INVALID`, and what the fetcher throws.
 */
export async function findAdvisories(scope: CatalogueScope, ctx: Context): Promise<readonly Advisory[]> {
  const modules = await loadActiveModules(scope, ctx);
  const streams = new Set([...(modules?.active ?? [])].map(({ name, stream }) => `${name}:${stream}`));
  const found: Advisory[] = [];
  for (const snapshot of scope.snapshots) {
    ctx.signal.throwIfAborted();
    const columns = await loadAdvisories(snapshot, ctx);
    if (columns === undefined) continue;
    const counts = (arch: string, module: string): boolean =>
      architectureRank(arch, scope.arch) !== undefined &&
      (module === '' || snapshot.repository.moduleHotfixes === true || streams.has(module));
    found.push(...advisoriesOf(columns, scope.names, snapshot.repository.id, counts));
  }
  return found;
}

/**
 * Loads the advisories of a pinned repository. What was read of equal metadata is kept in the cache.
 *
 * @returns undefined for a repository without advisories.
 */
export async function loadAdvisories(snapshot: Snapshot, ctx: Context): Promise<AdvisoryColumns | undefined> {
  const index = indexOf(snapshot, 'updateinfo');
  if (index === undefined) return undefined;
  const { repository } = snapshot;
  const question: Json = { digest: index.digest };
  let columns = await recallContainer(ADVISORIES, question, ctx, decodeAdvisories);
  if (columns === undefined) {
    const reader = new UpdateinfoReader(`${index.path} of repository "${repository.id}"`);
    await readIndex(repository, index, ctx, (chunk) => reader.write(chunk));
    columns = reader.finish();
    await keepContainer(ADVISORIES, question, ctx, encodeAdvisories(columns));
  }
  const [first] = columns.diagnostics;
  if (first !== undefined) {
    ctx.emit({
      type: 'warning',
      code: 'ICT_RPM_INDEX_INVALID',
      message: `${formatCount(columns.diagnostics.length, 'advisory', 'advisories')} of repository "${repository.id}" left out, or some packages there; the first is ${first.package}: ${first.reason}`,
      hint: 'The repository was published with broken metadata; report it to the repository.',
    });
  }
  return columns;
}

/** @param counts whether a package of this architecture and module can be had. */
function advisoriesOf(
  columns: AdvisoryColumns,
  names: ReadonlySet<string>,
  repository: string,
  counts: (arch: string, module: string) => boolean,
): readonly Advisory[] {
  const bytes = Buffer.from(columns.bytes.buffer, columns.bytes.byteOffset, columns.bytes.byteLength);
  const text = (offset: number): string => bytes.toString('utf8', offset, endOf(bytes, offset));
  const lookup = new TextLookup(bytes, columns.names);
  const packages = new Map<number, Advisory['packages'][number][]>();
  for (const name of names) {
    for (const row of lookup.find(name)) {
      const field = (column: keyof typeof FIX): number => columns.fixes[row * FIX_WIDTH + FIX[column]]!;
      const arch = text(field('arch'));
      if (!counts(arch, text(field('module')))) continue;
      const known = packages.get(field('advisory')) ?? [];
      known.push({ name, version: text(field('version')), arch });
      packages.set(field('advisory'), known);
    }
  }
  return [...packages]
    .sort(([a], [b]) => a - b)
    .map(([row, own]) => {
      const field = (column: keyof typeof ADVISORY): string => text(columns.advisories[row * ADVISORY_WIDTH + ADVISORY[column]]!);
      const ends = (of: number): number => (of < 0 ? 0 : columns.advisories[of * ADVISORY_WIDTH + ADVISORY.cvesEnd]!);
      const [severity, issued] = [field('severity'), field('issued')];
      return {
        id: field('id'),
        type: field('type'),
        ...(severity === '' ? {} : { severity }),
        title: field('title'),
        ...(issued === '' ? {} : { issued }),
        cves: Array.from(columns.cves.subarray(ends(row - 1), ends(row)), text),
        repository,
        packages: own,
      };
    });
}
