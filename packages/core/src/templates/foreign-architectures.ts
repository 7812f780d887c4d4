import type { Architecture, DistributionDefinition, ImageSpec, ProblemReport, Provider } from '@ict/plugin-api';
import { coreError } from '../errors.js';

const KEY = 'target.foreignArchitectures';
const HINT = 'Correct the name, or leave it out.';

/** What is wrong with the foreign architectures of a template. */
export function checkForeign(
  { target, positions }: Pick<ImageSpec, 'target' | 'positions'>,
  distribution: Pick<DistributionDefinition, 'title'>,
  provider: Pick<Provider, 'refuseForeign'>,
): readonly ProblemReport[] {
  return refusals(target.foreignArchitectures ?? [], target.arch, distribution, provider).map(({ index, refusal }) => {
    const position = positions.get(`${KEY}[${index}]`);
    return {
      code: 'ICT_TEMPLATE_TARGET_UNKNOWN',
      message: `${KEY}: ${refusal}`,
      hint: HINT,
      severity: 'error',
      ...(position === undefined ? {} : { position }),
    };
  });
}

/** @throws `ICT_ARCHITECTURE_REFUSED` for foreign architectures that a target cannot have. */
export function requireForeign(
  names: readonly string[],
  arch: Architecture,
  distribution: Pick<DistributionDefinition, 'title'>,
  provider: Pick<Provider, 'refuseForeign'>,
): void {
  const [first] = refusals(names, arch, distribution, provider);
  if (first === undefined) return;
  const { index, refusal } = first;
  throw coreError('ICT_ARCHITECTURE_REFUSED', {
    message: `foreign architectures: ${refusal}`,
    hint: HINT,
    facts: { architecture: names[index] },
  });
}

/** Why a target cannot have some of these architectures beside its own, by their place in the list. */
function refusals(
  names: readonly string[],
  arch: Architecture,
  { title }: Pick<DistributionDefinition, 'title'>,
  provider: Pick<Provider, 'refuseForeign'>,
): readonly { readonly index: number; readonly refusal: string }[] {
  return names.flatMap((name, index) => {
    const refusal =
      provider.refuseForeign === undefined
        ? `${title} installs packages of one architecture only`
        : names.indexOf(name) < index
          ? `${name} is named twice`
          : provider.refuseForeign(name, arch);
    return refusal === undefined ? [] : [{ index, refusal }];
  });
}

/** A distribution whose repositories are also read for the foreign architectures of a target. */
export function withForeign(
  distribution: DistributionDefinition,
  { foreignArchitectures }: Pick<ImageSpec['target'], 'foreignArchitectures'>,
): DistributionDefinition {
  if (foreignArchitectures === undefined) return distribution;
  return { ...distribution, repositories: distribution.repositories.map((one) => ({ ...one, foreignArchitectures })) };
}
