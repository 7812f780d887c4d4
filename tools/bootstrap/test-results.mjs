import { readFile, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { root as workspace } from './run.mjs';

/** Directories that hold workspace packages, and those that are one. */
const GROUPS = ['packages', 'providers', 'tools'];
const SINGLE = ['e2e'];

/** Targets that run vitest; `nx.json` has each write a report here. */
const REPORTS = { test: '.reports/test.json', e2e: '.reports/e2e.json' };
const RUN_RECORD = '.nx/cache/run.json';
/** What each task printed, by its hash. */
const PRINTED = '.nx/cache/terminalOutputs';

/** Removes what an earlier run reported, so that nothing old is counted. */
export async function forgetResults(root = workspace) {
  for (const { directory } of await projects(root)) await rm(join(directory, '.reports'), { recursive: true, force: true });
  await rm(join(root, RUN_RECORD), { force: true });
}

/**
 * Adds up what every test runner reported. A task that failed or never ran counts as one failure each: a project without a
 * report must not look like one without failures.
 *
 * @param {string[]} tasks targets that were asked for.
 * @param {number} status exit status of nx.
 */
export async function countResults(tasks, status, root = workspace) {
  const total = { passed: 0, failed: 0, notes: /** @type {string[]} */ ([]) };
  const add = (passed, failed, note) => {
    total.passed += passed;
    total.failed += failed;
    if (note !== undefined) total.notes.push(note);
  };
  const outcome = await taskOutcomes(root);
  const addFailure = async (task) => {
    const record = outcome.get(task);
    add(0, 1, `FAILED  ${task}  ${record === undefined ? 'did not run' : `status ${record.status}`}`);
    const printed = await printedBy(record, root);
    if (printed !== '') total.notes.push(`    ${beginning(printed)}`);
  };
  for (const { name, directory, targets } of await projects(root)) {
    for (const target of tasks.filter((task) => targets.includes(task))) {
      const task = `${name}:${target}`;
      const ended = outcome.get(task)?.status;
      const report = REPORTS[target] === undefined ? undefined : await readJson(join(directory, REPORTS[target]));
      if (report !== undefined) {
        const { passed, failed, reason } = countReport(report);
        const hidden = failed === 0 && ended !== 0;
        add(passed, failed + (hidden ? 1 : 0), failed > 0 || hidden ? `FAILED  ${task}  ${reason}` : undefined);
        total.notes.push(...describeFailures(report));
      } else if (ended !== 0) await addFailure(task);
      else if (REPORTS[target] !== undefined) add(0, 1, `FAILED  ${task}  left no report`);
    }
  }
  for (const [task, { status: code }] of outcome) {
    if (code !== 0 && !tasks.includes(task.slice(task.lastIndexOf(':') + 1))) await addFailure(task);
  }
  if (status !== 0 && total.failed === 0) add(0, 1, `FAILED  nx ended with status ${status}`);
  return total;
}

/** Counts one JSON report of vitest. A file that could not be loaded has no test that failed, yet it counts as one. */
export function countReport(report) {
  let failed = report.numFailedTests;
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  failed += broken.length;
  if (failed === 0 && (report.success !== true || report.numPassedTests === 0)) failed = 1;
  const unrun = report.numPendingTests + (report.numTodoTests ?? 0);
  return { passed: report.numPassedTests, failed, reason: `${failed} failed${unrun > 0 ? `, ${unrun} did not run` : ''}` };
}

/** What failed in a JSON report of vitest, each with the beginning of its message: enough to know from a log that was cut. */
export function describeFailures(report) {
  return report.testResults.flatMap(({ name = '', message = '', assertionResults }) => {
    const failures = assertionResults.filter(({ status }) => status === 'failed');
    const file = basename(name);
    if (failures.length === 0) return message === '' ? [] : [`  ${file}: ${beginning(message)}`];
    return failures.map(
      ({ fullName = '', failureMessages = [] }) => `  ${file}: ${fullName}\n    ${beginning(failureMessages.join('\n'))}`,
    );
  });
}

/** The first 1,200 characters, indented. */
function beginning(text) {
  return text.slice(0, 1200).trimEnd().replaceAll('\n', '\n    ');
}

/** Exit status and hash of each task of the last run, by `project:target`. */
async function taskOutcomes(root) {
  const record = await readJson(join(root, RUN_RECORD));
  return new Map((record?.tasks ?? []).map(({ taskId, status, hash }) => [taskId, { status, hash }]));
}

/** What a task printed, without colours and empty lines; empty if nothing was kept of it. */
async function printedBy(record, root) {
  const text = await readIfThere(join(root, PRINTED, `${record?.hash}`));
  return stripVTControlCharacters(text ?? '').replace(/\s*\n/g, '\n');
}

async function projects(root) {
  const directories = SINGLE.map((name) => join(root, name));
  for (const group of GROUPS) {
    for (const entry of await readdir(join(root, group), { withFileTypes: true })) {
      if (entry.isDirectory()) directories.push(join(root, group, entry.name));
    }
  }
  const found = [];
  for (const directory of directories) {
    const manifest = await readJson(join(directory, 'package.json'));
    if (manifest !== undefined) found.push({ name: manifest.name, directory, targets: Object.keys(manifest.nx?.targets ?? {}) });
  }
  return found;
}

async function readJson(file) {
  const text = await readIfThere(file);
  return text === undefined ? undefined : JSON.parse(text);
}

async function readIfThere(file) {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
