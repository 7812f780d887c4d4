import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { alternate } from './alternation.js';
import type { Scenario } from './scenario.js';
import { ICT } from './workspace.js';

const ENTRIES = 100_000;
const DAY_SECONDS = 86_400;
const PROVIDER = 'debian-debian13-x86_64';

/** What changed within a minute is not remembered. */
const SETTLED_MS = 61_000;

/**
 * `ict cache list` and `gc` over a hundred thousand entries: `list` as the first after changes everywhere, and as the next one; `gc` removes the
 * half of them that was not used for long.
 */
export const entries: Scenario = async ({ runs, directory, onRun, say }) => {
  const cacheDir = join(directory, 'entries');
  say(`making ${ENTRIES} entries in ${cacheDir}`);
  makeEntries(cacheDir);
  say('waiting a minute, after which what is seen of them is remembered');
  await wait(SETTLED_MS);
  const work = ['--work-dir', join(directory, 'no-work')];
  const command = (...argv: string[]) => ({ argv: [ICT, 'cache', ...argv, '--cache-dir', cacheDir, ...work] });
  const forget = async (): Promise<void> => rmSync(join(cacheDir, '.ict', 'memo', 'directory'), { recursive: true, force: true });
  return [
    {
      title: `\`ict cache list\` over ${ENTRIES} entries, against an empty cache`,
      results: await alternate(
        [
          { name: 'ict cache list, nothing remembered', command: command('list'), prepare: forget },
          { name: 'ict cache list', command: command('list') },
          { name: 'nothing to list', command: { argv: [ICT, 'cache', 'list', '--cache-dir', join(directory, 'no-entries'), ...work] } },
        ],
        runs ?? 5,
        onRun,
      ),
    },
    {
      title: `\`ict cache gc\` over ${ENTRIES} entries, against a dry run`,
      results: await alternate(
        [
          { name: `ict cache gc, removes ${ENTRIES / 2}`, command: command('gc'), prepare: async () => makeEntries(cacheDir) },
          { name: 'ict cache gc --dry-run', command: command('gc', '--dry-run'), prepare: async () => makeEntries(cacheDir) },
        ],
        Math.min(runs ?? 3, 3),
        onRun,
      ),
    },
  ];
};

/**
 * Makes what is missing of the entries: a tenth are packages, three tenths results of steps, the rest memory of questions; every other one
 * was last used a year ago. The files are written as they lie in a cache, because the cache itself flushes each to the disk.
 */
function makeEntries(cacheDir: string): void {
  const made = new Set<string>();
  const write = (path: string, text: string): void => {
    const file = join(cacheDir, path);
    if (!made.has(dirname(file))) mkdirSync(dirname(file), { recursive: true });
    made.add(dirname(file));
    if (!existsSync(file)) writeFileSync(file, text);
  };
  mkdirSync(join(cacheDir, '.ict', 'used'), { recursive: true });
  const now = Math.floor(Date.now() / 1000);
  const used: { readonly entry: string; readonly usedAt: number }[] = [];
  for (let i = 0; i < ENTRIES; i++) {
    const key = createHash('sha256').update(String(i)).digest('hex');
    const place = `${key.slice(0, 2)}/${key}.json`;
    const name = `package-${i}_1.0-1_amd64.deb`;
    const [entry, path] =
      i % 10 === 0
        ? [`package ${PROVIDER}/${name}`, `pkgCache/${PROVIDER}/${name}`]
        : i % 10 < 4
          ? [`step ${key}`, `.ict/index/steps/bench.step/${place}`]
          : [`memo ${key}`, `.ict/memo/bench/${place}`];
    write(path, '{}');
    used.push({ entry, usedAt: now - (i % 2) * 365 * DAY_SECONDS });
  }
  // As a collection leaves it.
  used.sort((a, b) => (a.entry < b.entry ? -1 : 1));
  writeFileSync(join(cacheDir, '.ict', 'used', 'summary.log'), used.map(({ entry, usedAt }) => `${usedAt} ${entry}\n`).join(''));
}
