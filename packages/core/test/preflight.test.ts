import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostArchitecture, type Architecture, type ProblemReport } from '@ict/plugin-api';
import type { HostCheck } from '@ict/sandbox';
import { checkHost, hostProblems, wantedRoom } from '../src/preflight.js';
import { requireSound } from '../src/templates/template-intake.js';

it('wants room for the image, and a GiB for everything else', () => {
  expect(wantedRoom(0)).toBe(1_073_741_824);
  expect(wantedRoom(4_000_000_000)).toBe(5_073_741_824);
});

const OWN = hostArchitecture() as Architecture;

describe('hostProblems', () => {
  const lacking = (name: string, required = true): HostCheck => ({ name, ok: false, detail: 'found', remedy: 'do it', required });

  it.each([
    ['architecture', 'ICT_HOST_ARCHITECTURE'],
    ['directory', 'ICT_HOST_DIRECTORY'],
    ['free space', 'ICT_HOST_SPACE'],
    ['file system', 'ICT_HOST_FILE_SYSTEM'],
    ['output', 'ICT_OUTPUT_UNWRITABLE'],
    ['program unshare', 'ICT_HOST_UNFIT'],
    ['overlay', 'ICT_HOST_UNFIT'],
  ])('tells a failed check of %s as %s', (name, code) => {
    expect(hostProblems([lacking(name)])).toEqual([{ code, message: `${name}: found`, hint: 'do it', severity: 'error' }]);
  });

  it('tells every failed check, and none that succeeded or that only some builds need', () => {
    const checks = [{ ...lacking('node'), ok: true }, lacking('overlay'), lacking('kvm', false), lacking('free space')];
    expect(hostProblems(checks).map(({ code }) => code)).toEqual(['ICT_HOST_UNFIT', 'ICT_HOST_SPACE']);
  });
});

describe('requireSound', () => {
  const problem = (code: string): ProblemReport => ({ code, message: `${code} it is`, hint: 'do it', severity: 'error' });

  it.each([
    [['ICT_OUTPUT_UNWRITABLE'], 'ICT_OUTPUT_UNWRITABLE', 'usage'],
    [['ICT_HOST_SPACE'], 'ICT_HOST_UNFIT', 'host'],
    [['ICT_OUTPUT_UNWRITABLE', 'ICT_HOST_SPACE'], 'ICT_HOST_UNFIT', 'host'],
    [['ICT_OUTPUT_UNWRITABLE', 'ICT_DOCUMENT_UNKNOWN_KEY'], 'ICT_TEMPLATE_INVALID', 'invalid'],
  ])('throws for %j %s', (codes, code, kind) => {
    const problems = codes.map(problem);
    const thrown = expect.objectContaining({ code, kind, problems: codes.length === 1 && code === codes[0] ? [] : problems }) as unknown;
    expect(() => requireSound('a.yml', problems)).toThrow(thrown as Error);
  });

  it('says of an output that cannot be written what was found there', () => {
    expect(() => requireSound('a.yml', [problem('ICT_OUTPUT_UNWRITABLE')])).toThrow(
      expect.objectContaining({ message: 'ICT_OUTPUT_UNWRITABLE it is', hint: 'do it' }) as Error,
    );
  });
});

describe('checkHost', () => {
  const { signal } = new AbortController();
  let directory: string;
  beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'ict-preflight-'))));
  afterAll(() => rm(directory, { recursive: true }));

  it('wants the room of the image in each directory', async () => {
    const directories = [{ path: directory }, { path: join(directory, 'not', 'yet') }];
    const ofRoom = async (sizeBytes: number) =>
      (await checkHost({ sizeBytes, architecture: OWN }, directories, signal)).filter(({ code }) => code === 'ICT_HOST_SPACE');
    expect(await ofRoom(0)).toEqual([]);
    expect(await ofRoom(1e18)).toHaveLength(2);
  });

  it('finds on this host a directory that cannot be made, and one without room for the image', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const found = await checkHost({ sizeBytes: 1e18, architecture: OWN }, [{ path: join(file, 'below') }, { path: directory }], signal);
    const ofDirectories = found.filter(({ code }) => code !== 'ICT_HOST_UNFIT');
    expect(ofDirectories.map(({ code }) => code)).toEqual(['ICT_HOST_DIRECTORY', 'ICT_HOST_SPACE']);
    expect(ofDirectories[0]?.message).toContain(`${file} is no directory`);
    expect(ofDirectories[1]?.message).toContain(directory);
  });
});
