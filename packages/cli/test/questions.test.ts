import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Engine, Explanation, GraphDocument, PackageQuestion, SearchDocument, ShowDocument, Validation, Why, WhyNot } from '@ict/core';
import type { ProblemReport } from '@ict/plugin-api';
import { compileSchema, templateError } from '@ict/template';
import { digest, ict, plan } from './fixture.js';

const target = 'acme-acme1-x86_64';
const edge = (from: string, to: string, kind: 'requires' | 'recommends', text?: string) => ({
  from: `${from}:amd64`,
  to: `${to}:amd64`,
  kind,
  relations: text === undefined ? [] : [{ field: 'Depends', text }],
});
const position = { file: 'a.yml', line: 9, column: 5 };

const why: Why = {
  schemaVersion: 1,
  target,
  package: { id: 'libc:amd64', name: 'libc', version: '2.41', arch: 'amd64', repository: 'acme' },
  part: 'image',
  paths: [
    { request: 'curl', reason: 'template', position, package: 'curl:amd64', steps: [edge('curl', 'libc', 'requires', 'libc (>= 2)')] },
    {
      request: 'init',
      reason: 'essential',
      package: 'init:amd64',
      steps: [edge('init', 'mail', 'recommends'), edge('mail', 'libc', 'requires')],
    },
    { request: 'libc', reason: 'template', byDefault: true, package: 'libc:amd64', steps: [] },
  ],
};

const whyProvided: Why = {
  ...why,
  provided: [
    { package: 'libc:amd64', text: 'libc-dev (= 2)' },
    { package: 'musl:amd64', text: 'libc-dev' },
  ],
};
const whyNot: WhyNot = {
  schemaVersion: 1,
  target,
  asked: 'nginx=1',
  verdict: 'excluded',
  problems: [{ code: 'ICT_DEB_UNSATISFIABLE', message: 'cannot', position, hint: 'leave out', because: ['a conflicts with b'] }],
  brings: [],
};

const graph: GraphDocument = {
  schemaVersion: 1,
  target,
  reduced: false,
  packages: [{ id: 'a:amd64', name: 'a', version: '1', arch: 'amd64', sizeBytes: 1, requestedBy: ['template'] }],
  edges: [edge('a', 'b', 'recommends', 'b')],
  dot: 'digraph G {\n}\n',
};

const explanation: Explanation = {
  schemaVersion: 1,
  target,
  steps: [
    { type: 'acme.tools', verdict: 'hit', reason: '', differences: [], past: { madeAt: '2026-01-01T00:00:00.000Z', sizeBytes: 1 } },
    {
      type: 'acme.install',
      verdict: 'miss',
      reason: 'input.packages.jq: nothing became 1.7',
      differences: [{ path: 'input.packages.jq', after: '1.7', position }],
      install: { way: 'delta', reason: 'from the nearest cached layer: add jq' },
      past: { madeAt: '2026-01-01T00:00:00.000Z', durationMs: 12_300, sizeBytes: 2048 },
    },
    { type: 'acme.disk', verdict: 'open', reason: 'depends on what acme.install makes', differences: [], waitsFor: 'acme.install' },
  ],
  fetchBytes: 1024,
};

const found: SearchDocument = {
  schemaVersion: 1,
  target,
  words: ['web'],
  packages: [
    {
      name: 'nginx',
      summary: 'small web server',
      versions: [
        { version: '2', arch: 'amd64', repository: 'acme' },
        { version: '2', arch: 'i386', repository: 'acme' },
        { version: '1', arch: 'amd64', repository: 'old' },
      ],
      chosen: '1',
    },
    {
      name: 'webfs',
      summary: 'web \u001b[31mred',
      versions: [{ version: '1', arch: 'amd64', repository: 'acme', withheld: 'it is in module web:1' }],
    },
  ],
  found: 2,
  nearest: [],
};

