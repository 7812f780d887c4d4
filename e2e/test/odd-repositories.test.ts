import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Plan, SearchDocument, WhyNot } from '@ict/core';
import { lockFaults, PackageWorld, worldPackage, type IctResult, type WorldEcosystem } from '../src/index.js';

/** What stands for a relation that cannot be read, until the index is edited. */
const MARK = 'unreadable';

const PACKAGES = [
  worldPackage('sound', '1', { Depends: 'twin, ring-a' }),
  worldPackage('twin', '2'),
  worldPackage('ring-a', '1', { 'Pre-Depends': 'ring-b' }),
  worldPackage('ring-b', '1', { 'Pre-Depends': 'ring-a' }),
  worldPackage('crooked', '1', { Depends: MARK }),
  worldPackage('wants-crooked', '1', { Depends: 'crooked' }),
  worldPackage('halfway', '1', { Recommends: MARK }),
];

/** Lists a package once more, with another checksum, and makes relations of the mark that cannot be read. */
const EDITS: Readonly<Record<WorldEcosystem, (index: string) => string>> = {
  deb: (index) =>
    index
      .replaceAll(`: ${MARK}\n`, ': twin (= 1\n')
      .replace(/^Package: twin\n(?:.+\n)+/m, (stanza) => `${stanza}\n${stanza.replace(/^SHA256: ..../m, 'SHA256: 0000')}`),
  rpm: (index) =>
    index
      .replaceAll(`name="${MARK}"`, 'name="(twin or"')
      .replace(/<package type="rpm">\n {2}<name>twin<[^]*?<\/package>\n/, (entry) => entry + entry.replace(/YES">..../, 'YES">0000')),
};

describe.each<[WorldEcosystem, string, string]>([
  ['deb', '1', '2'],
  ['rpm', '1-0', '2-0'],
])('a repository of %s packages with odd metadata', (ecosystem, one, two) => {
  const prefix = `ICT_${ecosystem.toUpperCase()}`;
  let world: PackageWorld;
  /** What can be had of it, and what cannot. */
  let locked: IctResult;
  let refused: IctResult;
  beforeAll(async () => {
    world = await PackageWorld.start(inject('run'), `odd-${ecosystem}`, [], ecosystem);
    await world.publish(PACKAGES, 'mini', EDITS[ecosystem]);
    locked = await lock('sound', 'halfway');
    refused = await lock('sond', 'sound', 'nowhere', 'wants-crooked');
  });
  afterAll(() => world.close());

  const lock = async (...packages: string[]): Promise<IctResult> =>
    world.ict(['lock', await world.template(packages, { recommends: true }), '--json']);
  const warnings = ({ events }: IctResult) =>
    events.flatMap((event) => (event.type === 'warning' ? [[event.code, event.message] as const] : []));
  const problems = ({ events }: IctResult) => {
    const failed = events.find((event) => event.type === 'build.failed');
    return failed?.type === 'build.failed' ? failed.error.problems : [];
  };

  it('is used but for a package that is listed a second time, which is named with repository, file and field', async () => {
    expect(locked.status, locked.stderr).toBe(0);
    const [[, message] = []] = warnings(locked).filter(([code]) => code === `${prefix}_INDEX_INVALID`);
    expect(message).toMatch(/^1 (?:stanza|package) of repository "mini" left out:\n/);
    expect(message).toMatch(ecosystem === 'deb' ? /Packages\.xz:\d+: twin, SHA256: / : /primary\.xml\.gz: twin: .* checksum/);
    const plan = await world.document<Plan>(['plan', '--target', 'mini-mini1-x86_64', '--only', 'sound']);
    expect(plan.packages.map(({ name, version }) => `${name} ${version}`)).toEqual([
      `ring-a ${one}`,
      `ring-b ${one}`,
      `sound ${one}`,
      `twin ${two}`,
    ]);
    expect(plan.packages.find(({ name }) => name === 'twin')?.digest).not.toMatch(/^sha256:0000/);
  });

  it('has packages that need each other before they are unpacked: they are taken, and where that is a fault it is told', () => {
    const told = warnings(locked).filter(([code]) => code === 'ICT_DEB_PRE_DEPENDS_CYCLE');
    // rpm orders such packages by rules of its own.
    expect(told.map(([, message]) => message)).toEqual(
      ecosystem === 'deb' ? [expect.stringMatching(/ring-a:all, ring-b:all .*\n.*ring-a 1 of mini: Pre-Depends ring-b\n/)] : [],
    );
  });

  it('has a need that cannot be read: no package that has it is taken, and repository, package and field are told', () => {
    expect(refused.status).toBe(3);
    const field = ecosystem === 'deb' ? 'Depends' : 'Requires';
    expect(problems(refused)).toContainEqual(
      expect.objectContaining({
        code: `${prefix}_UNSATISFIABLE`,
        message: expect.stringMatching(new RegExp(`crooked ${one} of mini cannot be used: its ${field} .*is not valid`)) as unknown,
      }),
    );
  });

  it('has a wish that cannot be read: it is not followed, and repository, package and field are told', () => {
    const told = warnings(locked).filter(([code]) => code === `${prefix}_RELATION_INVALID`);
    expect(told).toHaveLength(1);
    for (const word of ['"mini"', `halfway ${one}`, 'Recommends', 'not valid']) expect(told[0]![1]).toContain(word);
  });

  it('is told of the same where a plan has no template', async () => {
    const { stderr } = await world.ict(['plan', '--target', 'mini-mini1-x86_64', '--only', 'sound', 'halfway', '--recommends']);
    expect(stderr).toContain(`${prefix}_RELATION_INVALID`);
    expect(stderr.includes('ICT_DEB_PRE_DEPENDS_CYCLE')).toBe(ecosystem === 'deb');
  });

  it('is asked for names that it does not have: all are told, each at its line', () => {
    expect(
      problems(refused).flatMap(({ code, message, hint = '' }) => (code === `${prefix}_UNKNOWN_PACKAGE` ? [`${message}; ${hint}`] : [])),
    ).toEqual([expect.stringMatching(/"sond"; Did you mean "sound"\?$/), expect.stringMatching(/"nowhere"; /)]);
    const lines = problems(refused).flatMap(({ position }) => (position === undefined ? [] : [position.line]));
    expect(new Set(lines).size).toBe(3);
  });

  it('answers questions about the rest', async () => {
    const template = await world.template(['sound']);
    const { packages } = await world.document<SearchDocument>(['search', template, 'generated']);
    expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining(PACKAGES.map(({ name }) => name)));
    const whyNot = await world.document<WhyNot>(['why-not', template, 'wants-crooked']);
    expect([whyNot.verdict, whyNot.problems[0]?.message]).toEqual(['unavailable', expect.stringContaining('crooked')]);
  });
});

describe('packages of several versions and architectures in a repository of rpm packages', () => {
  let world: PackageWorld;
  let template: string;
  beforeAll(async () => {
    world = await PackageWorld.start(inject('run'), 'rpm-questions', [], 'rpm');
    await world.publish([worldPackage('app', '1', { Depends: 'library' }), worldPackage('library', '1'), worldPackage('library', '2')]);
    template = await world.template(['app']);
  });
  afterAll(() => world.close());

  it('are locked, and a second reader of the metadata finds the lock sound', async () => {
    expect((await world.ict(['lock', template])).status).toBe(0);
    const text = await readFile(template.replace('.yml', '.lock.yml'), 'utf8');
    expect(await lockFaults(text, world.places.cache)).toEqual([]);
    const { packages, ...rest } = parse(text) as { readonly packages: readonly { readonly name: string }[] };
    const incomplete = stringify({ ...rest, packages: packages.filter(({ name }) => name !== 'library') });
    expect(await lockFaults(incomplete, world.places.cache)).toEqual(['app needs library']);
  });

  it.each<[string, WhyNot['verdict']]>([
    ['library.noarch', 'present'],
    ['library.noarch=1-0', 'not-preferred'],
  ])('are known to why-not as %s: %s', async (wanted, verdict) => {
    expect((await world.document<WhyNot>(['why-not', template, wanted])).verdict).toBe(verdict);
  });

  it('are known to show by name.arch, and another version is said not to be there', async () => {
    const shown = await world.ict(['show', template, 'library.noarch']);
    expect(shown.stdout).toMatch(/^library 2-0 \(mini\)[^]*^library 1-0 \(mini\)/m);
    const absent = await world.ict(['show', template, 'library=3']);
    expect([absent.status, absent.stderr]).toEqual([1, expect.stringContaining('no repository has version 3 of library')]);
  });
});
