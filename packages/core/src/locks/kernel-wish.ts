import type { Context, ImageSpec, ProblemReport, Provider, ResolvedPackage, Seed, Snapshot } from '@ict/plugin-api';
import { readEach } from '../repositories/pinned-metadata.js';

/** Path of the wish for a kernel version in a template. */
export const KERNEL_VERSION = 'systemConfig.kernel.version';

/** Seeds as the wish has them. */
export interface KernelWish {
  readonly seeds: readonly Seed[];
  /** What did not come as it was wished. @param packages what the seeds were resolved to. */
  warnings(packages: readonly ResolvedPackage[]): readonly ProblemReport[];
}

/**
 * `kernel.version` is a wish. When kernel packages of that version are to be had, their seeds ask for the highest of these; if not, a
 * warning names the version that was taken in its place, and what else there is. A kernel that the template itself writes as `name=version`
 * keeps its version, with a warning when the wish is for another.
 */
export async function kernelWish(
  seeds: readonly Seed[],
  spec: ImageSpec,
  snapshots: readonly Snapshot[],
  provider: Provider,
  ctx: Context,
): Promise<KernelWish> {
  const wish = spec.system.kernel.version;
  if (wish === undefined) return { seeds, warnings: () => [] };
  const offered = await versionsOf(
    seeds.filter(isFree).map(({ request }) => request),
    snapshots,
    provider,
    ctx,
  );
  const unmet: ((packages: readonly ResolvedPackage[]) => ProblemReport)[] = [];
  const warning = (seed: Seed, message: string, hint: string): ProblemReport => {
    const position = spec.positions.get(KERNEL_VERSION) ?? seed.position;
    return { code: 'ICT_KERNEL_VERSION', message, hint, position, severity: 'warning' };
  };
  const wished = seeds.map((seed) => {
    const [name, written] = seed.request.split('=');
    if (seed.reason !== 'kernel') return seed;
    if (written !== undefined && !fits(written, wish)) {
      const message = `kernel ${wish} is not taken: ${name} is asked for as ${written}`;
      unmet.push(() => warning(seed, message, `Write the version in one place: as ${KERNEL_VERSION}, or after the name.`));
    }
    const versions = offered.get(seed.request) ?? [];
    if (versions.length === 0) return seed;
    const match = versions.find((version) => fits(version, wish));
    if (match !== undefined) return { ...seed, request: `${seed.request}=${match}` };
    const hint = `Write the version that you want in ${KERNEL_VERSION}, or leave it out.`;
    unmet.push((packages) => warning(seed, `kernel ${wish} is not to be had: ${instead(name, versions, packages)}`, hint));
    return seed;
  });
  return { seeds: wished, warnings: (packages) => unmet.map((tell) => tell(packages)) };
}

/** What was taken of a kernel package, and which other versions there are. */
function instead(name: string, offered: readonly string[], packages: readonly ResolvedPackage[]): string {
  const taken = packages.find((pkg) => pkg.name === name)?.version;
  if (taken === undefined) return `${name} is offered as ${offered.join(', ')}`;
  const others = offered.filter((version) => version !== taken);
  return `${name} ${taken} is taken${others.length === 0 ? '' : `; there is also ${others.join(', ')}`}`;
}

/** True for a kernel whose version the template leaves open. */
function isFree({ reason, request }: Seed): boolean {
  return reason === 'kernel' && !/[=/]/.test(request);
}

/** Versions of packages, the highest first where the ecosystem has an order. */
async function versionsOf(
  names: readonly string[],
  snapshots: readonly Snapshot[],
  { metadata, resolver }: Provider,
  ctx: Context,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map(names.map((name) => [name, new Set<string>()]));
  await readEach(snapshots, async (snapshot) => {
    for await (const { name, version } of metadata.packages(snapshot, ctx)) found.get(name)?.add(version);
  });
  return new Map([...found].map(([name, versions]) => [name, [...versions].sort((a, b) => resolver.compareVersions?.(b, a) ?? 0)]));
}

/** True when a version is the one wished for, or begins with it: `6.12` fits 6.12.41-1, and not 6.120. */
function fits(version: string, wish: string): boolean {
  return version === wish || (version.startsWith(wish) && !/[0-9]/.test(version[wish.length] as string));
}
