import type { ProblemReport } from '@ict/plugin-api';
import { isCryptHash } from '../sections/crypt.js';
import { insteadOf } from '../targets/instead-of-image-type.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import { orderProblems } from './problem.js';
import { TRUSTED } from '../sections/repository.js';
import { reporter } from './report.js';
import { commonImageTypes } from '../targets/target.js';
import { isPlaceholder, isShaCrypt } from '../sections/user.js';

/** What the engine at hand can do. */
export interface Abilities {
  /** Image types that some format makes. Absent: `raw`. */
  readonly imageTypes?: readonly string[];
}

const UNSIGNED = 'a repository without signatures is not used: nobody could tell its packages from those that somebody else put there';
const SIGNATURES =
  'Give the key that signs it. Where nobody does, sign a copy of your own: "gpg --clearsign --output InRelease Release" for deb, "gpg --detach-sign --armor repodata/repomd.xml" for rpm.';
const NO_CERTIFICATE = 'fetching without a check of the certificate is not supported';
const CERTIFICATES =
  'Remove it, and name the authority of the certificate in NODE_EXTRA_CA_CERTS; or take an http address, as signatures say what is right.';

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
  if (system.immutability?.enabled === true && imageType !== 'raw')
    refuse(at('immutability', 'enabled'), `immutability of image type "${imageType}"`, 'Set systemConfig.immutability.enabled: false');
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
    if ((repository.packages ?? []).length > 0) {
      refuse(
        [...path, 'packages'],
        'a repository made of single packages',
        'Put the packages into a directory with a signed index, and give that as "path".',
      );
    }
    if (repository.insecureSkipVerify === true)
      report('ICT_UNSUPPORTED_YET', [...path, 'insecureSkipVerify'], NO_CERTIFICATE, CERTIFICATES);
    if (repository.pkey === TRUSTED || repository.pkeys?.includes(TRUSTED) === true) {
      report('ICT_UNSUPPORTED_YET', [...path, repository.pkey === TRUSTED ? 'pkey' : 'pkeys'], UNSIGNED, SIGNATURES);
    }
  }
  if (template.baseline?.mode === 'overlay' || template.baseline?.source !== undefined)
    refuse(['baseline'], 'building on another image (baseline)');
  if (Object.keys(template.overlayPolicy ?? {}).length > 0) refuse(['overlayPolicy'], 'overlayPolicy');
  return orderProblems(problems);
}
