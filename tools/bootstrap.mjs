/*
 * `npm run quickstart` and `npm test`: from a fresh clone to a built image, or to a number of passed tests, with one command.
 *
 * Runs on Node 20 and newer with nothing installed. It installs the workspace, and goes on in new processes under the Node that
 * the workspace brings.
 */
import { missingPrograms, provideHostPrograms } from './bootstrap/host-programs.mjs';
import { installWorkspace } from './bootstrap/install.mjs';
import { findNode } from './bootstrap/node.mjs';
import { BootstrapError, root, runNode, say } from './bootstrap/run.mjs';
import { requireTestPlace } from './bootstrap/test-place.mjs';
import { countResults, forgetResults } from './bootstrap/test-results.mjs';

const NX = 'node_modules/.bin/nx';
const ICT = 'packages/cli/bin/ict.js';
const RPM_QUICKSTART = 'tools/bootstrap/quickstart-rpm.mjs';
/** Debian packages whose programs make rpm packages and repositories, and sign them. */
const RPM_PROGRAMS = ['rpm', 'createrepo-c', 'gnupg', 'dpkg'];
const FIRST_TEMPLATE = 'templates/debian13-x86_64-minimal-raw.yml';

async function quickstart(flags) {
  await installWorkspace();
  const node = findNode();
  say('Building the workspace');
  await runNode(node, [NX, 'run-many', '-t', 'build', '--outputStyle=static']);
  say('Checking this machine');
  await runNode(node, [ICT, 'doctor', '--for', 'build', ...(process.getuid?.() === 0 ? ['--install'] : [])]);
  if (flags.includes('--rpm')) {
    await provideHostPrograms(await missingPrograms(RPM_PROGRAMS), 'making the rpm distribution needs');
    await runNode(node, [RPM_QUICKSTART, ...flags.filter((flag) => flag !== '--rpm')]);
    return;
  }
  say(`Building ${FIRST_TEMPLATE}`);
  await runNode(node, [ICT, 'build', FIRST_TEMPLATE, ...flags]);
}

async function test(flags) {
  await requireTestPlace(root, process.getuid?.());
  await installWorkspace();
  const node = findNode();
  await provideHostPrograms(await missingPrograms(), 'the tests need');
  const tasks = ['lint-all', 'typecheck-all', 'test', 'e2e'];
  say(`Running ${tasks.join(', ')}`);
  await forgetResults();
  const status = await runNode(node, [NX, 'run-many', '-t', ...tasks, '--outputStyle=static', ...flags], { accept: 'any' });
  const { passed, failed, notes } = await countResults(tasks, status);
  for (const note of notes) console.log(note);
  console.log(`\n${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

const commands = { quickstart, test };
const [name = '', ...flags] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command === undefined) {
  console.error(`usage: node tools/bootstrap.mjs ${Object.keys(commands).join('|')} [flags]`);
  process.exitCode = 2;
} else {
  try {
    await command(flags);
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    console.error(`\nerror: ${error.message}`);
    process.exitCode = error.status;
  }
}
