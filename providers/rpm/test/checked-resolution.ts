import { readPlainRpms, rpmFaults, type PlainRpm } from '@ict/fixtures';
import type { Context, Resolution, ResolutionRequest, ResolvedPackage, Snapshot } from '@ict/plugin-api';
import { compareVersions } from '../src/relations/evr.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { PrimaryReader } from '../src/metadata/primary.js';
import { readIndex } from '../src/metadata/read-index.js';
import type { RelationTable } from '../src/relations/relation.js';
import { createResolver, resolvePackages, type PackageRequest } from '../src/resolve/resolve.js';

/** What the indexes of tests were read from, for a reader that is not ours. */
const texts = new WeakMap<PackagesIndex, string>();

/** Reads primary.xml into an index, of which answers can then be checked. */
export function parsePrimary(xml: string, table: RelationTable): PackagesIndex {
  const reader = new PrimaryReader('primary.xml');
  reader.write(Buffer.from(xml));
  const index = new PackagesIndex(reader.finish(), table);
  texts.set(index, xml);
  return index;
}

/** What a second and simple reader finds wrong with packages as the answer to requests: nothing where all is well. */
export function faultsOf(
  requests: readonly string[],
  packages: readonly Pick<ResolvedPackage, 'name' | 'version' | 'arch' | 'repository'>[],
  known: ReadonlyMap<string, readonly PlainRpm[]>,
): readonly string[] {
  return rpmFaults(requests, packages, known, compareVersions);
}

/** Resolves: the only way in which tests do, so that every answer is checked. */
export function resolveChecked(request: PackageRequest): Resolution {
  const known = new Map(
    request.repositories.map(({ id, index }) => {
      const text = texts.get(index);
      if (text === undefined) throw new Error(`the index of ${id} was not read by parsePrimary, so its answers cannot be checked`);
      return [id, readPlainRpms(text)];
    }),
  );
  return checked(resolvePackages(request), request, known);
}

/** The same of pinned repositories. */
export async function resolvePinned(request: ResolutionRequest, ctx: Context): Promise<Resolution> {
  const resolution = await createResolver().resolve(request, ctx);
  const known = new Map<string, readonly PlainRpm[]>();
  for (const snapshot of request.snapshots) {
    const [primary, filelists] = [await metadataText(snapshot, 'primary', ctx), await metadataText(snapshot, 'filelists', ctx)];
    known.set(snapshot.repository.id, readPlainRpms(primary, filelists));
  }
  return checked(resolution, request, known);
}

/** Decompressed metadata of a kind; empty when the repository has none. */
export async function metadataText({ indexes, repository }: Snapshot, kind: string, ctx: Context): Promise<string> {
  const index = indexes.find(({ path }) => path.includes(`${kind}.xml`));
  const chunks: Uint8Array[] = [];
  if (index !== undefined) await readIndex(repository, index, ctx, (chunk) => chunks.push(Uint8Array.from(chunk)));
  return Buffer.concat(chunks).toString();
}

function checked(
  resolution: Resolution,
  { seeds }: Pick<PackageRequest, 'seeds'>,
  known: ReadonlyMap<string, readonly PlainRpm[]>,
): Resolution {
  if (resolution.kind === 'unsolvable') return resolution;
  const requests = seeds.map(({ request }) => request);
  const faults = faultsOf(requests, resolution.closure.packages, known);
  if (faults.length > 0) throw new Error(`the answer to ${requests.join(' ')} does not hold: ${faults.join('; ')}`);
  return resolution;
}
