import type { ChildProcess } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactOf, ict, type IctResult } from './ict.js';
import type { Mini } from './mini-build.js';
import { strike } from './processes.js';
import { randomFrom } from './random.js';
import type { BuildPlaces } from './real-build.js';

export interface SoakPlan {
  /** Names the run: the same seed chooses the same commands and moments. */
  readonly seed: number;
  readonly moments: number;
  /** Moments after which everything is checked; at the end it is in any case. */
  readonly checkEvery: number;
  readonly say?: (line: string) => void;
}

export interface SoakReport {
  /** Moments at which something still ran. */
  readonly struck: number;
  readonly checks: number;
}

/** Packages that only images other than the one that must survive have. */
const PASSING = ['mini-aid', 'mini-tool', 'mini-hook'];

/** Events after which a build with full caches has ended; moments are spread over them. */
const EVENTS = 150;

/**
 * Kills builds, collections and cleans that share one cache, all at once, again and again. Between the kills it requires that what was
 * finished before is found, that nothing kept is damaged, and that nothing unfinished stays.
 *
 * @throws an error that names seed and moment when one of that does not hold.
 */
export async function soak(mini: Mini, { seed, moments, checkEvery, say = () => undefined }: SoakPlan): Promise<SoakReport> {
  const random = randomFrom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const first = await mini.places();
  const second: BuildPlaces = { ...(await mini.places()), cache: first.cache };
  const kept = await mini.template({});
  const passing = await Promise.all(PASSING.map((name) => mini.template({ system: { packages: ['mini-service', name] } })));
  const digest = await finish(mini.buildTemplate(kept, first), 'the first build');
  const directories = ['--cache-dir', first.cache, '--work-dir', second.work];
  const builds = [
    (watch: Watch) => mini.buildTemplate(kept, first, ['--no-image-cache'], watch),
    (watch: Watch) => mini.buildTemplate(pick(passing), second, [pick(['--image-cache', '--no-image-cache'])], watch),
  ];
  const others = [
    (watch: Watch) => ict(['cache', 'gc', '--unused-days', '30', ...directories], watch),
    (watch: Watch) => ict(['cache', 'clean', '--package', pick(PASSING), ...directories], watch),
    (watch: Watch) => ict(['cache', 'clean', '--workspace', ...directories], watch),
    (watch: Watch) => ict(['cache', 'verify', ...directories.slice(0, 2)], watch),
  ];
  let struck = 0;
  let checks = 0;
  for (let moment = 1; moment <= moments; moment++) {
    const commands = [...builds, pick(others)];
    if (await killAfter(Math.floor(random() * EVENTS), commands)) struck++;
    if (moment % checkEvery !== 0 && moment !== moments) continue;
    try {
      await requireSound(mini, kept, digest, first, second);
    } catch (cause) {
      throw new Error(`after moment ${moment} of seed ${seed}: ${(cause as Error).message}`, { cause });
    }
    checks++;
    say(`${moment} of ${moments}: sound`);
  }
  return { struck, checks };
}

interface Watch {
  readonly onStart: (child: ChildProcess) => void;
  readonly onEvent: () => void;
}

/** Starts commands and kills all of them after so many events of the builds among them. @returns false when all had ended before. */
async function killAfter(events: number, commands: readonly ((watch: Watch) => Promise<IctResult>)[]): Promise<boolean> {
  const children: ChildProcess[] = [];
  let seen = 0;
  let striking: Promise<unknown> | undefined;
  const strikeAll = (): Promise<unknown> => (striking ??= Promise.all(children.map((child) => strike(child, 'all at once'))));
  const results = await Promise.all(
    commands.map((command) =>
      command({
        onStart: (child) => {
          children.push(child);
          if (striking !== undefined) child.kill('SIGKILL');
        },
        onEvent: () => {
          if (++seen > events) void strikeAll();
        },
      }),
    ),
  );
  await striking;
  return results.some(({ signal }) => signal === 'SIGKILL');
}

async function finish(result: Promise<IctResult>, what: string): Promise<string> {
  const done = await result;
  if (done.status !== 0) throw new Error(`${what} exited ${done.status}:\n${done.stderr}`);
  return artifactOf(done, 'raw').digest;
}

/** Nothing kept is damaged, nothing finished is lost, and nothing unfinished is left. */
async function requireSound(mini: Mini, kept: string, digest: string, first: BuildPlaces, second: BuildPlaces): Promise<void> {
  const verified = await ict(['cache', 'verify', '--json', '--cache-dir', first.cache]);
  if (verified.status !== 0) throw new Error(`the cache is damaged:\n${verified.stdout}${verified.stderr}`);
  for (const [flag, step] of [
    ['--image-cache', 'ict.image'],
    ['--no-image-cache', 'ict.packages'],
  ] as const) {
    const again = await mini.buildTemplate(kept, first, ['--offline', flag]);
    if ((await finish(Promise.resolve(again), `a build that is in the cache (${flag})`)) !== digest)
      throw new Error('the image is another one');
    const lost = again.events.flatMap((event) => (event.type === 'step.miss' ? [`${event.step}: ${event.reason}`] : []));
    if (lost.length > 0) throw new Error(`finished results are lost: ${lost.join('; ')}`);
    if (!again.events.some((event) => event.type === 'step.hit' && event.step === step)) throw new Error(`nothing says that ${step} hit`);
  }
  // The lock of a work directory is its builds', and so is what a killed one left there.
  await finish(mini.buildTemplate(kept, second), 'a build of the other work directory');
  const left = (await Promise.all([first, second].map(leftovers))).flat();
  if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
}

/** Files below the places of a build that are unfinished, though no process runs; empty directories do not count. */
export async function leftovers({ cache, work, temporary }: BuildPlaces): Promise<readonly string[]> {
  const unfinished = [
    [cache, /^\.ict\/(tmp|trash)\/|^\.ict\/locks\/.*\.tmp$|(^|\/)\.ict-\d+-|^(pkgCache\/[^/]+|imageCache)\/\.[0-9a-f]{8}-/],
    [work, /(^|\/)(\.stage-|\.ict-\d+-)/],
    [temporary, /./],
  ] as const;
  const found: string[] = [];
  for (const [root, pattern] of unfinished) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(root.length + 1);
      if (!entry.isDirectory() && pattern.test(path)) found.push(join(root, path));
    }
  }
  return found;
}