const shown: ShowDocument = {
  schemaVersion: 1,
  target,
  asked: 'nginx',
  packages: [
    {
      ...{ name: 'nginx', version: '2', arch: 'amd64', repository: 'acme', path: 'pool/nginx.deb', digest, sizeBytes: 2048 },
      ...{ installedSizeBytes: 4096, summary: 'small web server', description: 'First.\n\nSecond.' },
      ...{ source: { name: 'nginx-src', version: '2' }, maintainer: 'A', homepage: 'http://nginx.example' },
      details: [{ field: 'Section', text: 'web' }],
      relations: [{ field: 'Depends', text: 'libc6' }],
      inImage: true,
    },
  ],
  providers: [{ name: 'nginx-full', version: '2', arch: 'amd64', repository: 'acme', provides: 'nginx' }],
};

const advisory = {
  ...{ id: 'ACME-2026:7', type: 'security', severity: 'Important', title: 'nginx \u001b[31mupdate', issued: '2026-01-20' },
  ...{ cves: ['CVE-2026-1'], repository: 'acme', packages: [{ name: 'nginx', version: '2', arch: 'amd64' }], inImage: false },
};
const advised: ShowDocument = {
  ...shown,
  packages: shown.packages.map((pkg) => ({ ...pkg, inImage: false, withheld: 'it is in module web:2, which is not enabled' })),
  providers: [],
  advisories: [advisory, { ...advisory, id: 'ACME-2026:6', type: 'bugfix', severity: 'Low', title: '', cves: [], inImage: true }],
};

const chronicled: ShowDocument = {
  ...shown,
  packages: [
    {
      ...shown.packages[0]!,
      changelog: [
        { date: '2026-01-02', author: 'Ann <a@b.example>', version: '2-1', text: '- one\n  \u001b[31mred' },
        { author: '', text: '- two' },
      ],
    },
    { ...shown.packages[0]!, version: '1', changelog: [] },
  ],
  providers: [],
};

describe('questions', () => {
  it.each<[string, readonly string[], Partial<Engine>, unknown]>([
    ['why', ['why', 'a.yml', 'libc'], { why: async () => why }, why],
    ['why', ['why', 'a.yml', 'libc-dev'], { why: async () => whyProvided }, whyProvided],
    ['why-not', ['why-not', 'a.yml', 'nginx=1'], { whyNot: async () => whyNot }, whyNot],
    ['search', ['search', 'a.yml', 'web'], { search: async () => found }, found],
    ['show', ['show', 'a.yml', 'nginx'], { show: async () => shown }, shown],
    ['show', ['show', 'a.yml', 'nginx'], { show: async () => advised }, advised],
    ['show', ['show', 'a.yml', 'nginx', '--changelog'], { show: async () => chronicled }, chronicled],
    ['graph', ['graph', 'a.yml'], { graph: async () => graph }, graph],
    ['explanation', ['cache', 'explain', 'a.yml'], { explain: async () => explanation }, explanation],
    ['plan', ['plan', '--target', target, '--only', 'jq'], { planPackages: async () => plan }, plan],
  ])('%s --json prints the one document that its schema describes', async (name, argv, engine, document) => {
    const { stdout, status } = await ict([...argv, '--json'], { engine });
    expect([status, JSON.parse(stdout.text)]).toEqual([0, document]);
    const schema = JSON.parse((await ict(['schema', name])).stdout.text) as object;
    expect(compileSchema(schema).check(document, name)).toEqual([]);
  });
});

