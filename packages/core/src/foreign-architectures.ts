import type { DistributionDefinition, ImageSpec, ProblemReport, Provider } from '@ict/plugin-api';

const KEY = 'target.foreignArchitectures';

/** What is wrong with the foreign architectures of a template. */
export function checkForeign(
  { target, positions }: Pick<ImageSpec, 'target' | 'positions'>,
  { title }: Pick<DistributionDefinition, 'title'>,
  provider: Pick<Provider, 'refuseForeign'>,
): readonly ProblemReport[] {
  const names = target.foreignArchitectures ?? [];
  return names.flatMap((name, index): readonly ProblemReport[] => {
    const refusal =
      provider.refuseForeign === undefined
        ? `${title} installs packages of one architecture only`
        : names.indexOf(name) < index
          ? `${name} is named twice`
          : provider.refuseForeign(name, target.arch);
    if (refusal === undefined) return [];
    const position = positions.get(`${KEY}[${index}]`);
    return [
      {
        code: 'ICT_TEMPLATE_TARGET_UNKNOWN',
        message: `${KEY}: ${refusal}`,
        hint: 'Correct the name, or leave it out.',
        severity: 'error',
        ...(position === undefined ? {} : { position }),
      },
    ];
  });
}

/** A distribution whose repositories are also read for the foreign architectures of a target. */
export function withForeign(distribution: DistributionDefinition, { foreignArchitectures }: ImageSpec['target']): DistributionDefinition {
  if (foreignArchitectures === undefined) return distribution;
  return { ...distribution, repositories: distribution.repositories.map((one) => ({ ...one, foreignArchitectures })) };
}
