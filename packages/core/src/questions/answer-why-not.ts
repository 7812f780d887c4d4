import type { Problem, ResolutionRequest, ResolvedPackage } from '@ict/plugin-api';
import type { WhyNot } from './answers.js';
import type { SettledLock } from '../locks/lock-settling.js';
import { namesOf, seedName } from '../locks/request-spelling.js';
import { readPinned, type PinnedMetadata } from '../repositories/pinned-metadata.js';
import type { Loaded } from '../plugins/plugin-host.js';
import type { Intake } from '../templates/template-intake.js';

/**
 * Answers what keeps a package out of the image, by asking the provider's own resolver: for the package alone, then together with
 * everything that the template asks for, keeping what the lock has.
 *
 * @param wanted `name`, `name=version` or `name/suite`, as in a template; the name also with an architecture.
 * @param pin the repositories as the lock pins them.
 * @throws `ICT_METADATA_GONE`, and what repositories report.
 */
export async function answerWhyNot(
  wanted: string,
  { lock, request }: SettledLock,
  {
    spec,
    distribution,
    provider,
  }: Pick<Intake, 'spec' | 'distribution'> & { readonly provider: Pick<Loaded<Intake['provider']['part']>, 'part'> },
  pin: () => Promise<PinnedMetadata>,
): Promise<WhyNot> {
  const name = seedName(wanted);
  const version = wanted.startsWith(`${name}=`) ? wanted.slice(name.length + 1) : undefined;
  const named = lock.packages.filter((pkg) => namesOf(pkg).includes(name));
  const chosen = named.find((pkg) => pkg.version === version) ?? named[0];
  const answer = { schemaVersion: 1 as const, target: lock.target, asked: wanted };
  const present = chosen === undefined ? {} : { chosen: partsOf(chosen) };
  const none = { ...answer, ...present, problems: [], brings: [] };
  if (chosen !== undefined && (wanted === name || chosen.version === version)) return { ...none, verdict: 'present' };
  return readPinned(await pin(), async (snapshots, context) => {
    const base = { arch: spec.target.arch, distribution, snapshots };
    const seed = { request: wanted, reason: 'why-not' };
    const resolve = (ask: Omit<ResolutionRequest, keyof typeof base>) => provider.part.resolver.resolve({ ...base, ...ask }, context);
    const alone = await resolve({ seeds: [seed], essential: false, recommends: false });
    if (alone.kind === 'unsolvable') return { ...none, verdict: 'unavailable', problems: alone.problems.map(explained) };
    const favour = lock.packages.map(({ name: kept, version: locked }) => ({ name: kept, version: locked }));
    const together = await resolve({ seeds: [...request.image, seed], essential: true, recommends: request.recommends, favour });
    if (together.kind === 'unsolvable') return { ...none, verdict: 'excluded', problems: together.problems.map(explained) };
    const { brings, drops } = changesOf(lock.packages, together.closure.packages);
    // Nothing would come: a package of the image goes by that name, or provides it.
    const there = brings.length > 0 ? undefined : together.closure.packages.find(({ requestedBy }) => requestedBy.includes(seed.reason));
    if (there !== undefined) return { ...none, verdict: 'present', chosen: partsOf(there) };
    // What the image has of the name may stay beside it.
    const stays = chosen !== undefined && together.closure.packages.some((pkg) => versionOf(pkg) === versionOf(chosen));
    return {
      ...none,
      verdict: chosen === undefined || stays ? 'not-needed' : 'not-preferred',
      brings,
      ...(drops.length === 0 ? {} : { drops }),
    };
  });
}

/** What would come, with the version whose place it takes, and what would go without another version in its place. */
function changesOf(before: readonly ResolvedPackage[], after: readonly ResolvedPackage[]): Required<Pick<WhyNot, 'brings' | 'drops'>> {
  const [kept, had] = [new Set(after.map(versionOf)), new Set(before.map(versionOf))];
  const come = after.filter((pkg) => !had.has(versionOf(pkg)));
  const gone = before.filter((pkg) => !kept.has(versionOf(pkg)));
  const isSame = (a: ResolvedPackage, b: ResolvedPackage): boolean => a.name === b.name && a.arch === b.arch;
  const brings = come.map((pkg) => {
    const { id, version, sizeBytes } = pkg;
    const replaced = gone.find((one) => isSame(one, pkg))?.version;
    return { id, version, sizeBytes, ...(replaced === undefined ? {} : { before: replaced }) };
  });
  const drops = gone.filter((one) => !come.some((pkg) => isSame(one, pkg))).map(({ id, version }) => ({ id, version }));
  return { brings, drops };
}

function versionOf({ name, version, arch }: ResolvedPackage): string {
  return `${name}:${arch}=${version}`;
}

function partsOf({ id, version, repository }: ResolvedPackage): NonNullable<WhyNot['chosen']> {
  return { id, version, repository };
}

function explained({ code, message, hint, position, because }: Problem): WhyNot['problems'][number] {
  return { code, message, because, ...(hint === undefined ? {} : { hint }), ...(position === undefined ? {} : { position }) };
}
