import { askIfMeant, nearestNames } from '@ict/package-index';
import { isIctError, type Context, type ProblemReport } from '@ict/plugin-api';
import { formatPath } from '@ict/template';
import { coreError } from '../errors.js';
import type { Lock } from './lock.js';
import { answerNames } from '../questions/catalogue.js';
import { lockedSnapshots } from '../repositories/pinned-metadata.js';
import type { PackageRequest } from './request.js';
import type { Intake } from '../templates/template-intake.js';

/**
 * Packages that layers are bound to by `invalidateOn` and that no repository has: misspelt, they would bind the layer to nothing. One that
 * the image does not have is as it should be, as it may come in later.
 *
 * @returns nothing, too, where the cache does not have the indexes of the lock: none is fetched for this.
 */
export async function unknownLayerPackages(
  { spec, provider }: Pick<Intake, 'spec' | 'provider'>,
  { repositories }: Pick<PackageRequest, 'repositories'>,
  lock: Lock,
  context: Context,
): Promise<readonly ProblemReport[]> {
  const inImage = new Set(lock.packages.map(({ name }) => name));
  const named = spec.layers.flatMap(({ name: layer, invalidateOn }, index) =>
    invalidateOn.packages.map((name, at) => ({ layer, name, path: formatPath(['layers', index, 'invalidateOn', 'packages', at]) })),
  );
  const absent = named.filter(({ name }) => !inImage.has(name));
  const snapshots = lockedSnapshots(repositories, lock.repositories);
  if (absent.length === 0 || snapshots === undefined) return [];
  let names: ReadonlySet<string>;
  try {
    names = new Set((await answerNames({ provider: provider.part, snapshots, lock }, { context: withoutFetch(context) })).all);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isIctError(error)) throw error;
    return [];
  }
  return absent
    .filter(({ name }) => !names.has(name))
    .map(({ layer, name, path }) => ({
      code: 'ICT_LAYER_PACKAGE_UNKNOWN',
      message: `layer "${layer}" is bound to package "${name}", which no repository has: nothing that happens to it makes the layer anew`,
      hint: askIfMeant(nearestNames(name, names)) ?? 'Write the name alone, without version, architecture or pattern.',
      position: spec.positions.get(path),
      severity: 'warning',
    }));
}

function withoutFetch(context: Context): Context {
  const fetch = async (): Promise<never> => {
    throw coreError('ICT_METADATA_NOT_CACHED', { message: 'the cache does not have an index of the lock' });
  };
  return { ...context, fetch: { fetch } };
}
