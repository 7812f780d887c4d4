import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Attic } from './attic.js';
import { renderComparison } from './report.js';
import { change } from './scenario-change.js';
import { cold } from './scenario-cold.js';
import { conflicts } from './scenario-conflicts.js';
import { entries } from './scenario-entries.js';
import { hash } from './scenario-hash.js';
import { help } from './scenario-help.js';
import { mirror } from './scenario-mirror.js';
import { primary } from './scenario-primary.js';
import { remote } from './scenario-remote.js';
import { resolve as resolution } from './scenario-resolve.js';
import { restore } from './scenario-restore.js';
import { rpm } from './scenario-rpm.js';
import { rpmVerify } from './scenario-rpm-verify.js';
import type { Scenario } from './scenario.js';

const scenarios: Readonly<Record<string, Scenario>> = {
  change,
  cold,
  conflicts,
  entries,
  hash,
  help,
  mirror,
  primary,
  remote,
  resolve: resolution,
  restore,
  rpm,
  'rpm-verify': rpmVerify,
};

const USAGE = `usage: node tools/bench/dist/main.js SCENARIO [--runs N] [--directory DIR] [--results DIR] [-- FLAGS]

  change     one more file, and one more package, after a build
  cold       ict build against mmdebstrap and mke2fs: nothing cached, packages cached, unchanged
  conflicts  generated instances full of conflicts, of growing size
  entries    ict cache list and gc over a hundred thousand entries
  hash       one worker that verifies packages against openssl dgst -sha256
  help       ict --help against an empty Node
  mirror     packages fetched by 1 to 64 workers over throttled lines
  primary    a desktop from Debian's index as an rpm repository, against libsolv
  remote     a machine that has nothing, with and without a remote cache
  resolve    a desktop from Debian's index against apt-get and libsolv
  restore    a base tree of 500 MB unpacked and verified against tar -x and sha256sum
  rpm        rpm packages made a tree against dnf --installroot
  rpm-verify rpm packages verified against rpm -K

  --runs N         rounds of each comparison
  --directory DIR  work here, and keep the local archive for the next time (default: a temporary directory)
  --results DIR    also write what is printed to DIR/SCENARIO.md, and drawings beside it
  FLAGS            flags of ict build or ict lock for the one that uses the network, such as --mirror
`;

async function main(argv: readonly string[]): Promise<number> {
  const { positionals, values, tokens } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    tokens: true,
    options: { runs: { type: 'string' }, directory: { type: 'string' }, results: { type: 'string' } },
  });
  const end = tokens.find(({ kind }) => kind === 'option-terminator')?.index ?? argv.length;
  const firstBuild = argv.slice(end + 1);
  const [name = '', ...more] = positionals.slice(0, positionals.length - firstBuild.length);
  const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
  if (scenario === undefined || more.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const runs = values.runs === undefined ? undefined : Number(values.runs);
  if (runs !== undefined && !(Number.isSafeInteger(runs) && runs > 0)) throw new Error('--runs takes a whole number above 0');
  const directory = values.directory === undefined ? await mkdtemp(join(tmpdir(), 'ict-bench-')) : resolve(values.directory);
  await mkdir(directory, { recursive: true });
  const attic = new Attic(join(directory, 'attic'));
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  try {
    const comparisons = await scenario({
      ...(runs === undefined ? {} : { runs }),
      directory,
      firstBuild,
      putAway: (path) => attic.take(path),
      say,
      onRun: (contender, { cpuSeconds, wallSeconds }) => say(`  ${contender}: ${cpuSeconds} s CPU, ${wallSeconds} s`),
    });
    const text = `${cpus().length} cores, Node ${process.versions.node}\n\n${comparisons.map(renderComparison).join('\n')}`;
    process.stdout.write(text);
    if (values.results !== undefined) {
      const figures = comparisons.flatMap((comparison) => Object.entries(comparison.figures ?? {}));
      await mkdir(values.results, { recursive: true });
      for (const [file, content] of [[`${name}.md`, text], ...figures] as const) await writeFile(join(values.results, file), content);
    }
    return 0;
  } finally {
    await attic.clear();
    if (values.directory === undefined) await rm(directory, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
