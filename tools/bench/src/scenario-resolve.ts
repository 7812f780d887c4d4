import { execFile } from 'node:child_process';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AptResolver } from '@ict/fixtures';
import { encodeDirectory, readDirectory, TextInFiles } from '@ict/provider-deb';
import { alternate } from './alternation.js';
import { bundledProgram } from './bundled-program.js';
import { debianIndex } from './debian-index.js';
import { measure } from './measurement.js';
import { nodeOfIct } from './node-of-ict.js';
import type { Scenario, ScenarioOptions } from './scenario.js';

const REQUEST = 'task-kde-desktop';
const run = promisify(execFile);

/** Options with which apt-get keeps nothing between runs and uses nothing that was kept. */
const WITHOUT_CACHES = ['-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache='];

/**
 * A large request over the real archive, with Recommends, into an empty root: ict, libsolv and apt-get read the same index. Two comparisons:
 * of those that begin with the text of the index, and of those that kept what they made of it.
 */
export const resolve: Scenario = async (options) => {
  const { directory, runs, putAway, onRun, say } = options;
  const packages = await debianIndex(options);
  const kept = join(directory, 'directory');
  const text = new TextInFiles([{ path: packages, sizeBytes: (await stat(packages)).size }]);
  await writeFile(kept, encodeDirectory(readDirectory(text, [])));
  text.close();
  await putAway(join(directory, 'apt'));
  const apt = await AptResolver.create(join(directory, 'apt'), [{ packages }], 'amd64');
  const testcase = await makeTestcase(options, packages);
  const program = await bundledProgram('resolve-once');
  const scanned = { argv: [...nodeOfIct(), program, packages, REQUEST] };
  const recalled = { argv: [...scanned.argv, kept] };
  for (const [name, { argv }] of Object.entries({ text: scanned, directory: recalled })) {
    const [command = '', ...args] = argv;
    const { stdout } = await run(command, args);
    say(`${name}: ${stdout.trim()}`);
  }
  const contenders = [
    { name: 'ict, from the text of the index', command: scanned },
    { name: 'apt-get, nothing cached', command: { argv: [...apt.command([REQUEST], true), ...WITHOUT_CACHES], env: apt.env } },
    { name: 'ict, with the kept directory', command: recalled },
    { name: 'libsolv, from its .solv file', command: { argv: ['testsolv', '-r', testcase] } },
    { name: 'apt-get, caches warm', command: { argv: apt.command([REQUEST], true), env: apt.env } },
  ];
  const results = await alternate(contenders, runs ?? 5, onRun);
  const title = `\`${REQUEST}\` with Recommends, from Debian 13's main index`;
  return [
    { title: `${title}, nothing cached`, results: results.slice(0, 2) },
    { title: `${title}, from what was kept`, results: results.slice(2) },
  ];
};

/**
 * libsolv's own form of the index, and a test case that asks for the same.
 *
 * @throws when libsolv installs nothing: `testsolv` ends with 0 even when it cannot read what it was given.
 */
async function makeTestcase({ directory, say }: ScenarioOptions, packages: string): Promise<string> {
  const solv = 'archive.solv'; // test cases name files beside them
  await measure({ argv: ['sh', '-c', 'deb2solv -r "$1" > "$2"', 'sh', packages, join(directory, solv)] });
  const testcase = join(directory, 'testcase.t');
  await writeFile(testcase, `repo archive 0 solv ${solv}\nsystem amd64 deb\njob install name ${REQUEST}\nresult transaction <inline>\n`);
  const { stdout, stderr } = await run('testsolv', ['-r', testcase]);
  const installed = stdout.match(/^install /gm)?.length ?? 0;
  if (installed === 0) throw new Error(`testsolv installs nothing:\n${stderr}${stdout}`);
  say(`libsolv: ${installed} packages`);
  return testcase;
}
