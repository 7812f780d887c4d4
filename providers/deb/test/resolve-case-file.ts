import type { Problem, Resolution, Seed } from '@ict/plugin-api';
import type { PackageRequest } from '../src/resolve/resolve.js';
import { parseIndex, resolveChecked } from './checked-resolution.js';

/** A package in a case: fields as in an index, without what every package has. */
export interface CasePackage {
  readonly name: string;
  readonly version: string;
  readonly arch?: string;
  readonly fields?: readonly string[];
}

export interface CaseRepository {
  readonly id: string;
  readonly priority?: number;
  readonly suite?: string;
  readonly allow?: readonly string[];
  readonly packages: readonly CasePackage[];
}

export interface ResolveCase {
  readonly title: string;
  readonly request: PackageRequest;
  readonly expected: readonly string[];
}

/** The text of an index. */
export function indexText(packages: readonly CasePackage[]): string {
  return packages
    .map(({ name, version, arch = 'amd64', fields = [] }) =>
      [
        `Package: ${name}`,
        `Version: ${version}`,
        `Architecture: ${arch}`,
        ...fields,
        `Filename: pool/${name}_${arch}.deb`,
        'Size: 1',
        `SHA256: ${'0'.repeat(64)}`,
        '',
        '',
      ].join('\n'),
    )
    .join('');
}

/** Repositories as the resolver takes them. */
export function toRepositories(repositories: readonly CaseRepository[]): PackageRequest['repositories'] {
  return repositories.map(({ id, priority = 500, suite = id, allow = [], packages }) => ({
    id,
    priority,
    suites: [suite, id],
    allow,
    index: parseIndex(indexText(packages)),
  }));
}

/** Reads the cases of one file; `fixtures/solver/README.md` describes the form. */
export function parseResolveCases(text: string): ResolveCase[] {
  return text.split(/^== /m).slice(1).map(parseCase);
}

function parseCase(text: string): ResolveCase {
  const [title = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const repositories: (CaseRepository & { packages: CasePackage[] })[] = [];
  const seeds: Seed[] = [];
  const expected: string[] = [];
  let recommends = true;
  let essential: PackageRequest['essential'];
  let foreign: readonly string[] = [];
  let fields: string[] = [];
  lines.forEach((line, at) => {
    const [, key = '', rest = ''] = /^(\S+):\s*(.*)$/.exec(line) ?? [];
    if (line.startsWith('@')) {
      const [id = '', priority = '500', suite = id, allow = ''] = line.slice(1).trim().split(/\s+/);
      repositories.push({ id, priority: Number(priority), suite, allow: words(allow), packages: [] });
    } else if (line.startsWith(' ')) {
      fields.push(line.trim());
    } else if (key === 'ask') {
      for (const request of rest.split(/\s+/))
        seeds.push({ request, reason: 'template', position: { file: 'image.yml', line: at + 1, column: 1 } });
    } else if (key === 'options') {
      for (const option of rest.split(/\s+/)) {
        if (option === 'no-recommends') recommends = false;
        else if (option.startsWith('foreign=')) foreign = words(option.slice('foreign='.length));
        else if (option.startsWith('essential=')) {
          const [priorities = '', packages = ''] = option.slice('essential='.length).split('/');
          essential = { priorities: words(priorities), packages: words(packages) };
        } else throw new Error(`unknown option ${option}`);
      }
    } else if (key !== '') {
      expected.push(line.trim());
    } else {
      if (repositories.length === 0) repositories.push({ id: 'main', packages: [] });
      const [name = '', version = '', arch] = line.trim().split(/\s+/);
      fields = [];
      repositories.at(-1)!.packages.push({ name, version, fields, ...(arch === undefined ? {} : { arch }) });
    }
  });
  const request = {
    repositories: toRepositories(repositories),
    arch: 'amd64',
    foreign,
    seeds,
    recommends,
    ...(essential === undefined ? {} : { essential }),
  };
  return { title, request, expected };
}

function words(text: string): string[] {
  return text.split(',').filter((word) => word !== '');
}

/** The resolution in the words of a case file, of which only what the case mentions. */
export function describeResolution({ request, expected }: ResolveCase): string[] {
  const resolution = resolveChecked(request);
  const all = resolution.kind === 'resolved' ? describeClosure(resolution) : describeProblems('problem', resolution.problems);
  const mentioned = new Set(expected.map((line) => line.slice(0, line.indexOf(':'))));
  const always = new Set(['take', 'problem', 'warn']);
  return all.filter((line) => {
    const key = line.slice(0, line.indexOf(':'));
    return mentioned.has(key) || always.has(key);
  });
}

function describeClosure({ closure, warnings }: Resolution & { kind: 'resolved' }): string[] {
  const several = new Set(closure.packages.map(({ repository }) => repository)).size > 1;
  return [
    `take: ${closure.packages.map(({ name, version, arch, repository }) => `${name}${foreignTo(arch)}=${version}${several ? `@${repository}` : ''}`).join(' ')}`,
    ...closure.packages.map(({ name, requires }) => `needs-${name}: ${requires.join(' ')}`.trim()),
    ...closure.packages.map(({ name, requestedBy }) => `why-${name}: ${requestedBy.join(' ')}`.trim()),
    ...describeProblems('warn', warnings),
  ];
}

/** What tells a package of another architecture from one of ours. */
function foreignTo(arch: string): string {
  return arch === 'amd64' || arch === 'all' ? '' : `:${arch}`;
}

function describeProblems(word: string, problems: readonly Problem[]): string[] {
  return problems.flatMap(({ code, message, hint, position, because }) => [
    `${word}: ${code}${position === undefined ? '' : ` line ${position.line}`}`,
    `message: ${message}`,
    ...because.map((line) => `because: ${line}`),
    `hint: ${hint ?? ''}`,
  ]);
}
