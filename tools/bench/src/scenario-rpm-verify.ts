import { execFile } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatEvr, readRpm } from '@ict/provider-rpm';
import { alternate } from './alternation.js';
import { requirePrograms } from './builders.js';
import { bundledProgram } from './bundled-program.js';
import { measure } from './measurement.js';
import { nodeOfIct } from './node-of-ict.js';
import { rpmArchive } from './rpm-archive.js';
import type { Scenario } from './scenario.js';

const run = promisify(execFile);

/** All packages of the rpm test distribution: headers read, digests and signatures checked; rpm has imported the key before. */
export const rpmVerify: Scenario = async (options) => {
  const { runs = 9, onRun, say, directory } = options;
  await requirePrograms(['rpmkeys']);
  const archive = await rpmArchive(options);
  const packages = join(archive.repository, 'Packages');
  const files = (await readdir(packages)).sort().map((name) => join(packages, name));
  const known = files.map(async (path) => {
    const { name, evr, arch } = await readRpm(path);
    return { id: `${name}:${arch}`, name, version: formatEvr(evr), arch, path };
  });
  const list = join(directory, 'packages.json');
  await writeFile(list, JSON.stringify(await Promise.all(known)));
  const database = join(directory, 'keys');
  await rm(database, { recursive: true, force: true });
  await run('rpmkeys', ['--dbpath', database, '--import', archive.keyring]);
  say(`verifying ${files.length} packages`);
  const program = await bundledProgram('verify-rpms', { worker: new URL('./worker.js', import.meta.resolve('@ict/verify')).href });
  const env = { NODE_COMPILE_CACHE: join(directory, 'compiled') };
  const ours = (where: 'pool' | 'local') => ({ argv: [...nodeOfIct(), program, archive.keyring, list, where], env });
  for (const where of ['pool', 'local'] as const) await measure(ours(where)); // the compiled code is kept from then on
  const contenders = [
    { name: 'ict, one worker', command: ours('pool') },
    { name: "ict, the caller's thread", command: ours('local') },
    { name: 'rpm -K', command: { argv: ['rpmkeys', '--dbpath', database, '--checksig', ...files] } },
  ];
  return [{ title: 'All packages verified', results: await alternate(contenders, runs, onRun) }];
};
