import { UNSUPPORTED_YET, type DistributionDefinition, type ImageSpec, type ProblemReport, type Provider } from '@ict/plugin-api';

/** Says so when packages of a distribution cannot be pinned and a template does. */
export function checkPins(
  { pins, positions }: Pick<ImageSpec, 'pins' | 'positions'>,
  { title }: Pick<DistributionDefinition, 'title'>,
  { resolver }: { readonly resolver: Pick<Provider['resolver'], 'takesPins'> },
): readonly ProblemReport[] {
  if (pins === undefined || resolver.takesPins === true) return [];
  const position = positions.get('packagePins');
  return [
    {
      code: UNSUPPORTED_YET,
      message: `packagePins are not supported yet for packages of ${title}`,
      hint: 'Give a repository a priority, or name what is taken from it under allowPackages.',
      severity: 'error',
      ...(position === undefined ? {} : { position }),
    },
  ];
}

/** A distribution whose repositories carry the pins of a template. */
export function withPins(distribution: DistributionDefinition, { pins }: Pick<ImageSpec, 'pins'>): DistributionDefinition {
  if (pins === undefined) return distribution;
  return { ...distribution, repositories: distribution.repositories.map((one) => ({ ...one, pins })) };
}
