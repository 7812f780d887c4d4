import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countReport, countResults, describeFailures, forgetResults } from '../test-results.mjs';

const good = { success: true, numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, testResults: [] };

describe('countReport', () => {
  it.each([
    ['a good run', good, 3, 0],
    ['failed tests', { ...good, success: false, numFailedTests: 2 }, 3, 2],
    ['a file that could not be loaded', { ...good, success: false, testResults: [{ status: 'failed', assertionResults: [] }] }, 3, 1],
    ['an error outside of tests', { ...good, success: false }, 3, 1],
    ['no tests at all', { ...good, numPassedTests: 0 }, 0, 1],
    [
      'a file with a failed test, counted once',
      { ...good, success: false, numFailedTests: 1, testResults: [{ status: 'failed', assertionResults: [{ status: 'failed' }] }] },
      3,
      1,
    ],
  ])('%s', (_name, report, passed, failed) => {
    expect(countReport(report)).toMatchObject({ passed, failed });
  });
});

describe('describeFailures', () => {
  it('names each failed test with the beginning of its message', () => {
    const assertionResults = [
      { status: 'passed', fullName: 'adds', failureMessages: [] },
      { status: 'failed', fullName: 'takes away', failureMessages: [`expected 1\n${'x'.repeat(5000)}`] },
    ];
    const [line, ...others] = describeFailures({ testResults: [{ name: '/a/sums.test.ts', status: 'failed', assertionResults }] });
    expect(line).toMatch(/^ {2}sums\.test\.ts: takes away\n {4}expected 1\n {4}x+$/);
    expect(line.length).toBeLessThan(1300);
    expect(others).toEqual([]);
  });

  it('says why a file could not be loaded', () => {
    const file = { name: '/a/sums.test.ts', status: 'failed', message: 'Cannot find module', assertionResults: [] };
    expect(describeFailures({ testResults: [file] })).toEqual(['  sums.test.ts: Cannot find module']);
  });

  it('says nothing of what passed', () => {
    expect(describeFailures({ testResults: [{ name: '/a/sums.test.ts', status: 'passed', message: '', assertionResults: [] }] })).toEqual(
      [],
    );
  });
});

describe('countResults', () => {
  let root: string;
  const tasks = ['lint', 'typecheck', 'test', 'e2e'];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'ict-results-'));
    for (const group of ['packages', 'providers', 'tools', 'e2e']) await mkdir(join(root, group));
    await write('packages/a/package.json', { name: 'a', nx: { targets: { build: {}, lint: {}, test: {} } } });
    await write('e2e/package.json', { name: 'e2e', nx: { targets: { e2e: {} } } });
  });

  afterEach(() => rm(root, { recursive: true }));

  async function write(path: string, content: object): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), JSON.stringify(content));
  }

  async function ran(outcome: Record<string, number>): Promise<void> {
    await write('.nx/cache/run.json', { tasks: Object.entries(outcome).map(([taskId, status]) => ({ taskId, status })) });
  }

  it('adds up what passed', async () => {
    await write('packages/a/.reports/test.json', good);
    await write('e2e/.reports/e2e.json', good);
    await ran({ 'a:build': 0, 'a:lint': 0, 'a:test': 0, 'e2e:e2e': 0 });
    expect(await countResults(tasks, 0, root)).toEqual({ passed: 6, failed: 0, notes: [] });
  });

  it('counts lint, build and everything that did not run as failures', async () => {
    await write('packages/a/.reports/test.json', good);
    await ran({ 'a:build': 1, 'a:lint': 1, 'a:test': 0 });
    const { passed, failed, notes } = await countResults(tasks, 1, root);
    expect([passed, failed]).toEqual([3, 3]);
    expect(notes).toEqual(['FAILED  e2e:e2e  did not run', 'FAILED  a:lint  status 1', 'FAILED  a:build  status 1']);
  });

  it('says what a task without a report printed before it failed', async () => {
    const printed = '> eslint .\r\n\r\n\u001B[31mpackages/a/src/sums.ts\u001B[39m\n  1:1  error  Not so\n' + 'x'.repeat(5000);
    await mkdir(join(root, '.nx/cache/terminalOutputs'), { recursive: true });
    await writeFile(join(root, '.nx/cache/terminalOutputs/17'), printed);
    await write('packages/a/.reports/test.json', good);
    await write('e2e/.reports/e2e.json', good);
    await write('.nx/cache/run.json', {
      tasks: [
        { taskId: 'a:lint', status: 1, hash: '17' },
        { taskId: 'a:test', status: 0, hash: '18' },
        { taskId: 'e2e:e2e', status: 0, hash: '19' },
      ],
    });
    const { notes } = await countResults(tasks, 1, root);
    expect(notes[0]).toBe('FAILED  a:lint  status 1');
    expect(notes[1]).toMatch(/^ {4}> eslint \.\n {4}packages\/a\/src\/sums\.ts\n {6}1:1 {2}error {2}Not so\n {4}x+$/);
    expect(notes[1]?.length).toBeLessThan(1300);
    expect(notes).toHaveLength(2);
  });

  it('does not take a missing report for success', async () => {
    await write('e2e/.reports/e2e.json', good);
    await ran({ 'a:lint': 0, 'a:test': 0, 'e2e:e2e': 0 });
    expect(await countResults(tasks, 0, root)).toMatchObject({ passed: 3, failed: 1 });
  });

  it('does not take a report for success when its task failed', async () => {
    await write('packages/a/.reports/test.json', good);
    await write('e2e/.reports/e2e.json', good);
    await ran({ 'a:lint': 0, 'a:test': 1, 'e2e:e2e': 0 });
    expect(await countResults(tasks, 1, root)).toMatchObject({ passed: 6, failed: 1 });
  });

  it('counts one failure when nx itself fails', async () => {
    await rm(join(root, 'packages', 'a'), { recursive: true });
    await write('e2e/.reports/e2e.json', good);
    await ran({ 'e2e:e2e': 0 });
    expect(await countResults(tasks, 1, root)).toMatchObject({ passed: 3, failed: 1 });
  });

  it('counts nothing of an earlier run', async () => {
    await write('packages/a/.reports/test.json', good);
    await ran({ 'a:lint': 0, 'a:test': 0 });
    await forgetResults(root);
    expect(await readdir(join(root, 'packages', 'a'))).toEqual(['package.json']);
    expect(await countResults(tasks, 0, root)).toMatchObject({ passed: 0, failed: 3 });
  });
});
