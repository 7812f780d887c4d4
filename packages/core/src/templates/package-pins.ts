import { askIfMeant, nearestNames, suiteNames } from '@ict/package-index';
import {
  UNSUPPORTED_YET,
  type DistributionDefinition,
  type ImageSpec,
  type ProblemReport,
  type Provider,
  type Snapshot,
} from '@ict/plugin-api';

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

/** Warns of pins that name a release or an origin which no repository has: they give nothing a priority. */
export function unmatchedPins(
  { pins = [], positions }: Pick<ImageSpec, 'pins' | 'positions'>,
  snapshots: readonly Pick<Snapshot, 'repository' | 'root'>[],
): readonly ProblemReport[] {
  const known = {
    release: [...new Set(snapshots.flatMap(suiteNames))],
    origin: [...new Set(snapshots.flatMap(({ root }) => root.origin ?? []))],
  };
  return [...pins.entries()].flatMap(([number, pin]) =>
    (['release', 'origin'] as const).flatMap((key): readonly ProblemReport[] => {
      const wanted = pin[key];
      if (wanted === undefined || known[key].includes(wanted)) return [];
      const position = positions.get(`packagePins[${number}].${key}`);
      return [
        {
          code: 'ICT_PIN_UNMATCHED',
          message: `no repository has the ${key} "${wanted}" of a pin, which so has no effect`,
          hint:
            askIfMeant(nearestNames(wanted, known[key])) ??
            `There is ${known[key].join(', ') || 'none that says so'}; add the repository, or take the pin out.`,
          severity: 'warning',
          ...(position === undefined ? {} : { position }),
        },
      ];
    }),
  );
}

/** A distribution whose repositories carry the pins of a template. */
export function withPins(distribution: DistributionDefinition, { pins }: Pick<ImageSpec, 'pins'>): DistributionDefinition {
  if (pins === undefined) return distribution;
  return { ...distribution, repositories: distribution.repositories.map((one) => ({ ...one, pins })) };
}
