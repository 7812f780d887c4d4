import type { DistributionDefinition } from '@ict/plugin-api';
import { nearest } from '../problems/nearest.js';
import { insteadOf } from './instead-of-image-type.js';
import type { Template } from '../schema/template.js';

/** Image types that any template may name, whether a format makes them or not yet. */
export const commonImageTypes: readonly string[] = ['raw', 'img', 'iso', 'wsl2'];

/** What is at hand for a target to name. */
export interface KnownTargets {
  /** `{os}/{dist}` of every distribution that is known: for what was meant. */
  readonly targets?: readonly string[];
  /** Image types that formats make, beside {@link commonImageTypes}. Absent: any will do. */
  readonly imageTypes?: readonly string[];
}

/** Something that a target names and that is not there. */
export interface TargetFault {
  readonly key: 'dist' | 'arch' | 'imageType';
  readonly message: string;
  readonly hint: string;
}

/** What to name in place of a distribution that is not known: another release may be as near as the one that was meant, so all are told. */
function insteadOfDistribution(os: string, dist: string, targets: readonly string[]): string {
  const releases = targets.filter((one) => one.startsWith(`${os}/`)).map((one) => one.slice(os.length + 1));
  const elsewhere = targets.find((one) => one.endsWith(`/${dist}`));
  if (releases.length > 1 && elsewhere === undefined) {
    return `Known of "${os}": ${releases.join(', ')}. Another needs a plugin, or its definition under "distros" in the configuration.`;
  }
  const near = (elsewhere ?? nearest(`${os}/${dist}`, targets))?.split('/');
  if (near !== undefined) return `Did you mean os: ${near[0]}, dist: ${near[1]}?`;
  return 'Install the plugin that brings it, or name its definition under "distros" in the configuration.';
}

/** What a target names in vain: a definition must exist, for this architecture, and so must the image type. What it does not name is no fault. */
export function targetFaults(
  { os, dist, arch, imageType }: Partial<Template['target']>,
  distribution: DistributionDefinition | undefined,
  { targets = [], imageTypes }: KnownTargets,
): readonly TargetFault[] {
  const faults: TargetFault[] = [];
  if (os && dist && distribution === undefined) {
    const hint = insteadOfDistribution(os, dist, targets);
    faults.push({ key: 'dist', message: `no definition of the distribution "${dist}" of "${os}" is known`, hint });
  } else if (arch && distribution?.architectures.includes(arch) === false) {
    const hint = `It exists for: ${distribution.architectures.join(', ')}.`;
    faults.push({ key: 'arch', message: `${distribution.title} does not exist for "${arch}"`, hint });
  }
  const known = [...new Set([...commonImageTypes, ...(imageTypes ?? [])])];
  if (imageType && imageTypes !== undefined && !known.includes(imageType)) {
    const near = nearest(imageType, known);
    const hint = near === undefined ? insteadOf(imageType, imageTypes) : `Did you mean "${near}"?`;
    faults.push({ key: 'imageType', message: `no image type "${imageType}" is known`, hint });
  }
  return faults;
}