describe('why', () => {
  it('tells a way a paragraph, from the line of the template', async () => {
    const { stdout } = await ict(['why', 'a.yml', 'libc'], { engine: { why: async () => why } });
    expect(stdout.text).toBe(
      [
        'libc 2.41 (acme) is in the image:',
        '',
        '  a.yml:9:5 (the template) asks for curl',
        '    curl requires libc  Depends: libc (>= 2)',
        '',
        '  the base system asks for init',
        '    init recommends mail',
        '    mail requires libc',
        '',
        '  the definition of the distribution asks for libc',
        '',
      ].join('\n'),
    );
  });

  it('names packages of foreign architectures with theirs', async () => {
    const steps = [{ ...edge('wine', 'libc', 'requires'), from: 'wine:i386', to: 'libc:i386' }, edge('wine', 'libc', 'requires')];
    const foreign: Why = {
      ...why,
      package: { ...why.package, id: 'libc:i386', arch: 'i386' },
      foreignArchitectures: ['i386'],
      paths: [{ ...why.paths[0], steps }],
    };
    const { stdout } = await ict(['why', 'a.yml', 'libc:i386'], { engine: { why: async () => foreign } });
    expect(stdout.lines[0]).toBe('libc:i386 2.41 (acme) is in the image:');
    expect(stdout.text).toContain('    wine:i386 requires libc:i386\n    wine requires libc\n');
  });

  it('names versions that stand beside a higher one with theirs', async () => {
    const id = 'kernel:noarch=1:6.9.4-1';
    const beside: Why = {
      ...why,
      package: { ...why.package, id, name: 'kernel', version: '1:6.9.4-1', arch: 'noarch' },
      paths: [{ ...why.paths[0], steps: [{ ...edge('module', 'kernel', 'requires'), to: id }] }],
    };
    const { stdout } = await ict(['why', 'a.yml', 'kernel=1:6.9.4-1'], { engine: { why: async () => beside } });
    expect(stdout.lines[0]).toBe('kernel 1:6.9.4-1 (acme) is in the image:');
    expect(stdout.text).toContain('    module requires kernel=1:6.9.4-1\n');
  });

  it('says of a name that packages provide which do, and how', async () => {
    const { stdout } = await ict(['why', 'a.yml', 'libc-dev'], { engine: { why: async () => whyProvided } });
    expect(stdout.lines[0]).toBe('libc 2.41 (acme) provides libc-dev (= 2), and is in the image:');
    expect(stdout.lines.at(-1)).toBe('musl provides libc-dev, too');
  });

  it('counts ways beyond the fifth', async () => {
    const many = { ...why, paths: Array.from({ length: 7 }, () => why.paths[1]) };
    const { stdout } = await ict(['why', 'a.yml', 'libc'], { engine: { why: async () => many } });
    expect(stdout.text.match(/asks for/g)).toHaveLength(5);
    expect(stdout.lines.at(-1)).toBe('and 2 more ways; --json lists them all');
  });
});

describe('why-not', () => {
  const chosen = { id: 'nginx:amd64', version: '2', repository: 'acme' };
  const brings = [{ id: 'nginx:amd64', version: '1', sizeBytes: 2048 }];
  it.each<[WhyNot['verdict'], Partial<WhyNot>, readonly string[]]>([
    ['excluded', {}, ['cannot be installed together', 'a.yml:9:5', '- a conflicts with b', 'hint: leave out']],
    ['unavailable', {}, ['not even alone']],
    ['present', { problems: [], chosen }, ['is in the image, as 2', '`ict why a.yml nginx`']],
    ['present', { asked: 'nginx:any', problems: [], chosen }, ['nginx:any is in the image, as 2', '`ict why a.yml nginx`']],
    ['present', { asked: 'nginx:amd64', problems: [], chosen }, ['is in the image, as 2', '`ict why a.yml nginx:amd64`']],
    ['present', { asked: 'nginx.amd64', problems: [], chosen }, ['is in the image, as 2']],
    ['present', { asked: 'httpd', problems: [], chosen }, ['httpd is in the image: nginx 2 provides it', '`ict why a.yml nginx`']],
    ['not-needed', { problems: [], brings }, ['nothing that the template asks for needs it', '1 package, 2.00 KiB', 'nginx:amd64 1']],
    [
      'not-needed',
      { problems: [], brings: [...brings, { ...brings[0]!, id: 'pcre:amd64', before: '2' }], drops: [{ id: 'tar:amd64', version: '3' }] },
      ['    pcre:amd64 2 -> 1\n    nginx:amd64 1\n', 'and 1 package would go:\n    tar:amd64 3\n'],
    ],
    ['not-preferred', { problems: [], brings, chosen }, ['2 of acme comes first']],
  ])('says %s', async (verdict, parts, texts) => {
    const { stdout } = await ict(['why-not', 'a.yml', 'nginx=1'], { engine: { whyNot: async () => ({ ...whyNot, verdict, ...parts }) } });
    for (const text of texts) expect(stdout.text).toContain(text);
  });
});

