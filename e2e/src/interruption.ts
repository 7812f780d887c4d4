import type { ChildProcess } from 'node:child_process';
import type { BuildEvent } from '@ict/plugin-api';
import { eventually } from './host-state.js';
import type { IctOptions, IctResult } from './ict.js';
import { processesNaming, stillRunning, strike, type Strike, type Victim } from './processes.js';

/** A build that was struck, and how it ended. */
export interface Interrupted extends Strike {
  readonly result: IctResult;
}

/** Starts a build with these options, among its own, and waits for it. */
export type Watched = (watch: Pick<IctOptions, 'onStart' | 'onEvent'>) => Promise<IctResult>;

/** A build that ended before its moment came. */
const MISSED: Strike = { hit: [], struck: [], timeMs: Number.POSITIVE_INFINITY };

/** How often a strike is thrown that always misses. Ten seconds halved so often are 0.3: a command of Node's is still starting. */
const THROWS = 6;

/**
 * Strikes a build at the first of its events that is the one, or so long afterwards.
 *
 * @throws when there was none.
 */
export async function strikeAt(
  victim: Victim,
  isMoment: (event: BuildEvent) => boolean,
  build: Watched,
  afterMs = 0,
): Promise<Interrupted> {
  const striking = new Striking(victim);
  const result = await build({
    onEvent: (event, child) => {
      if (isMoment(event)) striking.begin(child, afterMs);
    },
  });
  if (!striking.begun) throw new Error(`the moment was not seen; ict exited ${result.status}: ${result.stderr}`);
  return { result, ...(await striking.end()) };
}

/** Strikes a build so many milliseconds after its start. */
export async function strikeAfter(victim: Victim, afterMs: number, build: Watched): Promise<Interrupted> {
  const striking = new Striking(victim);
  const result = await build({ onStart: (child) => striking.begin(child, afterMs) });
  return { result, ...(await striking.end()) };
}

/**
 * Throws a strike that comes too late again, at half the time, until one meets a build at work: a faster machine, or a slower one where the
 * time was measured, must not make a test of nothing.
 *
 * @param attempt strikes a build that has as much to do as the last one had, so many milliseconds after its start or an event.
 * @throws when it always came too late, or a build that was not struck failed.
 */
export async function strikeInTime(afterMs: number, attempt: (afterMs: number) => Promise<Interrupted>): Promise<Interrupted> {
  for (let thrown = 0; thrown < THROWS; thrown++) {
    const interrupted = await attempt(afterMs / 2 ** thrown);
    if (!cameTooLate(interrupted)) return interrupted;
    const { status, stderr } = interrupted.result;
    if (interrupted.hit.length === 0 && status !== 0) throw new Error(`a build that nobody struck exited ${status}: ${stderr}`);
  }
  throw new Error(`each of ${THROWS} builds was done before its strike, the first ${Math.round(afterMs)} ms after its moment`);
}

/**
 * Whether somebody was struck, in a build at work: there is no helper before the first sandbox, and after the last event nothing to interrupt.
 */
export function isRealHit(interrupted: Interrupted): boolean {
  return interrupted.struck.length > 0 && !cameTooLate(interrupted);
}

/** One strike, now or later. */
class Striking {
  readonly #victim: Victim;
  #timer: NodeJS.Timeout | undefined;
  #strike: Promise<Strike> | undefined;

  constructor(victim: Victim) {
    this.#victim = victim;
  }

  get begun(): boolean {
    return this.#timer !== undefined || this.#strike !== undefined;
  }

  begin(child: ChildProcess, afterMs: number): void {
    if (this.begun) return;
    const now = (): void => {
      this.#strike = strike(child, this.#victim);
    };
    if (afterMs === 0) now();
    else this.#timer = setTimeout(now, afterMs);
  }

  /** Called when the build has ended. */
  async end(): Promise<Strike> {
    clearTimeout(this.#timer);
    return (await this.#strike) ?? MISSED;
  }
}

/** All was done before the build was struck, and what it still said tells only that: no signal changes how it ends. */
function cameTooLate({ result: { events }, hit, timeMs }: Interrupted): boolean {
  const after = events.filter(({ time }) => Date.parse(time) > timeMs);
  const done = events.at(-1)?.type === 'build.done' && after.every(({ type }) => type === 'artifact.written' || type === 'build.done');
  return hit.length === 0 || done;
}

/**
 * A killed ict says nothing, an interrupted one says 130; who loses its helper may finish without it, or fails with a code.
 *
 * @throws when it ended in another way.
 */
export function requireEnd(victim: Victim, interrupted: Interrupted): void {
  if (cameTooLate(interrupted)) return;
  const { status, signal, stderr, events } = interrupted.result;
  const fail = (expected: string): never => {
    throw new Error(`expected ${expected}; ict ended with ${signal ?? `status ${status}`}: ${stderr}`);
  };
  if ((victim === 'ict alone' || victim === 'all at once') && signal !== 'SIGKILL') fail('the death of SIGKILL');
  // In its first moments ict is a Node that knows nothing of signals, and dies of it: to a shell, that is 130 as well.
  if (victim === 'Ctrl-C' && (signal === 'SIGINT' ? 130 : status) !== 130) fail('status 130');
  if (victim === 'its helper alone' && status !== 0) {
    const last = events.at(-1);
    const code = last?.type === 'build.failed' ? last.error.code : last?.type;
    if (!/^ICT_(?!INTERNAL)/.test(code ?? '')) fail(`the code of an error, not ${code}`);
  }
}

/**
 * Waits until nothing of a struck build runs.
 *
 * @param root directory of the build's places.
 * @param others tells of further processes that belong to it.
 * @throws when something still does after ten seconds.
 */
export function requireQuiet(
  root: string,
  { hit }: Interrupted,
  others = (): Promise<readonly string[]> => Promise.resolve([]),
): Promise<void> {
  return eventually(
    async () => (await stillRunning(hit)).length === 0 && (await processesNaming(root)).length === 0 && (await others()).length === 0,
    10_000,
    'every process of the build ends',
  );
}
