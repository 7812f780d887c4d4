import type { ProblemReport } from '@ict/plugin-api';
import { isCryptHash } from '../sections/crypt.js';
import { insteadOf } from '../targets/instead-of-image-type.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import { orderProblems } from './problem.js';
import { isFetchable, TRUSTED, URL_PLACEHOLDER } from '../sections/repository.js';
import { reporter } from './report.js';
import { commonImageTypes } from '../targets/target.js';
import { isPlaceholder, isShaCrypt } from '../sections/user.js';

/** What the engine at hand can do. */
export interface Abilities {
  /** Image types that some format makes. Absent: `raw`. */
  readonly imageTypes?: readonly string[];
}

/**
 * Lists, at its place, each key whose value the engine cannot honour yet; what an image format cannot make, it says itself. A build refuses such a template before anything is
 * downloaded; validation shows the list. Values that ask for nothing (`enabled: false`, empty lists) are never listed.
 */
export function unsupported(merged: MergedTemplate, abilities: Abilities = {}): ProblemReport[] {
  const { report, problems } = reporter(merged, 'error');
  const { template } = merged;
  const system = template.systemConfig ?? {};
  const { imageTypes = ['raw'] } = abilities;
  const refuse = (path: Path, what: string, hint?: string): void =>
    report('ICT_UNSUPPORTED_YET', path, `${what} is not supported yet`, hint);
  const { imageType } = template.target;
  // One that nobody knows is a mistake of the template.
  if (commonImageTypes.includes(imageType) && !imageTypes.includes(imageType))
    refuse(['target', 'imageType'], `the image type "${imageType}"`, insteadOf(imageType, imageTypes));
  for (const [index, partition] of (template.disk?.partitions ?? []).entries()) {
    if (partition.index !== undefined && partition.index !== index + 1) {
      refuse(
        ['disk', 'partitions', index, 'index'],
        `partition number ${partition.index} at place ${index + 1}`,
        'List the partitions in the order of their numbers.',
      );
    }
  }
  const at = (...rest: Path): Path => ['systemConfig', ...rest];
  if (system.immutability?.enabled === true)
    refuse(at('immutability', 'enabled'), 'immutability', 'Set systemConfig.immutability.enabled: false');
  if (system.fde?.enabled === true) refuse(at('fde', 'enabled'), 'disk encryption (fde)');
  if (system.initramfs?.template) refuse(at('initramfs', 'template'), 'an initrd from a template');
  for (const [index, user] of (system.users ?? []).entries()) {
    const { password = '', hash_algo: algorithm = '' } = user;
    if (algorithm !== '' && !isShaCrypt(algorithm) && password !== '' && !isCryptHash(password) && !isPlaceholder(password))
      refuse(
        at('users', index, 'hash_algo'),
        `hashing a plain password with ${algorithm}`,
        'Use sha512, or give a hash that begins with "$".',
      );
    if (user.startupScript) refuse(at('users', index, 'startupScript'), 'startupScript', 'Give the program as "shell".');
  }
  for (const [index, repository] of (template.packageRepositories ?? []).entries()) {
    const path: Path = ['packageRepositories', index];
    if (repository.path !== undefined) {
      refuse([...path, 'path'], 'a repository in a local path', 'Give its address instead: "url: file:///srv/repository".');
    }
    if ((repository.packages ?? []).length > 0) refuse([...path, 'packages'], 'a repository made of single packages');
    if (repository.insecureSkipVerify === true) refuse([...path, 'insecureSkipVerify'], 'fetching without certificate checks');
    for (const [key, place] of [
      [repository.pkey, [...path, 'pkey']] as const,
      ...(repository.pkeys ?? []).map((one, number) => [one, [...path, 'pkeys', number]] as const),
    ]) {
      if (key === undefined || !isFetchable(key) || repository.url === URL_PLACEHOLDER) continue;
      refuse(place, 'fetching the key of a repository', 'Fetch it, check its fingerprint, and give the path of the file.');
    }
    if (repository.pkey === TRUSTED || repository.pkeys?.includes(TRUSTED) === true) {
      refuse([...path, repository.pkey === TRUSTED ? 'pkey' : 'pkeys'], 'a repository without signatures');
    }
  }
  if (template.baseline?.mode === 'overlay' || template.baseline?.source !== undefined)
    refuse(['baseline'], 'building on another image (baseline)');
  if (Object.keys(template.overlayPolicy ?? {}).length > 0) refuse(['overlayPolicy'], 'overlayPolicy');
  return orderProblems(problems);
}