describe('cache explain', () => {
  it('prints a line for each step as a build does, then where it comes from and what it cost', async () => {
    const { stdout } = await ict(['cache', 'explain', 'a.yml'], { engine: { explain: async () => explanation } });
    expect(stdout.text).toBe(
      [
        'hit  acme.tools',
        'miss acme.install: input.packages.jq: nothing became 1.7',
        '       at a.yml:9:5',
        '       delta: from the nearest cached layer: add jq',
        '       last time 12.3 s, 2.00 KiB',
        'open acme.disk: depends on what acme.install makes',
        '1 step to run, 1 that may, 12.3 s as they last took, 1.00 KiB to download',
        '',
      ].join('\n'),
    );
  });

  it('names a line of the template once, and counts those beyond the fifth', async () => {
    const lines = [1, 1, 2, 3, 4, 5, 6, 7].map((line) => ({ path: 'x', position: { ...position, line } }));
    const [, miss] = explanation.steps;
    const many = { ...explanation, steps: [{ ...(miss as (typeof explanation.steps)[number]), differences: lines }] };
    const { stdout } = await ict(['cache', 'explain', 'a.yml'], { engine: { explain: async () => many } });
    expect(stdout.text.match(/at a\.yml/g)).toHaveLength(5);
    expect(stdout.text).toContain('and 2 more places; --json lists them all');
  });
});

describe('search', () => {
  it('prints a name with its versions, then what it is', async () => {
    const asked: unknown[] = [];
    const { stdout, stderr, status } = await ict(['search', 'a.yml', 'web', 'server', '--frozen'], {
      engine: {
        search: async (...args) => {
          asked.push(...args);
          return found;
        },
      },
    });
    expect(asked).toEqual(['a.yml', ['web', 'server'], { frozen: true }]);
    expect([status, stdout.lines]).toEqual([
      0,
      ['nginx 2 (acme), 1 (old)  in the image: 1', '  small web server', 'webfs 1 (acme, it is in module web:1)', '  web red'],
    ]);
    expect(stderr.text.trim()).toBe('2 packages with "web" and "server"');
  });

  it('says how many there are beside those that it names, and how to see all', async () => {
    const asked: unknown[] = [];
    const { stdout, stderr } = await ict(['search', 'a.yml', 'web', '--limit', '2'], {
      engine: {
        search: async (...args) => {
          asked.push(args[2]);
          return { ...found, words: ['web'], found: 1234 };
        },
      },
    });
    expect(asked).toEqual([{ limit: 2 }]);
    expect(stdout.lines).toHaveLength(4);
    expect(stderr.text.trim()).toBe('1234 packages with "web"; the first 2 are shown, --limit 1234 shows all');
    expect((await ict(['search', 'a.yml', 'web', '--limit', '0'])).status).toBe(2);
  });

  it('ends with 1 when nothing is found, and offers a name', async () => {
    const nothing = { ...found, words: ['ngnix'], packages: [], nearest: ['nginx'] };
    const { stdout, stderr, status } = await ict(['search', 'a.yml', 'ngnix'], { engine: { search: async () => nothing } });
    expect([status, stdout.text, stderr.text.trim()]).toEqual([1, '', 'no package has "ngnix"; did you mean "nginx"?']);
  });

  it('tells who searches for a pattern that it is none', async () => {
    const engine = { search: async () => ({ ...found, packages: [], nearest: [] }) };
    const { status, stderr } = await ict(['search', 'a.yml', '^lib.*z'], { engine });
    expect([status, stderr.text.trim()]).toEqual([
      1,
      'no package has "^lib.*z"; words are looked for as they are written, and not as patterns',
    ]);
    const near = { search: async () => ({ ...found, packages: [], nearest: ['nginx'] }) };
    expect((await ict(['search', 'a.yml', '^nginx'], { engine: near })).stderr.text).toMatch(/patterns; did you mean "nginx"\?\n$/);
  });
});

