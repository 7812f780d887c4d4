import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { debianPrimary } from '@ict/fixtures';
import { alternate } from './alternation.js';
import { bundledProgram } from './bundled-program.js';
import { debianIndex } from './debian-index.js';
import { nodeOfIct } from './node-of-ict.js';
import type { Scenario } from './scenario.js';

const REQUEST = 'task-kde-desktop';
const run = promisify(execFile);

/**
 * The whole of Debian as an rpm repository: primary.xml to index to a desktop with its weak dependencies, and the same from kept columns, beside
 * libsolv. What each run says of its memory is printed.
 */
export const primary: Scenario = async (options) => {
  const { directory, runs, onRun, say } = options;
  const xml = join(directory, 'primary.xml');
  const columns = join(directory, 'primary.columns');
  await pipeline(Readable.from(debianPrimary(await readFile(await debianIndex(options), 'utf8'))), createWriteStream(xml));
  const program = await bundledProgram('resolve-rpm-once');
  const text = [...nodeOfIct(), program, 'text', xml, REQUEST];
  const kept = [...nodeOfIct(), program, 'columns', columns, REQUEST];
  const firsts = { 'text, columns written': [...text, columns], text, columns: kept };
  for (const [name, [command = '', ...args]] of Object.entries(firsts)) say(`${name}: ${(await run(command, args)).stdout.trim()}`);
  const solv = join(directory, 'primary.solv');
  const testcase = join(directory, 'primary.t');
  await writeFile(
    testcase,
    `repo archive 0 solv primary.solv\nsystem x86_64 rpm\njob install name ${REQUEST}\nresult transaction <inline>\n`,
  );
  const convert = ['sh', '-c', 'rpmmd2solv < "$1" > "$2"', 'sh', xml, solv];
  await run(convert[0]!, convert.slice(1));
  const { stdout } = await run('testsolv', ['-r', testcase]);
  say(`libsolv: ${stdout.match(/^install /gm)?.length ?? 0} packages`);
  const contenders = [
    { name: 'ict, from primary.xml', command: { argv: text } },
    { name: 'libsolv, primary.xml to a .solv file', command: { argv: convert } },
    { name: 'ict, from kept columns', command: { argv: kept } },
    { name: 'libsolv, from its .solv file', command: { argv: ['testsolv', '-r', testcase] } },
  ];
  const results = await alternate(contenders, runs ?? 5, onRun);
  const title = `\`${REQUEST}\` with weak dependencies, from Debian 13's main index as primary.xml`;
  return [
    { title: `${title}, nothing kept (libsolv: the index alone)`, results: results.slice(0, 2) },
    { title: `${title}, from what was kept`, results: results.slice(2) },
  ];
};
