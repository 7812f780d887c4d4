import type { Context, Problem, Resolution, ResolutionRequest, ResolvedPackage, Resolver, Seed } from '@ict/plugin-api';
import type { tarballError } from './errors.js';
import type { IndexedPackage } from './format.js';
import { readIndex, toRecord } from './metadata.js';

const ORDINARY_PRIORITY = 500;

interface Candidate {
  readonly entry: IndexedPackage;
  readonly repository: string;
  readonly priority: number;
}

/** Packages need each other by name alone, and nothing conflicts: following names is enough. What has more rules uses `@ict/solver`. */
export function createResolver(): Resolver {
  return { version: 1, resolve, compareVersions };
}

async function resolve(request: ResolutionRequest, ctx: Context): Promise<Resolution> {
  const candidates = await readCandidates(request, ctx);
  const chosen = new Map<string, { readonly candidate: Candidate; readonly requestedBy: Set<string> }>();
  const problems: Problem[] = [];

  const choose = (name: string, version: string | undefined, by: string, seed: Seed): void => {
    const known = chosen.get(name);
    if (known !== undefined && (version === undefined || known.candidate.entry.version === version)) {
      known.requestedBy.add(by);
      return;
    }
    const candidate = candidates.find(({ entry }) => entry.name === name && (version ?? entry.version) === entry.version);
    if (candidate === undefined || known !== undefined) {
      problems.push(unavailable(seed, name));
      return;
    }
    chosen.set(name, { candidate, requestedBy: new Set([by]) });
    for (const other of candidate.entry.requires) choose(other, undefined, idOf(candidate.entry), seed);
  };

  for (const seed of sortedSeeds(request)) {
    const [name, version] = seed.request.split('=') as [string, string?];
    choose(name, version, seed.reason, seed);
  }
  if (problems.length > 0) return { kind: 'unsolvable', problems };
  const answers = new Map(sortedSeeds(request).map((seed) => [seed.request, [idOf(chosen.get(nameOf(seed))!.candidate.entry)]]));
  const idByName = new Map([...chosen].map(([name, { candidate }]) => [name, idOf(candidate.entry)]));
  const packages = [...chosen.values()].map(({ candidate: { entry, repository }, requestedBy }): ResolvedPackage => {
    return {
      ...toRecord(entry, repository),
      id: idOf(entry),
      requires: [...new Set(entry.requires.map((name) => idByName.get(name) as string))].sort(),
      requestedBy: [...requestedBy].sort(),
      ...(entry.summary === undefined ? {} : { summary: entry.summary }),
    };
  });
  return {
    kind: 'resolved',
    closure: { packages: packages.sort((a, b) => compareText(a.id, b.id)), answers: Object.fromEntries(answers) },
    warnings: [],
  };
}

function nameOf({ request }: Seed): string {
  return request.split('=')[0]!;
}

/** Requests with a version first, then by name: the answer must not depend on the order of the seeds. */
function sortedSeeds({ seeds, essential, distribution }: ResolutionRequest): readonly Seed[] {
  const base = essential ? distribution.essential.packages.map((request) => ({ request, reason: 'essential' })) : [];
  const rank = ({ request, reason }: Seed): string => `${request.includes('=') ? 0 : 1} ${request} ${reason}`;
  return [...base, ...seeds].sort((a, b) => compareText(rank(a), rank(b)));
}

/** What the repositories offer for this machine, best first. */
async function readCandidates({ snapshots, arch }: ResolutionRequest, ctx: Context): Promise<readonly Candidate[]> {
  const all: Candidate[] = [];
  for (const snapshot of snapshots) {
    const { id, priority = ORDINARY_PRIORITY, allowPackages = [] } = snapshot.repository;
    for (const entry of await readIndex(snapshot, ctx)) {
      const allowed = allowPackages.length === 0 || allowPackages.some((pattern) => matches(pattern, entry.name));
      if (allowed && [arch, 'any'].includes(entry.arch)) all.push({ entry, repository: id, priority });
    }
  }
  return all.sort((a, b) => b.priority - a.priority || compareVersions(b.entry.version, a.entry.version));
}

function matches(pattern: string, name: string): boolean {
  return new RegExp(`^${pattern.replace(/[.+]/g, '\\$&').replaceAll('*', '.*')}$`).test(name);
}

function unavailable(seed: Seed, name: string): Problem {
  const own = nameOf(seed) === name;
  return {
    code: 'TARBALLS_UNKNOWN' satisfies keyof typeof tarballError.codes,
    message: own ? `no repository has the package ${seed.request}` : `no repository has the package ${name}, which ${seed.request} needs`,
    hint: 'Check the name, or add the repository that has it.',
    because: [],
    ...(seed.position === undefined ? {} : { position: seed.position }),
  };
}

function idOf({ name, arch }: IndexedPackage): string {
  return `${name}:${arch}`;
}

/** Numbers between dots count as numbers: 1.10 is newer than 1.9. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