describe('show', () => {
  it('prints a paragraph a version, then who else provides the name', async () => {
    const { stdout } = await ict(['show', 'a.yml', 'nginx'], { engine: { show: async () => shown } });
    expect(stdout.text).toBe(
      [
        'nginx 2 (acme)  in the image',
        '  small web server',
        '',
        '  First.',
        '',
        '  Second.',
        '',
        '  Architecture  amd64',
        '  Size          2.00 KiB to download, 4.00 KiB installed',
        '  Source        nginx-src 2',
        '  Maintainer    A',
        '  Homepage      http://nginx.example',
        '  Section       web',
        '  Depends       libc6',
        '  File          pool/nginx.deb',
        `  Digest        ${digest}`,
        '',
        'nginx is also provided by 1 package:',
        '  nginx-full  2  amd64  acme  nginx',
        '',
      ].join('\n'),
    );
  });

  it('says of a package that lies elsewhere where that is', async () => {
    const elsewhere = { ...shown.packages[0]!, archive: 'https://packages.example/os' };
    const { stdout } = await ict(['show', 'a.yml', 'nginx'], { engine: { show: async () => ({ ...shown, packages: [elsewhere] }) } });
    expect(stdout.text).toContain('  File          https://packages.example/os/pool/nginx.deb\n');
  });

  it('marks the candidate, and says of the others why they are none', async () => {
    const [own] = shown.packages;
    const packages = [
      { ...own, version: '3', inImage: false, candidate: false, passedOver: '2 has priority 500', priority: 100 },
      { ...own, candidate: true, priority: 500 },
      { ...own, version: '1', inImage: false, candidate: false, passedOver: '2 is newer', priority: 500 },
    ];
    const { stdout } = await ict(['show', 'a.yml', 'nginx'], { engine: { show: async () => ({ ...shown, packages }) } });
    expect(stdout.lines.filter((line) => line.startsWith('nginx '))).toEqual([
      'nginx 3 (acme, priority 100)  no candidate: 2 has priority 500',
      'nginx 2 (acme, priority 500)  in the image, candidate',
      'nginx 1 (acme, priority 500)  no candidate: 2 is newer',
      'nginx is also provided by 1 package:',
    ]);
  });

  it('says why no image can get a package, and which advisories there are', async () => {
    const { stdout } = await ict(['show', 'a.yml', 'nginx'], { engine: { show: async () => advised } });
    expect(stdout.lines[0]).toBe('nginx 2 (acme)  it is in module web:2, which is not enabled');
    expect(stdout.lines.slice(-5)).toEqual([
      '2 advisories:',
      '  ACME-2026:7  security, Important, 2026-01-20  2  not in the image',
      '    nginx update',
      '    CVE-2026-1',
      '  ACME-2026:6  bugfix, Low, 2026-01-20  2  in the image',
    ]);
  });

  it('asks for changelogs when it is told to, and prints them', async () => {
    const asked: unknown[] = [];
    const engine: Partial<Engine> = {
      show: async (_template, _wanted, options) => {
        asked.push(options?.changelog);
        return chronicled;
      },
    };
    const { stdout } = await ict(['show', 'a.yml', 'nginx', '--changelog'], { engine });
    await ict(['show', 'a.yml', 'nginx'], { engine });
    expect(asked).toEqual([true, undefined]);
    const from = stdout.lines.indexOf('  Changelog, the newest first:');
    expect(stdout.lines.slice(from, from + 6)).toEqual([
      '  Changelog, the newest first:',
      '  2026-01-02 2-1 Ann <a@b.example>',
      '    - one',
      '      red',
      '  undated',
      '    - two',
    ]);
    expect(stdout.lines.at(-1)).toBe('  The repository has no changelog of it.');
  });

  it('says that a name is no package, and who provides it, each version once', async () => {
    const provider = (name: string, version: string, repository: string) => ({
      name,
      version,
      arch: 'amd64',
      repository,
      provides: 'httpd',
    });
    const providers = [provider('nginx', '1', 'acme'), provider('apache', '2', 'acme'), provider('nginx', '1', 'updates'), provider('nginx', '2', 'updates')]; // prettier-ignore
    const { stdout } = await ict(['show', 'a.yml', 'httpd'], {
      engine: { show: async () => ({ ...shown, asked: 'httpd', packages: [], providers }) },
    });
    expect(stdout.lines).toEqual([
      'httpd is no package; it is provided by 2 packages:',
      '  nginx   1  amd64  acme, updates  httpd',
      '  nginx   2  amd64  updates        httpd',
      '  apache  2  amd64  acme           httpd',
    ]);
  });
});

