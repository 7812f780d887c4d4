import { describe, expect, it } from 'vitest';
import type { LockReport, LockWriteOptions } from '@ict/core';
import type { LockedVersion } from '@ict/plugin-api';
import { digest, ict } from './fixture.js';

const locked = (version: string, sizeBytes: number): LockedVersion => ({ version, sizeBytes, repository: 'acme', digest });

const report: LockReport = {
  file: 'a.lock.yml',
  written: true,
  first: false,
  packages: 12,
  tools: 3,
  changes: {
    repositories: [
      {
        id: 'acme',
        before: { root: digest, date: '2026-01-01T00:00:00.000Z' },
        after: { root: digest, date: '2026-02-01T00:00:00.000Z' },
      },
    ],
    packages: [
      { id: 'curl:amd64', part: 'image', before: locked('8.1', 3072), after: locked('8.2', 2048) },
      { id: 'jq:amd64', part: 'image', after: locked('1.7', 2048) },
      { id: 'mtools:amd64', part: 'tools', before: locked('4', 1024) },
    ],
  },
};

async function run(argv: readonly string[], answer: LockReport = report) {
  let seen: LockWriteOptions | undefined;
  const result = await ict(['lock', 'a.yml', ...argv], {
    engine: {
      lock: async (_template, options) => {
        seen = options;
        return answer;
      },
    },
  });
  return { ...result, seen };
}

describe('lock', () => {
  it.each<[readonly string[], LockWriteOptions]>([
    [[], {}],
    [['-o', 'b.lock.yml'], { output: 'b.lock.yml' }],
    [['--frozen'], { frozen: true }],
    [['--update'], { update: [] }],
    [['--update', 'curl', 'jq'], { update: ['curl', 'jq'] }],
    [['curl', '--update', '--dry-run'], { update: ['curl'], dryRun: true }],
  ])('%j asks the engine for %j', async (argv, options) => {
    expect((await run(argv)).seen).toEqual(options);
  });

  it.each([
    ['names without --update', ['curl'], 'ICT_CLI_USAGE', 'ict lock a.yml --update curl'],
    ['--frozen with --update', ['--frozen', '--update'], 'ICT_CLI_USAGE', '--help'],
    ['an empty name', ['--update', ''], 'ICT_CLI_FLAG_INVALID', 'NAME'],
  ])('refuses %s', async (_what, argv, code, hint) => {
    const { status, seen, stderr } = await run(argv);
    expect([status, seen]).toEqual([2, undefined]);
    expect(stderr.text).toContain(code);
    expect(stderr.text).toContain(hint);
  });

  it('prints what changed: version, size, new and gone packages', async () => {
    expect((await run(['--update'])).stdout.lines).toEqual([
      'acme  2026-01-01T00:00:00.000Z -> 2026-02-01T00:00:00.000Z',
      '~  curl:amd64    8.1 -> 8.2  -1.00 KiB  acme',
      '+  jq:amd64      1.7         +2.00 KiB  acme',
      '-  mtools:amd64  4           -1.00 KiB  acme  tools',
      'a.lock.yml written (12 packages, 3 more for tools): 1 changed, 1 new, 1 gone',
    ]);
  });

  it('prints which advisories this fixes', async () => {
    const advisory = {
      id: 'ACME-2026:7',
      type: 'security',
      severity: 'Important',
      title: 'curl \u001b[2Jsecurity update',
      issued: '2026-01-20',
      cves: ['CVE-2026-1', 'CVE-2026-2'],
      repository: 'acme',
      packages: ['curl:amd64'],
    };
    const { stdout } = await run(['--update'], { ...report, changes: { ...report.changes, advisories: [advisory] } });
    expect(stdout.lines.slice(4, -1)).toEqual([
      '1 advisory fixed:',
      '  ACME-2026:7  security, Important, 2026-01-20  curl:amd64',
      '    curl security update',
      '    CVE-2026-1 CVE-2026-2',
    ]);
    const json = await run(['--update', '--json'], { ...report, changes: { ...report.changes, advisories: [] } });
    expect(json.status).toBe(0);
  });

  it('does not list a first lock', async () => {
    const { stdout } = await run([], { ...report, first: true });
    expect(stdout.text).toBe('a.lock.yml written (12 packages, 3 more for tools)\n');
  });

  it.each<[string, readonly string[], Partial<LockReport>, string]>([
    ['nothing changed', [], { written: false, changes: { repositories: [], packages: [] } }, 'is up to date'],
    ['a dry run', ['--dry-run'], { written: false, changes: { ...report.changes, packages: [] } }, 'would be written'],
  ])('says so after %s', async (_what, argv, parts, text) => {
    expect((await run(argv, { ...report, ...parts })).stdout.lines.at(-1)).toBe(`a.lock.yml ${text} (12 packages, 3 more for tools)`);
  });
});
