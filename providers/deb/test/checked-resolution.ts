import { debFaults } from '@ict/fixtures';
import type { Resolution, ResolutionRequest, ResolvedPackage } from '@ict/plugin-api';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { resolvePackages, type PackageRequest } from '../src/resolve/resolve.js';
import { createResolver } from '../src/resolve/resolver.js';
import { compareDebVersions } from '../src/relations/version.js';
import type { FakeContext } from './fake-context.js';

/** What the indexes of tests were read from, for a reader that is not ours. */
const texts = new WeakMap<PackagesIndex, string>();

/** Reads an index, of which answers can then be checked. */
export function parseIndex(text: string): PackagesIndex {
  const index = PackagesIndex.parse(Buffer.from(text));
  texts.set(index, text);
  return index;
}

/** What a second and simple reader finds wrong with packages as the answer to requests: nothing where all is well. */
export function faultsOf(
  requests: readonly string[],
  packages: readonly ResolvedPackage[],
  indexes: ReadonlyMap<string, string>,
): readonly string[] {
  return debFaults(requests, packages, indexes, compareDebVersions);
}

/** Resolves: the only way in which tests do, so that every answer is checked. */
export function resolveChecked(request: PackageRequest): Resolution {
  const indexes = new Map(
    request.repositories.map(({ id, index }) => {
      const text = texts.get(index);
      if (text === undefined) throw new Error(`the index of ${id} was not read by parseIndex, so its answers cannot be checked`);
      return [id, text];
    }),
  );
  return checked(resolvePackages(request), request, indexes);
}

/** The same of pinned repositories whose indexes the context serves. */
export async function resolveServed(request: ResolutionRequest, ctx: FakeContext): Promise<Resolution> {
  const resolution = await createResolver().resolve(request, ctx);
  const textOf = (archive: string): string =>
    [...ctx.served]
      .filter(([url]) => url.startsWith(`${archive}/`) && url.endsWith('/Packages'))
      .map(([, bytes]) => Buffer.from(bytes).toString('utf8'))
      .join('\n');
  return checked(resolution, request, new Map(request.snapshots.map(({ repository: { id, archive } }) => [id, textOf(archive)])));
}

function checked(resolution: Resolution, { seeds }: Pick<PackageRequest, 'seeds'>, indexes: ReadonlyMap<string, string>): Resolution {
  if (resolution.kind === 'unsolvable') return resolution;
  const requests = seeds.map(({ request }) => request);
  const faults = faultsOf(requests, resolution.closure.packages, indexes);
  if (faults.length > 0) throw new Error(`the answer to ${requests.join(' ')} does not hold: ${faults.join('; ')}`);
  return resolution;
}