describe('cache lint', () => {
  const order: ProblemReport = { code: 'ICT_LINT_ORDER', message: 'layer "a" lies high', hint: 'Move it.', severity: 'error', position };
  it.each<[string, Validation, number]>([
    ['nothing', { problems: [], warnings: [] }, 0],
    ['a warning', { problems: [], warnings: [{ ...order, severity: 'warning' }] }, 0],
    ['an error', { problems: [order], warnings: [] }, 1],
  ])('ends as validate does with %s', async (_what, found, expected) => {
    const engine: Partial<Engine> = { lintCache: async () => found };
    const { status, stdout } = await ict(['cache', 'lint', 'a.yml', '--json'], { engine });
    expect(status).toBe(expected);
    expect(JSON.parse(stdout.text)).toMatchObject({ valid: expected === 0, ...found });
    const told = await ict(['cache', 'lint', 'a.yml'], { engine });
    const clean = found.problems.length + found.warnings.length === 0;
    expect([told.stderr.text.includes('a.yml:9:5'), told.stdout.text.includes('nothing volatile')]).toEqual([!clean, clean]);
  });

  it('ends with 2 when a template cannot be read', async () => {
    const unreadable = templateError('ICT_TEMPLATE_UNREADABLE', { message: 'there is no a.yml' });
    const { status } = await ict(['cache', 'lint', 'a.yml'], { engine: { lintCache: () => Promise.reject(unreadable) } });
    expect(status).toBe(2);
  });
});

describe('graph', () => {
  it('prints DOT, reduced when asked', async () => {
    const asked: unknown[] = [];
    const engine: Partial<Engine> = {
      graph: async (_template, options) => {
        asked.push(options);
        return graph;
      },
    };
    expect((await ict(['graph', 'a.yml'], { engine })).stdout.text).toBe(graph.dot);
    await ict(['graph', 'a.yml', '--reduce', '--frozen'], { engine });
    expect(asked).toEqual([{ reduce: false }, { reduce: true, frozen: true }]);
  });

  it('writes a file when asked', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ict-graph-'));
    try {
      const engine: Partial<Engine> = { graph: async () => graph };
      const { stdout, stderr, status } = await ict(['graph', 'a.yml', '--output', 'made/a.dot'], { engine, cwd: directory });
      expect([status, stdout.text, stderr.text]).toEqual([0, '', `wrote ${directory}/made/a.dot\n`]);
      expect(await readFile(join(directory, 'made/a.dot'), 'utf8')).toBe(graph.dot);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('refuses to draw what is too large', async () => {
    const edges = Array.from({ length: 4001 }, () => graph.edges[0]);
    const { stderr, status } = await ict(['graph', 'a.yml', '--format', 'svg'], { engine: { graph: async () => ({ ...graph, edges }) } });
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('ICT_CLI_GRAPH_TOO_LARGE')]);
    expect(stderr.text).toContain('--reduce');
  });
});

describe('plan without template', () => {
  const run = async (...argv: string[]) => {
    let seen: PackageQuestion | undefined;
    const result = await ict(['plan', ...argv], {
      cwd: '/here',
      engine: {
        planPackages: async (question) => {
          seen = question;
          return plan;
        },
      },
    });
    return { ...result, seen };
  };

  it('hands the question to the engine', async () => {
    const { seen, status } = await run(
      ...['--target', target, '--only', 'jq', 'curl=8', '--recommends', '--suite', 'one', '--component', 'main'],
      ...['--repo', '+http://b.example/x/', '--repo-key', 'b.gpg', '--foreign-arch', 'i386', '--foreign-arch', 'armhf'],
    );
    expect(status).toBe(0);
    expect(seen).toEqual({
      target,
      only: ['jq', 'curl=8'],
      recommends: true,
      suites: ['one'],
      components: ['main'],
      foreignArchitectures: ['i386', 'armhf'],
      archives: ['+http://b.example/x'],
      keyrings: ['/here/b.gpg'],
    });
    expect((await run('--target', target, '--only', 'jq', '--no-recommends')).seen).toEqual({ target, only: ['jq'], recommends: false });
    expect((await run('--target', target, '--only', 'jq')).seen).toEqual({ target, only: ['jq'] });
  });

  it('takes suite and components of an archive from behind its address', async () => {
    const asked = ['--target', target, '--only', 'jq', '--repo', '+file:///srv/x/  ./', '--repo', 'http://b.example  one main  extra'];
    expect((await run(...asked)).seen?.archives).toEqual(['+file:///srv/x ./', 'http://b.example one main extra']);
  });

  it('says how a directory is named', async () => {
    const { stderr } = await run('--target', target, '--only', 'jq', '--repo', '+/srv/x ./');
    expect(stderr.text).toContain('A directory of this machine is "file:///srv/x".');
  });

  it.each([
    ['nothing', [], 'ICT_CLI_USAGE'],
    ['no names', ['--target', target], 'ICT_CLI_USAGE'],
    ['no target', ['--only', 'jq'], 'ICT_CLI_USAGE'],
    ['a template as well', ['a.yml', '--target', target], 'ICT_CLI_USAGE'],
    ['a lock', ['--target', target, '--only', 'jq', '--lock', 'a.lock.yml'], '--lock is for the plan of a template'],
    ['a frozen lock', ['--target', target, '--only', 'jq', '--frozen'], '--frozen is for the plan of a template'],
    ['variables', ['--target', target, '--only', 'jq', '--var', 'A=b'], '--var is for the plan of a template'],
    ['values of a flag that takes one', ['--target', target, '--only', 'jq', '--component', 'main', 'extra'], '"extra" is taken for one'],
    ['a repository that is no address', ['--target', target, '--only', 'jq', '--repo', 'b'], 'ICT_CLI_FLAG_INVALID'],
    ['a whole line of a sources.list', ['--target', target, '--only', 'jq', '--repo', 'deb http://b.example one main'], 'its one address'],
    ['two archives in one', ['--target', target, '--only', 'jq', '--repo', 'http://b.example http://c.example'], 'its one address'],
  ])('refuses %s', async (_what, argv, code) => {
    const { status, seen, stderr } = await run(...argv);
    expect([status, seen]).toEqual([2, undefined]);
    expect(stderr.text).toContain(code);
  });
});
